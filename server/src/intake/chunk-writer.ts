/**
 * Writes the recipients of a streamed request in chunks, and then their operation. One chunk is written while the next one is
 * read. `docs/decisions/0022-streamed-sends.md` has the states.
 */
import { newOperationUuid } from '../domain/ids.ts';
import type { SenderChoice } from '../domain/sender.ts';
import type { SendHead } from '../domain/send-request.ts';
import {
  DatabaseUnavailable,
  encodeMessages,
  RENEWAL_MS,
  type AcceptResult,
  type CopyForm,
  type Listed,
  type NewOperationHead,
  type NewRows,
  type StreamedSend,
} from '../store/store.ts';
import { ensureCallback } from './callback.ts';
import { BatchComposer, composeRows, keyExpiry, lastTime } from './compose.ts';
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

/** Recipients of a chunk, which one transaction writes. */
const CHUNK_SIZE = 5_000;

/** A chunk that is being composed. Its messages are text already: as objects, they would outlive the young generation. */
class Chunk {
  readonly messages: Buffer[] = [];
  readonly unaddressable: NewRows['unaddressable'][number][] = [];
  readonly batches: BatchComposer;
  /** Where there are suppressions; dispatch asks again. */
  listed: Listed | null = null;
  size = 0;

  constructor(senders: SenderChoice['senders']) {
    this.batches = new BatchComposer(senders);
  }
}

export class ChunkWriter implements RecipientSink {
  readonly #options: SubmitterOptions;
  readonly #head: CheckedHead;
  readonly #send: StreamedSend;
  readonly #form: CopyForm;
  #chunk: Chunk;
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
    this.#form = { hasDue: dueAt !== null, hasOwnDue: dueAt === undefined };
    this.#chunk = new Chunk(head.choice.senders);
  }

  async add(recipients: readonly PreparedRecipient[]): Promise<void> {
    const left = await this.#withoutSuppressed(recipients);
    const { messages, unaddressable } = composeRows(left);
    this.#count({ messages, unaddressable });
    const chunk = this.#chunk;
    if (messages.length > 0) chunk.messages.push(encodeMessages(this.#send, messages, this.#form));
    chunk.unaddressable.push(...unaddressable);
    chunk.batches.add(left);
    chunk.size += left.length;
    if (chunk.size >= CHUNK_SIZE) await this.#writeNext();
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

  async #accept(
    recipients: readonly PreparedRecipient[],
    claim: IdempotencyClaim | null,
    callbackId: string | null,
  ): Promise<AcceptResult> {
    const { store, shares } = this.#options;
    const { accountId } = this.#send;
    const isWhole = this.#chunks === 0 && this.#chunk.size === 0;
    const rows = isWhole ? await this.#composeWhole(recipients) : null;
    if (rows === null) {
      await this.add(recipients);
      if (this.#chunk.size > 0) await this.#writeNext();
      await this.#written();
    }
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
    const result = await shares.within(accountId, async () =>
      rows === null
        ? store.streamed.acceptStreamed(operation, this.#counts)
        : (await store.operations.acceptOperations([{ ...operation, ...rows }]))[0],
    );
    this.#stopRenewal();
    if (result === null || result === undefined) throw lost();
    return result;
  }

  /** Few recipients are written in one transaction, as by any other request. */
  async #composeWhole(recipients: readonly PreparedRecipient[]): Promise<NewRows> {
    const left = await this.#withoutSuppressed(recipients);
    const batches = new BatchComposer(this.#head.choice.senders);
    batches.add(left);
    const rows = composeRows(left);
    this.#count(rows);
    return { ...rows, batches: batches.batches };
  }

  /** Starts to write the chunk, after the one before it. */
  async #writeNext(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = new Chunk(this.#head.choice.senders);
    await this.#written();
    const number = this.#chunks;
    this.#chunks += 1;
    this.#writing = this.#write(number, chunk).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async #written(): Promise<void> {
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
  }

  async #write(number: number, { messages, unaddressable, batches }: Chunk): Promise<void> {
    const { store, shares } = this.#options;
    await shares.within(this.#send.accountId, async () => {
      if (number === 0) {
        await store.streamed.beginStreamed(this.#send);
        this.#renewal = setInterval(() => void this.#renew(), RENEWAL_MS);
      }
      const written = await store.streamed.writeChunk(this.#send, {
        number,
        messages,
        form: this.#form,
        unaddressable,
        batches: batches.batches,
      });
      if (!written) throw lost();
    });
  }

  async #withoutSuppressed(
    recipients: readonly PreparedRecipient[],
  ): Promise<readonly PreparedRecipient[]> {
    const { accountId, choice, facts } = this.#head;
    const { store, shares } = this.#options;
    const addressed = recipients.map((each) => each.recipient);
    const suppressions = await shares.within(accountId, async () => {
      this.#chunk.listed ??= await store.suppressions.findListed([accountId]);
      return readSuppressions(store, accountId, choice, addressed, this.#chunk.listed);
    });
    return withoutSuppressed(recipients, facts.plan, suppressions);
  }

  #count({ messages, unaddressable }: Pick<NewRows, 'messages' | 'unaddressable'>): void {
    this.#counts.total += messages.length;
    this.#counts.queued += messages.filter((each) => each.dueAt === null).length;
    this.#counts.unaddressable += unaddressable.length;
    this.#lastDueAt = lastTime(messages, this.#lastDueAt);
  }

  async #renew(): Promise<void> {
    // Where it fails, the next chunk finds out.
    await this.#options.store.streamed.renewStreamed(this.#send).catch(() => undefined);
  }

  #stopRenewal(): void {
    if (this.#renewal !== null) clearInterval(this.#renewal);
  }
}
