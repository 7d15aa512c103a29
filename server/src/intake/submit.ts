/**
 * Writes a checked request as an operation with its messages and batches, in one transaction. It
 * resolves after the commit. A refused request leaves nothing behind.
 */
import { ERRORS, type Problem } from '../domain/errors.ts';
import { BATCH_DELAY_MS_DEFAULT, BATCH_SIZE_DEFAULT, EVENT_NAMES } from '../domain/event.ts';
import { decodeTypeId, newOperationUuid, parseContentSid } from '../domain/ids.ts';
import { hasLimits } from '../domain/rate-limit.ts';
import type { PlannableSender, SenderChoice } from '../domain/sender.ts';
import type { SendRequest } from '../domain/send-request.ts';
import { listSpellings } from '../domain/spellings.ts';
import { indexSuppressions } from '../domain/suppression.ts';
import type { Shares } from '../lib/fair-share.ts';
import { newWebhookSecret } from '../lib/secrets.ts';
import {
  QuotaExceeded,
  type NewBatch,
  type NewMessage,
  type NewOperation,
  type SenderQuestion,
  type Store,
} from '../store/store.ts';
import { dryRun, type DryRunResult } from './dry-run.ts';
import { leaveOutSuppressed, prepareSend, type PreparedSend } from './prepare.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { FindCarriage } from './routes.ts';

/** Messages of one batch, at most: leasing costs one row for all of them. */
export const BATCH_SIZE_MAX = 500;
/** A key is remembered this long past the time of sending. */
const IDEMPOTENCY_KEPT_MS = 86_400_000;

export interface IdempotencyClaim {
  readonly key: string;
  /** SHA-256 of the request's body. */
  readonly fingerprint: Buffer;
}

export type SubmitResult =
  | { readonly kind: 'accepted'; readonly operationId: string; readonly recipients: number }
  /** The same request was accepted before under this key. */
  | { readonly kind: 'replayed'; readonly operationId: string }
  /** Another request was accepted before under this key. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[]; readonly total: number };

export interface Submitter {
  submit(
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim | null,
  ): Promise<SubmitResult>;
  /** The same for an answer to a person's own word: it goes to those who have opted out, too. */
  submitReply(
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim,
  ): Promise<SubmitResult>;
  /** What `submit` would do; writes nothing. */
  preview(accountId: number, request: SendRequest): Promise<DryRunResult>;
}

export interface SubmitterOptions {
  readonly store: Store;
  /** Accounts take turns: work is charged to the account that asks for it. */
  readonly shares: Shares;
  readonly requireVariables: boolean;
  readonly now: () => Date;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findTargetProblem: (url: string) => string | null;
  readonly findCarriage: FindCarriage;
}

export function createSubmitter(options: SubmitterOptions): Submitter {
  const { store, shares, requireVariables, findTargetProblem, findCarriage } = options;
  const gather = async (accountId: number, request: SendRequest) => {
    const { content } = request;
    const template = 'contentId' in content ? parseContentSid(content.contentId) : null;
    const [choice, found] = await Promise.all([
      store.senders.chooseSenders(accountId, askForSenders(request)),
      template === null ? null : store.contentTemplates.fetchTemplate(accountId, template),
    ]);
    const now = options.now();
    return { choice, template: found, requireVariables, findTargetProblem, findCarriage, now };
  };
  const findSuppressed = async (
    accountId: number,
    { to }: SendRequest,
    { choice }: { readonly choice: SenderChoice },
  ) => {
    const addresses = to.flatMap((each) =>
      'addresses' in each
        ? each.addresses.map(({ address }) => address)
        : 'address' in each
          ? each.address
          : [],
    );
    const keys = addresses.flatMap(listSpellings);
    return indexSuppressions(
      await store.suppressions.findSuppressions(accountId, keys, {
        senderIds: choice.senders.map(({ id }) => id),
        poolIds: choice.poolId === null ? [] : [choice.poolId],
      }),
    );
  };
  async function submit(
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim | null,
    isReply: boolean,
  ): Promise<SubmitResult> {
    // A repetition gets the first answer, even where the request would be too late by now.
    const { operations } = store;
    const known = await shares.within(accountId, async () => {
      const said =
        claim && (await operations.findIdempotencyKey(accountId, claim.key, claim.fingerprint));
      if (said !== null) return { said };
      const gathered = await gather(accountId, request);
      const suppressed = isReply ? null : await findSuppressed(accountId, request, gathered);
      return { gathered, suppressed };
    });
    if ('said' in known) return known.said;
    const { gathered, suppressed } = known;
    const prepared = await shares.run(
      accountId,
      prepareSend(request, { ...gathered, ignoresSuppressions: isReply }),
    );
    if (!prepared.ok)
      return { kind: 'refused', problems: prepared.problems, total: prepared.total };
    const send = suppressed ? leaveOutSuppressed(prepared.send, suppressed) : prepared.send;
    const { statusCallback: url } = send;
    const callbackId =
      url &&
      (await shares
        .within(accountId, () => store.subscriptions.ensureCallback(accountId, url, CALLBACK()))
        .catch(readExcess));
    if (callbackId instanceof QuotaExceeded) return refuseCallback(callbackId);
    const operation = composeOperation(accountId, send, request.attachments ?? [], {
      senders: gathered.choice.senders,
      claim,
      callbackId,
      now: gathered.now,
    });
    const result = await shares.within(accountId, () => operations.acceptOperation(operation));
    if (result.kind === 'created')
      return { kind: 'accepted', operationId: operation.id, recipients: request.to.length };
    return result;
  }

  return {
    submit: (accountId, request, claim) => submit(accountId, request, claim, false),
    submitReply: (accountId, request, claim) => submit(accountId, request, claim, true),

    async preview(accountId, request) {
      const { gathered, suppressed } = await shares.within(accountId, async () => {
        const known = await gather(accountId, request);
        return { gathered: known, suppressed: await findSuppressed(accountId, request, known) };
      });
      const how = { ...gathered, ignoresSuppressions: false };
      return shares.run(accountId, dryRun(request, how, suppressed));
    },
  };
}

