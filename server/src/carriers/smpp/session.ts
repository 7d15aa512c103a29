/**
 * A session: one TCP connection and its bind (SMPP 3.4, 2.2 and 4.1), from the first octet to the last.
 *
 * ```
 *                 connected           bound by the SMSC      stop(), or the SMSC's unbind
 *  CLOSED ──▶ CONNECTING ──▶ BINDING ──▶ BOUND ──▶ DRAINING ──▶ UNBINDING ──unbind_resp──▶ CLOSED
 *                 │             │          │           │  │         │
 *                 │             │          │           │  └─ unbind_resp to the SMSC's unbind ──▶ CLOSED
 *                 └─────────────┴──────────┴───────────┴────────────┴──▶ CLOSED
 *    refused, timed out, broken, a length that cannot be, enquire_link without an answer
 * ```
 * DRAINING accepts answers and deliveries and submits nothing. It ends when nothing is outstanding, or after a timeout.
 * While deliveries cannot be stored, the session does not read, and its clock stops: no answer becomes late meanwhile.
 *
 * A session is used once: after CLOSED the link opens another. Every request gets a result, whatever ends the session:
 * `lost` if its octets were written to the socket, `unsent` otherwise.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../../lib/log.ts';
import { createClock } from './clock.ts';
import { INTERFACE_VERSION } from './commands.ts';
import { isForSmsc, refusePdu, salvage, formatOctets } from './damage.ts';
import { createFrameDecoder } from './frames.ts';
import type { SmppOptions } from './options.ts';
import { createOutlet } from './outlet.ts';
import { createOutstanding, type Answer, type Outstanding } from './outstanding.ts';
import { NO_TLVS, PduError, type BindName, type MessageBody, type Pdu, type PduOf } from './pdu.ts';
import { readHeader, readPdu } from './reader.ts';
import type { Delivery, SessionEvents, SessionState } from './session-events.ts';
import { endSocket, openSocket } from './socket.ts';
import { describeStatus, PERMANENT_BIND_REFUSALS, STATUS } from './statuses.ts';

/** Maximum number of octets that the SMSC leaves unread before the session ends. */
const UNREAD_MAX = 16 * 1024 * 1024;
/** Interval of checks for late answers; at most a quarter of the timeout. */
const TICK_MAX_MS = 1_000;
/** Timeout for the SMSC's answer to unbind. */
const UNBIND_MS = 2_000;

export class Session {
  readonly #options: SmppOptions;
  readonly #bind: BindName;
  readonly #events: SessionEvents;
  readonly #log: Logger;
  /** Stands still while it does not read. */
  readonly #clock = createClock();
  readonly #outstanding = createOutstanding(() => this.#clock.now());
  readonly #outlet = createOutlet((octets) => this.#write(octets));
  readonly #decoder = createFrameDecoder((bytes, start, end) => this.#takeFrame(bytes, start, end));
  #state: SessionState = 'CLOSED';
  #socket: Socket | null = null;
  /** Requests of this order and later were not written. */
  #unwrittenFrom = 0;
  #timer: NodeJS.Timeout | null = null;
  #heardAt = 0;
  #enquiring = false;
  /** Deliveries that were not answered. */
  #unanswered = 0;
  /** Sequence number of the SMSC's unbind. */
  #unbindAsked: number | null = null;
  #whenIdle: (() => void) | null = null;
  #whenClosed: (() => void) | null = null;
  #closed: Promise<void> = Promise.resolve();
  /** Resolves when the socket is gone. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: SmppOptions, bind: BindName, events: SessionEvents, log: Logger) {
    this.#options = options;
    this.#bind = bind;
    this.#events = events;
    this.#log = log;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** How many more submit_sm it takes now. */
  get room(): number {
    return this.#state === 'BOUND' && this.#bind !== 'bind_receiver'
      ? this.#options.windowPerBind - this.#outstanding.submits
      : 0;
  }

