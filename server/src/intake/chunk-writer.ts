/**
 * Writes the recipients of a streamed request in chunks, and then their operation. One chunk is written while the next one is
 * read. `docs/decisions/0022-streamed-sends.md` has the states.
 */
import { newOperationUuid } from '../domain/ids.ts';
import type { SenderChoice } from '../domain/sender.ts';
import type { SendHead } from '../domain/send-request.ts';
import {
  DatabaseUnavailable,
  RENEWAL_MS,
  type AcceptResult,
  type NewOperationHead,
  type NewRows,
  type StreamedSend,
} from '../store/store.ts';
import { ensureCallback } from './callback.ts';
import { composeRows, keyExpiry, lastTime } from './compose.ts';
import { readSuppressions } from './group-reads.ts';
import { withoutSuppressed, type SendFacts } from './prepare.ts';
import type { RecipientSink } from './recipient-sink.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { SendAnswer } from './send.ts';
import type { IdempotencyClaim, SubmitterOptions } from './submit.ts';

/** The part of a request that all recipients share, as it was checked. */
export interface CheckedHead {
  readonly accountId: number;
  readonly head: SendHead;
  readonly choice: SenderChoice;
  readonly facts: SendFacts;
  /** When all messages are due; undefined where recipients may have times of their own. */
  readonly dueAt: Date | null | undefined;
  readonly now: Date;
}

const lost = () =>
  new DatabaseUnavailable('The request was not received in time, and nothing of it was accepted.');

export class ChunkWriter implements RecipientSink {
  readonly #options: SubmitterOptions;
  readonly #head: CheckedHead;
  readonly #send: StreamedSend;
  #chunks = 0;
  #counts = { total: 0, queued: 0, unaddressable: 0 };
  #lastDueAt: Date;
  /** The chunk that is being written; it does not reject. */
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown = null;
  #renewal: NodeJS.Timeout | null = null;

  constructor(head: CheckedHead, options: SubmitterOptions) {
    const { accountId, dueAt, now } = head;
    this.#options = options;
    this.#head = head;
    this.#lastDueAt = now;
    const id = newOperationUuid(now.getTime());
    this.#send = { accountId, id, scheduledFor: dueAt ?? null };
  }

  async add(recipients: readonly PreparedRecipient[]): Promise<void> {
    await this.#written();
    this.#writing = this.#write(recipients).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  report(): boolean {
    return false;
  }

  takeOutput(): null {
    return null;
  }

  async finish(
    recipients: readonly PreparedRecipient[],
    claim: IdempotencyClaim | null,
  ): Promise<SendAnswer> {
    const { accountId, facts } = this.#head;
    const callback = await ensureCallback(this.#options, accountId, facts.statusCallback);
    if ('problem' in callback) return { kind: 'refused', problems: [callback.problem], total: 1 };
    const result = await this.#accept(recipients, claim, callback.id);
    if (result.kind !== 'created') return result;
    const { total, unaddressable } = this.#counts;
    return { kind: 'accepted', operationId: this.#send.id, recipients: total + unaddressable };
  }

  async abandon(): Promise<void> {
    this.#stopRenewal();
    await this.#writing;
    if (this.#chunks === 0) return;
    // Without the database, the lease ends.
    await this.#options.store.streamed.abandonStreamed(this.#send).catch(() => undefined);
  }

  async #written(): Promise<void> {
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
  }

  async #accept(
    recipients: readonly PreparedRecipient[],
    claim: IdempotencyClaim | null,
    callbackId: string | null,
  ): Promise<AcceptResult> {
    const { store, shares } = this.#options;
    const isWhole = this.#chunks === 0;
    const rows = isWhole ? await this.#compose(recipients) : null;
    if (rows === null && recipients.length > 0) await this.add(recipients);
    await this.#written();
    const { head, facts } = this.#head;
    const operation: NewOperationHead = {
      ...this.#send,
      content: facts.content,
      attachments: head.attachments ?? [],
      plan: facts.plan,
      tags: facts.tags,
      expireAt: facts.expireAt,
      callbackId,
      idempotency: claim && { ...claim, expiresAt: keyExpiry(this.#lastDueAt) },
    };
    const result = await shares.within(this.#send.accountId, async () =>
      rows === null
        ? store.streamed.acceptStreamed(operation, this.#counts)
        : (await store.operations.acceptOperations([{ ...operation, ...rows }]))[0],
    );
    this.#stopRenewal();
    if (result === null || result === undefined) throw lost();
    return result;
  }

  async #write(recipients: readonly PreparedRecipient[]): Promise<void> {
    const { store, shares } = this.#options;
    await shares.within(this.#send.accountId, async () => {
      const rows = await this.#compose(recipients);
      if (this.#chunks === 0) {
        await store.streamed.beginStreamed(this.#send);
        this.#renewal = setInterval(() => void this.#renew(), RENEWAL_MS);
      }
      this.#chunks += 1;
      if (!(await store.streamed.writeChunk(this.#send, this.#chunks - 1, rows))) throw lost();
    });
  }

  /** The rows of recipients, which are counted. */
  async #compose(recipients: readonly PreparedRecipient[]): Promise<NewRows> {
    const { accountId, choice, facts } = this.#head;
    const { store } = this.#options;
    const addressed = recipients.map((each) => each.recipient);
    const suppressions = await readSuppressions(store, accountId, choice, addressed);
    const left = withoutSuppressed(recipients, facts.plan, suppressions);
    const rows = composeRows(left, choice.senders);
    this.#counts.total += rows.messages.length;
    this.#counts.queued += rows.messages.filter((each) => each.dueAt === null).length;
    this.#counts.unaddressable += rows.unaddressable.length;
    this.#lastDueAt = lastTime(rows.messages, this.#lastDueAt);
    return rows;
  }

  async #renew(): Promise<void> {
    // Where it fails, the next chunk finds out.
    await this.#options.store.streamed.renewStreamed(this.#send).catch(() => undefined);
  }

  #stopRenewal(): void {
    if (this.#renewal !== null) clearInterval(this.#renewal);
  }
}
