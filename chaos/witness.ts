/**
 * The witness: an SMSC on a socket of 127.0.0.1 that records accepted messages by recipient, and can hang, lie and
 * flood. It shares no code with the server. Receipts that were not acknowledged are sent again.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  addressOf,
  answerTo,
  BIND,
  DELIVER_RESP,
  ENQUIRE,
  readPdus,
  receiptPdu,
  SUBMIT,
  UNBIND,
  type RawPdu,
} from './smpp.ts';

/** Its behaviour from now on. */
export interface Behaviour {
  /** Answers to submissions a second, over all sessions. */
  perSecond: number;
  /** Takes submissions and answers none of them. */
  hangs: boolean;
  /** Share of submissions answered with a temporary error instead of being taken, and of answers to nothing. */
  lies: number;
  /** Times each receipt is sent. */
  copies: number;
}

interface ReceiptOf {
  readonly id: string;
  readonly address: string;
}

interface Session {
  readonly socket: Socket;
  readonly unacknowledged: Map<number, ReceiptOf>;
}

/** Receipts without an answer on one session. */
const RECEIPT_WINDOW = 200;
const TICK_MS = 10;
const TEMPORARY_ERROR = 0x08;

export class Witness {
  readonly behaviour: Behaviour = { perSecond: 2_000, hangs: false, lies: 0, copies: 1 };
  /** How often each recipient's message was taken. A submission that was refused was not. */
  readonly taken = new Map<string, number>();
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #due: { readonly session: Session; readonly pdu: RawPdu }[] = [];
  #receipts: ReceiptOf[] = [];
  #sequence = 0;
  #budget = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #chance: () => number;

  private constructor(chance: () => number) {
    this.#chance = chance;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** `chance` decides about lies: a number in [0, 1). */
  static async start(chance: () => number): Promise<Witness> {
    const witness = new Witness(chance);
    witness.#server.listen(0, '127.0.0.1');
    await once(witness.#server, 'listening');
    return witness;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const { socket } of this.#sessions) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const session: Session = { socket, unacknowledged: new Map() };
    this.#sessions.add(session);
    const read = readPdus((pdu) => this.#take(session, pdu));
    socket.on('data', read);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sessions.delete(session);
      this.#receipts.push(...session.unacknowledged.values());
    });
  }

  #take(session: Session, pdu: RawPdu): void {
    if (pdu.command === SUBMIT) {
      if (this.behaviour.hangs) this.#count(pdu);
      else this.#due.push({ session, pdu });
    } else if (pdu.command === DELIVER_RESP) {
      const receipt = session.unacknowledged.get(pdu.sequence);
      session.unacknowledged.delete(pdu.sequence);
      if (receipt !== undefined && pdu.status !== 0) this.#receipts.push(receipt);
    } else if (pdu.command === BIND || pdu.command === ENQUIRE || pdu.command === UNBIND)
      session.socket.write(answerTo(pdu, 0, pdu.command === BIND ? 'witness' : null));
  }

  #count(pdu: RawPdu): string {
    const address = addressOf(pdu);
    this.taken.set(address, (this.taken.get(address) ?? 0) + 1);
    return address;
  }

  #tick(): void {
    const { perSecond } = this.behaviour;
    this.#budget = Math.min(this.#budget + (perSecond * TICK_MS) / 1000, perSecond / 10);
    while (this.#budget >= 1 && this.#due.length > 0) {
      this.#budget -= 1;
      const next = this.#due.shift();
      if (next === undefined) continue;
      // Submissions of a node that is gone count as accepted: the worst case of an SMSC.
      if (next.session.socket.destroyed) this.#count(next.pdu);
      else this.#answer(next.session, next.pdu);
    }
    this.#sendReceipts();
  }

  #answer(session: Session, pdu: RawPdu): void {
    if (this.#chance() < this.behaviour.lies) {
      // An answer to no request, then a refusal.
      session.socket.write(answerTo({ ...pdu, sequence: pdu.sequence + 500_000 }, 0, 'nothing'));
      session.socket.write(answerTo(pdu, TEMPORARY_ERROR, ''));
      return;
    }
    const address = this.#count(pdu);
    this.#sequence += 1;
    const id = this.#sequence.toString(16).padStart(8, '0');
    session.socket.write(answerTo(pdu, 0, id));
    const { copies, lies } = this.behaviour;
    for (let i = 0; i < copies; i += 1) this.#receipts.push({ id, address });
    if (this.#chance() < lies) this.#receipts.push({ id: `ffff${id}`, address });
  }

  #sendReceipts(): void {
    for (const session of this.#sessions) {
      const room = RECEIPT_WINDOW - session.unacknowledged.size;
      const some = this.#receipts.slice(0, room);
      this.#receipts = this.#receipts.slice(some.length);
      for (const receipt of some) {
        this.#sequence += 1;
        session.unacknowledged.set(this.#sequence, receipt);
        session.socket.write(receiptPdu(this.#sequence, receipt.id, receipt.address));
      }
    }
  }
}