  /** Connects and binds; once. */
  open(): void {
    const { tls, bindTimeoutMs } = this.#options;
    this.#state = 'CONNECTING';
    const socket = openSocket(this.#options);
    this.#socket = socket;
    this.#closed = new Promise((resolve) => (this.#whenClosed = resolve));
    this.#timer = setTimeout(
      () => this.#close(`No bind within ${bindTimeoutMs} ms (${this.#state})`),
      bindTimeoutMs,
    );
    socket.on(tls === null ? 'connect' : 'secureConnect', () => this.#sendBind());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#close(`The connection failed: ${error.message}`));
    socket.on('end', () => this.#close('The SMSC closed the connection'));
    socket.on('close', () => this.#close('The connection was closed'));
  }

  /** Submits; `done` is called once, not before this returns. Only while there is `room`. */
  submit(body: MessageBody, done: (answer: Answer) => void): void {
    this.#outlet.submit(this.#outstanding.enter('submit_sm', done), body);
  }

  /** Waits for answers up to a time, unbinds and closes; resolves when it is closed. */
  async stop(drainMs: number): Promise<void> {
    if (this.#state === 'BOUND') void this.#leave(drainMs);
    else if (this.#state !== 'DRAINING' && this.#state !== 'UNBINDING') this.#close('Stopped');
    await this.#closed;
    await this.#ended;
  }

  /** Reads again. */
  resume(): void {
    this.#clock.go();
    this.#socket?.resume();
  }

  async #leave(drainMs: number): Promise<void> {
    this.#state = 'DRAINING';
    if (!this.#isIdle) await this.#drained(drainMs);
    // It may have been closed meanwhile.
    if (this.#state !== 'DRAINING') return;
    if (this.#unbindAsked !== null) this.#answerUnbind(this.#unbindAsked);
    else {
      this.#state = 'UNBINDING';
      this.#request('unbind');
      this.#arm(setTimeout(() => this.#close('No answer to unbind'), UNBIND_MS));
    }
  }

  get #isIdle(): boolean {
    return this.#outstanding.submits === 0 && this.#unanswered === 0;
  }

  async #drained(drainMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, drainMs);
    });
    clearTimeout(timer);
    this.#whenIdle = null;
  }

  /** The answers that are still to come are taken first: once it is answered, the SMSC gives none. */
  #takeUnbind(sequence: number): void {
    this.#unbindAsked = sequence;
    const { submits } = this.#outstanding;
    this.#log.info({ bind: this.#bind, submits }, 'The SMSC unbinds; waiting for its answers');
    if (this.#state === 'BOUND') {
      void this.#leave(this.#options.stopTimeoutMs);
      // The SMSC may refuse requests that follow; another session submits them.
      this.#outlet.takeBack();
      for (const request of this.#outstanding.takeFrom(this.#unwrittenFrom))
        request.done?.({ kind: 'unsent', detail: 'The SMSC unbound' });
      this.#noteIdle();
    } else if (this.#state !== 'DRAINING') this.#answerUnbind(sequence);
  }

  #answerUnbind(sequence: number): void {
    this.#send({ command: 'unbind_resp', status: 0, sequence });
    this.#close('The SMSC unbound');
  }

  #arm(timer: NodeJS.Timeout): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = timer;
  }

  #sendBind(): void {
    const { systemId, password, systemType, addressRange } = this.#options;
    this.#state = 'BINDING';
    this.#send({
      command: this.#bind,
      status: 0,
      sequence: this.#outstanding.enter(this.#bind),
      systemId,
      password,
      systemType,
      interfaceVersion: INTERFACE_VERSION,
      addressRange: { ton: 0, npi: 0, address: addressRange },
    });
  }

  #request(command: 'enquire_link' | 'unbind'): void {
    this.#send({ command, status: 0, sequence: this.#outstanding.enter(command) });
  }

  #send(pdu: Pdu): void {
    if (this.#state !== 'CLOSED') this.#outlet.send(pdu);
  }

  #write(octets: Buffer): void {
    this.#unwrittenFrom = this.#outstanding.entered;
    this.#socket?.write(octets);
    if ((this.#socket?.writableLength ?? 0) > UNREAD_MAX)
      this.#close('The SMSC does not read what it is sent');
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'CLOSED') return;
    this.#heardAt = this.#clock.now();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof PduError)) throw error;
      this.#noteDamage(error.message, error.octets);
      this.#send({ command: 'generic_nack', status: error.status, sequence: 0 });
      this.#close(`The stream cannot be read any further: ${error.message}`);
    }
  }

  #takeFrame(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'CLOSED') return;
    try {
      const pdu = readPdu(bytes, start, end);
      if (pdu === null || isForSmsc(pdu.command))
        this.#refuse('It is no command to an ESME', bytes.subarray(start, end));
      else this.#takePdu(pdu);
    } catch (error) {
      if (!(error instanceof PduError)) throw error;
      const pdu = salvage(error);
      if (pdu === null) this.#refuse(error.message, error.octets, error.status);
      else {
        this.#noteDamage(error.message, error.octets);
        this.#takePdu(pdu);
      }
    }
  }

  #noteDamage(reason: string, octets: Buffer): void {
    const shown = { bind: this.#bind, reason, length: octets.length, octets: formatOctets(octets) };
    this.#log.warn(shown, 'The SMSC sent a damaged PDU');
    this.#events.onDamage();
  }

  #refuse(reason: string, octets: Buffer, status: number = STATUS.invalidCommand): void {
    this.#noteDamage(reason, octets);
    const { id, sequence } = readHeader(octets, 0);
    const answer = refusePdu(id, sequence, status);
    if (answer !== null) this.#send(answer);
  }

  #takePdu(pdu: Pdu): void {
    switch (pdu.command) {
      case 'submit_sm_resp':
        this.#settleSubmit(
          this.#outstanding.take(pdu.sequence, 'submit_sm'),
          pdu.status,
          pdu.messageId,
        );
        return;
      case 'deliver_sm':
      case 'data_sm':
        this.#takeDelivery(pdu);
        return;
      case 'enquire_link':
        this.#send({ command: 'enquire_link_resp', status: 0, sequence: pdu.sequence });
        return;
      case 'enquire_link_resp':
        if (this.#outstanding.take(pdu.sequence, 'enquire_link') !== undefined)
          this.#enquiring = false;
        return;
      case 'unbind':
        this.#takeUnbind(pdu.sequence);
        return;
      case 'unbind_resp':
        if (this.#outstanding.take(pdu.sequence, 'unbind') !== undefined) this.#close('Unbound');
        return;
      case 'generic_nack':
        this.#takeNack(pdu);
        return;
      case 'bind_receiver_resp':
      case 'bind_transmitter_resp':
      case 'bind_transceiver_resp':
        this.#takeBindAnswer(pdu);
        return;
      case 'alert_notification':
      case 'outbind':
      case 'deliver_sm_resp':
      case 'data_sm_resp':
        return;
      case 'submit_sm':
      case 'bind_receiver':
      case 'bind_transmitter':
      case 'bind_transceiver':
        return;
    }
  }

  /** Late answers, repeated answers and answers to no request are ignored. */
  #settleSubmit(request: Outstanding | undefined, status: number, messageId: string): void {
    if (request === undefined) {
      this.#log.debug({ status }, 'Received an answer without a request');
      return;
    }
    request.done?.({ kind: 'answered', status, messageId });
    this.#noteRoom();
  }

  #noteRoom(): void {
    this.#noteIdle();
    this.#events.onRoom();
  }

  #noteIdle(): void {
    if (this.#isIdle) this.#whenIdle?.();
  }

  #takeBindAnswer(pdu: PduOf<`${BindName}_resp`>): void {
    const bind = pdu.command.slice(0, -'_resp'.length) as BindName;
    if (this.#state !== 'BINDING' || this.#outstanding.take(pdu.sequence, bind) === undefined)
      return;
    if (pdu.status !== 0) {
      this.#refuseBind(pdu.status);
      return;
    }
    this.#state = 'BOUND';
    const { responseTimeoutMs, enquireLinkMs } = this.#options;
    const tickMs = Math.min(TICK_MAX_MS, responseTimeoutMs / 4, enquireLinkMs / 4);
    this.#arm(setInterval(() => this.#tick(), Math.max(5, tickMs)));
    this.#events.onBound();
  }

  #refuseBind(status: number): void {
    const reason = `The SMSC refused the bind: ${describeStatus(status)}`;
    this.#close(reason, PERMANENT_BIND_REFUSALS.has(status));
  }

  #takeNack({ status, sequence }: PduOf<'generic_nack'>): void {
    const request = this.#outstanding.take(sequence, null);
    if (request === undefined)
      this.#log.warn({ status: describeStatus(status) }, 'The SMSC sent a generic_nack');
    else if (request.command === 'submit_sm') this.#settleSubmit(request, status, '');
    else if (request.command === this.#bind) this.#refuseBind(status);
    // It is there, even if it does not know the command.
    else if (request.command === 'enquire_link') this.#enquiring = false;
    else this.#close('The SMSC does not know unbind');
  }

  #takeDelivery(pdu: Delivery): void {
    const command = pdu.command === 'deliver_sm' ? 'deliver_sm_resp' : 'data_sm_resp';
    // Alone, so that the PDU with its octets can go before it is answered.
    const { sequence } = pdu;
    this.#unanswered += 1;
    const answer = (status: number) => {
      this.#send({ command, status, sequence, messageId: '', tlvs: NO_TLVS });
      this.#unanswered -= 1;
      this.#noteIdle();
    };
    if (this.#state === 'BINDING') answer(STATUS.invalidBind);
    else if (!this.#events.onDelivery(pdu, answer)) {
      this.#clock.halt();
      this.#socket?.pause();
    }
  }

  /** Ends late requests, and checks whether the SMSC is still there. */
  #tick(): void {
    const { responseTimeoutMs, enquireLinkMs } = this.#options;
    const now = this.#clock.now();
    const late = this.#outstanding.takeSince(now - responseTimeoutMs);
    for (const request of late)
      request.done?.({ kind: 'lost', detail: `No answer within ${responseTimeoutMs} ms` });
    if (late.some((request) => request.command === 'enquire_link')) {
      this.#close(`No answer to enquire_link within ${responseTimeoutMs} ms`);
      return;
    }
    if (late.length > 0) this.#noteRoom();
    if (this.#state === 'BOUND' && !this.#enquiring && now - this.#heardAt >= enquireLinkMs) {
      this.#enquiring = true;
      this.#request('enquire_link');
    }
  }

  #close(reason: string, isRefused = false): void {
    if (this.#state === 'CLOSED') return;
    const socket = this.#socket;
    const unwrittenFrom = this.#unwrittenFrom;
    this.#state = 'CLOSED';
    // A last answer to unbind or a generic_nack is still sent; requests are not.
    this.#outlet.takeBack();
    this.#outlet.flush();
    if (this.#timer !== null) clearInterval(this.#timer);
    if (socket !== null) this.#ended = endSocket(socket);
    const lost: Answer = { kind: 'lost', detail: `The session ended before the answer: ${reason}` };
    const unsent: Answer = { kind: 'unsent', detail: reason };
    for (const each of this.#outstanding.takeSince(Infinity))
      each.done?.(each.order >= unwrittenFrom ? unsent : lost);
    this.#whenIdle?.();
    this.#events.onClosed({ reason, isRefused });
    this.#whenClosed?.();
  }
}
