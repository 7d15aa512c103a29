/**
 * Deliveries: receipts and messages from the SMSC. They are passed on in batches, one batch at a time, and acknowledged
 * when they are stored. So a slow database slows down the SMSC. Beyond a limit, reading stops; an error answer would not
 * help, because many SMSCs take it for a permanent failure.
 */
import type { Logger } from '../../lib/log.ts';
import type { InboundMessage } from '../../domain/inbound.ts';
import type { Receipt } from '../../domain/receipt.ts';
import type { InboundSink, ReceiptSink } from '../carrier.ts';
import { fromSmppAddress, type Home } from './addresses.ts';
import { decodeText } from './alphabet.ts';
import { TAGS } from './commands.ts';
import { formatOctets } from './damage.ts';
import { createReassembly, readPart, type WholeMessage } from './reassembly.ts';
import { readReceipt, type ReceiptReading, type ReceiptRules } from './receipts.ts';
import type { Delivery } from './session-events.ts';
import { STATUS } from './statuses.ts';

export interface Deliveries {
  /** Takes one delivery. `answer` is called once, when it was stored or cannot be. False: take no more until `onRoom`. */
  take(delivery: Delivery, answer: (status: number) => void): boolean;
  /** Stores waiting deliveries, incomplete messages too; resolves when all are stored. */
  stop(): Promise<void>;
}

/** Unacknowledged deliveries of all sessions: reading stops at the first number and resumes at the second. */
const WAITING_MAX = 2_000;
const WAITING_LOW = 1_000;
/** Passed to the sink in one call. */
const BATCH_MAX = 500;
/** Maximum number of incomplete messages, and the time to wait for their parts. */
const REASSEMBLY_MAX = 1_000;
const REASSEMBLY_MS = 5 * 60_000;
const REASSEMBLY_SWEEP_MS = 10_000;

/** The stored data of a message's first part. Not the PDU, whose octets are a view of a larger buffer. */
interface Context {
  readonly from: string;
  readonly isNational: boolean;
  readonly to: string;
  readonly dataCoding: number;
  readonly receivedAt: Date;
}

interface Item {
  readonly receipt?: Receipt;
  readonly message?: InboundMessage;
  readonly answer: (status: number) => void;
}

export interface DeliveriesOptions {
  readonly rules: ReceiptRules;
  readonly home: Home;
  readonly receive: ReceiptSink;
  /** Null: messages to us are answered and dropped. */
  readonly inbound: InboundSink | null;
  readonly log: Logger;
  /** There is room again after `take` said that there was none. */
  readonly onRoom: () => void;
  /**
   * Called for each receipt without the required fields, and for each message that cannot be read or whose sender has no
   * country code.
   */
  readonly onDamage: () => void;
}