/** The subscription of a `statusCallback`: all events, in batches that any receiver takes. */
const CALLBACK = () => ({
  types: ['*'],
  names: EVENT_NAMES,
  batchSize: BATCH_SIZE_DEFAULT,
  batchDelayMs: BATCH_DELAY_MS_DEFAULT,
  secret: newWebhookSecret(),
});

function readExcess(error: unknown): QuotaExceeded {
  if (error instanceof QuotaExceeded) return error;
  throw error;
}

function refuseCallback({ message }: QuotaExceeded): SubmitResult {
  const { code } = ERRORS.invalid;
  return {
    kind: 'refused',
    problems: [{ code, message, context: '$.statusCallback' }],
    total: 1,
  };
}

/** An id that is none asks for a sender that there is not. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';

function askForSenders({ from }: SendRequest): SenderQuestion {
  if (from === undefined) return { kind: 'default' };
  if ('senderId' in from)
    return { kind: 'sender', id: decodeTypeId('comms_sender', from.senderId) ?? NO_UUID };
  if ('senderPoolId' in from)
    return { kind: 'pool', id: decodeTypeId('comms_senderpool', from.senderPoolId) ?? NO_UUID };
  if (from.channel === 'EMAIL') return { kind: 'email', address: from.address };
  return { kind: 'channel', channel: from.channel, address: from.address };
}

function composeOperation(
  accountId: number,
  send: PreparedSend,
  attachments: NewOperation['attachments'],
  {
    senders,
    claim,
    callbackId,
    now,
  }: {
    readonly senders: readonly PlannableSender[];
    readonly claim: IdempotencyClaim | null;
    readonly callbackId: string | null;
    readonly now: Date;
  },
): NewOperation {
  const messages: NewMessage[] = [];
  const unaddressable: NewOperation['unaddressable'][number][] = [];
  for (const { ordinal, recipient, first, dueAt, code, tags } of send.recipients)
    if (first === null)
      unaddressable.push({
        ordinal,
        code: code ?? ERRORS.unaddressable.code,
        addresses: recipient.addresses,
      });
    else messages.push({ ordinal, recipient, channel: first.sender.channel, tags, dueAt });
  return {
    accountId,
    id: newOperationUuid(now.getTime()),
    content: send.content,
    attachments,
    plan: send.plan,
    tags: send.tags,
    scheduledFor: send.scheduledFor,
    expireAt: send.expireAt,
    messages,
    unaddressable,
    batches: composeBatches(send.recipients, senders),
    callbackId,
    idempotency:
      claim === null
        ? null
        : {
            ...claim,
            expiresAt: new Date(lastTime(messages, now).getTime() + IDEMPOTENCY_KEPT_MS),
          },
  };
}

function lastTime(messages: readonly NewMessage[], now: Date): Date {
  return messages.reduce((last, { dueAt }) => (dueAt !== null && dueAt > last ? dueAt : last), now);
}

/**
 * Groups by sender and time in the order of `to`, at most `BATCH_SIZE_MAX` together. Senders of a carrier that have no limits share
 * batches: a pool of ten thousand would else have one for each message.
 */
function composeBatches(
  recipients: readonly PreparedRecipient[],
  senders: readonly PlannableSender[],
): NewBatch[] {
  const limited = new Set(senders.flatMap((each) => (hasLimits(each) ? each.id : [])));
  type Open = NewBatch & { senderId: string | null; readonly ordinals: number[] };
  const batches: Open[] = [];
  const open = new Map<string, Map<Date | null, Open>>();
  for (const { ordinal, first, dueAt } of recipients) {
    if (first === null) continue;
    const { senderId = null, carrier } = first.sender;
    const place = senderId !== null && limited.has(senderId) ? `${carrier} ${senderId}` : carrier;
    let byTime = open.get(place);
    if (byTime === undefined) open.set(place, (byTime = new Map()));
    let batch = byTime.get(dueAt);
    if (batch === undefined || batch.ordinals.length >= BATCH_SIZE_MAX) {
      batch = { carrier, candidate: 0, senderId, dueAt, ordinals: [] };
      byTime.set(dueAt, batch);
      batches.push(batch);
    }
    batch.ordinals.push(ordinal);
    if (batch.senderId !== senderId) batch.senderId = null;
  }
  return batches;
}
