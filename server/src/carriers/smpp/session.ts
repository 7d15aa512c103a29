/**
 * A session: one TCP connection and its bind (SMPP 3.4, 2.2 and 4.1), from the first octet to the last.
 *
 * ```
 *                 connected           bound by the SMSC
 *  CLOSED ──▶ CONNECTING ──▶ BINDING ──▶ BOUND ──stop()──▶ UNBINDING ──unbind_resp──▶ CLOSED
 *                 │             │          │                   │
 *                 └─────────────┴──────────┴───────────────────┴──▶ CLOSED
 *    refused, timed out, broken, a length that cannot be, enquire_link without an answer, the SMSC's unbind
 * ```
 * A session lives once: after CLOSED the link makes another. Whatever ends it, every request gets an answer: `lost`
 * when its octets were handed to the socket, `unsent` when not.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../../lib/log.ts';
import { findCommand, INTERFACE_VERSION, type CommandName } from './commands.ts';
import { refusePdu, salvage, showOctets } from './damage.ts';
import { createFrameDecoder } from './frames.ts';
import type { SmppOptions } from './options.ts';
import { createOutlet } from './outlet.ts';
import { createOutstanding, type Answer, type Outstanding } from './outstanding.ts';
import { NO_TLVS, PduError, type BindName, type MessageBody, type Pdu, type PduOf } from './pdu.ts';
import { readHeader, readPdu } from './reader.ts';
import { endSocket, openSocket } from './socket.ts';
import { describeStatus, PERMANENT_BIND_REFUSALS, STATUS } from './statuses.ts';

/** Where a session is in its life. */
export type SessionState = 'CLOSED' | 'CONNECTING' | 'BINDING' | 'BOUND' | 'UNBINDING';

/** A message from the SMSC: a receipt or somebody's message. */
export type Delivery = PduOf<'deliver_sm' | 'data_sm'>;

/** Why a session ended. */
export interface SessionEnd {
  readonly reason: string;
  /** The SMSC refused the bind in a way that does not mend itself. */
  readonly isRefused: boolean;
}

/** Whom a session tells. */
export interface SessionEvents {
  onBound(): void;
  /** A request was answered or given up: there is room in the window. */
  onRoom(): void;
  /** Answer with a status, once, at any time. */
  onDelivery(delivery: Delivery, answer: (status: number) => void): void;
  /** The SMSC sent what cannot be read, or what nobody sends to us. */
  onDamage(): void;
  /** The last word; after the answers of all requests. */
  onClosed(end: SessionEnd): void;
}

/** Octets that the SMSC may leave unread before the session is given up. */
const UNREAD_MAX = 16 * 1024 * 1024;
/** Late answers are looked for so often, or four times per time-out when that is less. */
const TICK_MAX_MS = 1_000;
/** How long the SMSC may take over unbind. */
const UNBIND_MS = 2_000;

export class Session {
  readonly #options: SmppOptions;
  readonly #bind: BindName;
  readonly #events: SessionEvents;
  readonly #log: Logger;
  readonly #outstanding = createOutstanding(() => performance.now());
  readonly #outlet = createOutlet((octets) => this.#write(octets));
  readonly #decoder = createFrameDecoder((bytes, start, end) => this.#takeFrame(bytes, start, end));
  #state: SessionState = 'CLOSED';
  #socket: Socket | null = null;
  /** Requests of this order and later were not written. */
  #unwrittenFrom = 0;
  #timer: NodeJS.Timeout | null = null;
  #heardAt = 0;
  #enquiring = false;
  #stopping: Promise<void> | null = null;
  #whenIdle: (() => void) | null = null;
  #whenClosed: (() => void) | null = null;
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
    return this.#state === 'BOUND' && this.#stopping === null && this.#bind !== 'bind_receiver'
      ? this.#options.windowPerBind - this.#outstanding.submits
      : 0;
  }

  /** Connects and binds; once. */
  open(): void {
    const { tls, bindTimeoutMs } = this.#options;
    this.#state = 'CONNECTING';
    const socket = openSocket(this.#options);
    this.#socket = socket;
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
    if (this.#state === 'BOUND' || this.#state === 'UNBINDING') {
      this.#stopping ??= this.#unbind(drainMs);
      await this.#stopping;
    } else this.#close('Stopped');
    await this.#ended;
  }

  async #unbind(drainMs: number): Promise<void> {
    await this.#drained(drainMs);
    // It may have been closed meanwhile.
    if (this.#state !== 'BOUND') return;
    this.#state = 'UNBINDING';
    this.#request('unbind');
    await new Promise<void>((resolve) => {
      this.#whenClosed = resolve;
      this.#arm(setTimeout(() => this.#close('No answer to unbind'), UNBIND_MS));
    });
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.#outstanding.submits === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, drainMs);
    });
    clearTimeout(timer);
    this.#whenIdle = null;
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
    this.#heardAt = performance.now();
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
    const shown = { bind: this.#bind, reason, length: octets.length, octets: showOctets(octets) };
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
        this.#send({ command: 'unbind_resp', status: 0, sequence: pdu.sequence });
        this.#close('The SMSC unbound');
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

  /** Answers to what was given up long ago, or given twice, or never asked, find nothing and change nothing. */
  #settleSubmit(request: Outstanding | undefined, status: number, messageId: string): void {
    if (request === undefined) {
      this.#log.debug({ status }, 'An answer without a request');
      return;
    }
    request.done?.({ kind: 'answered', status, messageId });
    this.#noteRoom();
  }

  #noteRoom(): void {
    if (this.#outstanding.submits === 0) this.#whenIdle?.();
    this.#events.onRoom();
  }

  #takeBindAnswer(pdu: PduOf<`${BindName}_resp`>): void {
    const bind = findCommand(bindIdOf(pdu.command)) ?? this.#bind;
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
    const answer = (status: number) =>
      this.#send({ command, status, sequence, messageId: '', tlvs: NO_TLVS });
    if (this.#state === 'BOUND' || this.#state === 'UNBINDING')
      this.#events.onDelivery(pdu, answer);
    else answer(STATUS.invalidBind);
  }

  /** Gives up what is late and asks whether the SMSC is still there. */
  #tick(): void {
    const { responseTimeoutMs, enquireLinkMs } = this.#options;
    const now = performance.now();
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
    // What was said last, an answer to unbind or a generic_nack, shall still go out; requests may not.
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

/** Whether only an SMSC takes it. */
function isForSmsc(command: CommandName): boolean {
  return command === 'submit_sm' || (command.startsWith('bind_') && !command.endsWith('_resp'));
}

function bindIdOf(response: `${BindName}_resp`): number {
  return { bind_receiver_resp: 1, bind_transmitter_resp: 2, bind_transceiver_resp: 9 }[response];
}