/** Receives the deliveries of all sessions of one carrier. */
export function createDeliveries({
  rules,
  home,
  receive,
  inbound,
  log,
  onRoom,
  onDamage,
}: DeliveriesOptions): Deliveries {
  let queue: Item[] = [];
  /** Given to a sink that has not answered. */
  let inHand = 0;
  let isFull = false;
  let handing: Promise<void> | null = null;
  const reassembly = createReassembly<Context>(REASSEMBLY_MAX, REASSEMBLY_MS, () =>
    performance.now(),
  );
  const sweeper = setInterval(() => addMessages(reassembly.expire()), REASSEMBLY_SWEEP_MS);
  sweeper.unref();

  function add(item: Item): void {
    queue.push(item);
    handing ??= handOn().finally(() => {
      handing = null;
    });
  }

  /** One call at a time; deliveries that arrive meanwhile go with the next one. */
  async function handOn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const items = queue.splice(0, BATCH_MAX);
      inHand = items.length;
      const receipts = items.flatMap((each) => each.receipt ?? []);
      const messages = items.flatMap((each) => each.message ?? []);
      const [receiptsPassed, messagesPassed] = await Promise.all([
        pass(receipts, receive),
        pass(messages, inbound),
      ]);
      for (const each of items)
        each.answer(
          (each.receipt === undefined ? messagesPassed : receiptsPassed)
            ? STATUS.ok
            : STATUS.temporary,
        );
      inHand = 0;
      if (isFull && queue.length <= WAITING_LOW) {
        isFull = false;
        onRoom();
      }
    }
  }

  /** False when the sink failed: the SMSC should repeat the delivery. */
  async function pass<Value>(
    values: readonly Value[],
    sink: ((values: readonly Value[]) => Promise<void>) | null,
  ): Promise<boolean> {
    if (values.length === 0 || sink === null) return true;
    try {
      await sink(values);
      return true;
    } catch (error) {
      log.error({ err: error }, 'A delivery from the SMSC could not be processed');
      return false;
    }
  }

  function addMessages(
    wholes: readonly WholeMessage<Context>[],
    answer: (status: number) => void = () => undefined,
  ): void {
    const messages = wholes.flatMap((each) => toInbound(each) ?? []);
    for (const message of messages.slice(0, -1)) add({ message, answer: () => undefined });
    const last = messages.at(-1);
    if (last === undefined) answer(STATUS.ok);
    else add({ message: last, answer });
  }

  function toInbound({ octets, context }: WholeMessage<Context>): InboundMessage | null {
    const { from, isNational, to, dataCoding, receivedAt } = context;
    const text = decodeText(octets, dataCoding, rules.alphabet);
    if (text === null) {
      log.warn(
        { dataCoding, octets: formatOctets(octets) },
        'Dropped an inbound message that cannot be read',
      );
      onDamage();
      return null;
    }
    if (isNational) {
      log.warn({ from }, 'A message from a number without country: set inboundCountryCode');
      onDamage();
    }
    const message = { channel: 'SMS', from, to, text, providerId: null, receivedAt } as const;
    return isNational ? { ...message, isNational: true } : message;
  }

  function takeMessage(delivery: Delivery, octets: Buffer, answer: (status: number) => void): void {
    if (inbound === null) {
      answer(STATUS.ok);
      return;
    }
    const part = readPart(octets, delivery.esmClass, delivery.tlvs);
    const from = fromSmppAddress(delivery.source, home, 'person');
    const context: Context = {
      from: from.address,
      isNational: from.isNational,
      to: fromSmppAddress(delivery.destination, home, 'sender').address,
      dataCoding: delivery.dataCoding,
      receivedAt: new Date(),
    };
    addMessages(reassembly.take(part, `${context.from} ${context.to}`, context), answer);
  }

  function read(
    { esmClass, dataCoding, tlvs, ...delivery }: Delivery,
    all: Buffer,
  ): ReceiptReading {
    const { octets } = readPart(all, esmClass, tlvs);
    const [source, destination] = [delivery.source.address, delivery.destination.address];
    return readReceipt({ esmClass, dataCoding, tlvs, octets, source, destination }, rules);
  }

  return {
    take(delivery, answer) {
      const octets = octetsOf(delivery);
      const reading = read(delivery, octets);
      if (reading.kind === 'receipt') add({ receipt: reading.receipt, answer });
      else if (reading.kind === 'none') takeMessage(delivery, octets, answer);
      else {
        if (reading.kind === 'ignored')
          log.debug({ reason: reading.reason }, 'Received a receipt that changes nothing');
        else {
          log.warn(
            { reason: reading.reason, esmClass: delivery.esmClass, octets: formatOctets(octets) },
            'Received a receipt that cannot be read',
          );
          onDamage();
        }
        answer(STATUS.ok);
      }
      isFull = queue.length + inHand >= WAITING_MAX;
      return !isFull;
    },
    async stop() {
      clearInterval(sweeper);
      addMessages(reassembly.flush());
      await handing;
    },
  };
}

/** The message's octets: in short_message, or in message_payload when that is empty (4.6.1). */
function octetsOf(delivery: Delivery): Buffer {
  const payload = delivery.tlvs.get(TAGS.message_payload);
  if (delivery.command === 'data_sm') return payload ?? Buffer.alloc(0);
  return delivery.shortMessage.length === 0 && payload !== undefined
    ? payload
    : delivery.shortMessage;
}
