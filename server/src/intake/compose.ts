/** Turns prepared recipients into rows: messages, unaddressable recipients and batches. Pure. */
import { ERRORS } from '../domain/errors.ts';
import { BATCH_SIZE_MAX } from '../domain/operation.ts';
import { hasLimits } from '../domain/rate-limit.ts';
import type { PlannableSender } from '../domain/sender.ts';
import type { NewBatch, NewMessage, NewRows } from '../store/store.ts';
import type { PreparedRecipient } from './recipients.ts';

export function composeRows(
  recipients: readonly PreparedRecipient[],
): Pick<NewRows, 'messages' | 'unaddressable'> {
  const messages: NewMessage[] = [];
  const unaddressable: NewRows['unaddressable'][number][] = [];
  for (const { ordinal, recipient, first, dueAt, code, tags } of recipients)
    if (first === null)
      unaddressable.push({
        ordinal,
        code: code ?? ERRORS.unaddressable.code,
        addresses: recipient.addresses,
      });
    else messages.push({ ordinal, recipient, channel: first.sender.channel, tags, dueAt });
  return { messages, unaddressable };
}

/** The latest time at which one of these messages is due; `now` when none is due later. */
export function lastTime(messages: readonly NewMessage[], now: Date): Date {
  return messages.reduce((last, { dueAt }) => (dueAt !== null && dueAt > last ? dueAt : last), now);
}

/** A key is remembered this long past the time of sending. */
const IDEMPOTENCY_KEPT_MS = 86_400_000;

/** When the idempotency key of a request is forgotten, by the time of its last message. */
export const keyExpiry = (lastDueAt: Date): Date =>
  new Date(lastDueAt.getTime() + IDEMPOTENCY_KEPT_MS);

type OpenBatch = NewBatch & { senderId: string | null; readonly ordinals: number[] };

/**
 * Groups by sender and time in the order of `to`, at most `BATCH_SIZE_MAX` together. Senders of a carrier without limits
 * share batches: otherwise a pool of ten thousand senders would have a batch for each message.
 */
export class BatchComposer {
  readonly #limited: ReadonlySet<string>;
  readonly #open = new Map<string, Map<Date | null, OpenBatch>>();
  readonly #batches: OpenBatch[] = [];

  constructor(senders: readonly PlannableSender[]) {
    this.#limited = new Set(senders.flatMap((each) => (hasLimits(each) ? each.id : [])));
  }

  get batches(): readonly NewBatch[] {
    return this.#batches;
  }

  add(recipients: readonly PreparedRecipient[]): void {
    for (const { ordinal, first, dueAt } of recipients) {
      if (first === null) continue;
      const { senderId = null, carrier } = first.sender;
      const isLimited = senderId !== null && this.#limited.has(senderId);
      const batch = this.#find(isLimited ? `${carrier} ${senderId}` : carrier, {
        carrier,
        candidate: 0,
        senderId,
        dueAt,
      });
      batch.ordinals.push(ordinal);
      if (batch.senderId !== senderId) batch.senderId = null;
    }
  }

  /** The batch with room of a place and a time. */
  #find(place: string, batch: Omit<NewBatch, 'ordinals'>): OpenBatch {
    let byTime = this.#open.get(place);
    if (byTime === undefined) this.#open.set(place, (byTime = new Map()));
    const open = byTime.get(batch.dueAt);
    if (open !== undefined && open.ordinals.length < BATCH_SIZE_MAX) return open;
    const added = { ...batch, ordinals: [] };
    byTime.set(batch.dueAt, added);
    this.#batches.push(added);
    return added;
  }
}
