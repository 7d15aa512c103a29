/**
 * Writes a checked request as an operation with its messages and batches, in one transaction with
 * other small ones that wait. It resolves after the commit. A refused request leaves nothing behind.
 */
import { ERRORS, type Problem } from '../domain/errors.ts';
import { BATCH_DELAY_MS_DEFAULT, BATCH_SIZE_DEFAULT, EVENT_NAMES } from '../domain/event.ts';
import { decodeTypeId, newOperationUuid, parseContentSid } from '../domain/ids.ts';
import { BATCH_SIZE_MAX } from '../domain/operation.ts';
import { hasLimits } from '../domain/rate-limit.ts';
import type { PlannableSender } from '../domain/sender.ts';
import type { SendRequest } from '../domain/send-request.ts';
import type { Shares } from '../lib/fair-share.ts';
import { createGroups } from '../lib/groups.ts';
import { createQueues } from '../lib/queues.ts';
import { newWebhookSecret } from '../lib/secrets.ts';
import {
  DatabaseUnavailable,
  QuotaExceeded,
  type AcceptResult,
  type NewBatch,
  type NewMessage,
  type NewOperation,
  type SenderQuestion,
  type Store,
} from '../store/store.ts';
import { dryRun, type DryRunResult } from './dry-run.ts';
import {
  listSuppressible,
  readTogether,
  type ReadAnswer,
  type ReadQuestion,
} from './group-reads.ts';
import { leaveOutSuppressed, prepareSend, type PreparedSend } from './prepare.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { FindCarriage } from './routes.ts';

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
  /** The same for an answer to a keyword: it also goes to recipients who have opted out. */
  submitReply(
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim,
  ): Promise<SubmitResult>;
  /** The result that `submit` would have; writes nothing. */
  preview(accountId: number, request: SendRequest): Promise<DryRunResult>;
}

export interface SubmitterOptions {
  readonly store: Store;
  /** Schedules accounts fairly: work is charged to the account of the request. */
  readonly shares: Shares;
  readonly requireVariables: boolean;
  readonly now: () => Date;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findTargetProblem: (url: string) => string | null;
  readonly findCarriage: FindCarriage;
}

/** Recipients of a group of requests. A request of as many is read and written alone. */
const GROUP_RECIPIENTS_MAX = 500;

export function createSubmitter(options: SubmitterOptions): Submitter {
  const { store, shares, requireVariables, findTargetProblem, findCarriage } = options;
  const isAway = (error: unknown) => error instanceof DatabaseUnavailable;
  const read = createGroups<ReadQuestion, ReadAnswer>({
    run: (questions) => readTogether(store, questions),
    costOf: ({ addresses }) => Math.max(1, addresses.length),
    costMax: GROUP_RECIPIENTS_MAX,
    runAlone: (owner, question) =>
      shares.within(owner, async () => onlyOf(await readTogether(store, [question]))),
    concernsAll: isAway,
  });
  const accept = createGroups<NewOperation, AcceptResult>({
    run: store.operations.acceptOperations,
    costOf: sizeOf,
    costMax: GROUP_RECIPIENTS_MAX,
    runAlone: (owner, operation) =>
      shares.within(owner, async () =>
        onlyOf(await store.operations.acceptOperations([operation])),
      ),
    concernsAll: isAway,
  });
  const keys = createQueues();

  const ask = (
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim | null,
    isReply: boolean,
  ): ReadQuestion => ({
    accountId,
    senders: askForSenders(request),
    templateId: 'contentId' in request.content ? parseContentSid(request.content.contentId) : null,
    addresses: isReply ? [] : listSuppressible(request),
    claim,
  });
  const checksOf = ({ choice, template }: ReadAnswer, ignoresSuppressions: boolean) => ({
    choice,
    template,
    requireVariables,
    findTargetProblem,
    findCarriage,
    now: options.now(),
    ignoresSuppressions,
  });

  async function submit(
    accountId: number,
    request: SendRequest,
    claim: IdempotencyClaim | null,
    isReply: boolean,
  ): Promise<SubmitResult> {
    const answer = await read(accountId, ask(accountId, request, claim, isReply));
    // A repetition gets the first answer, even where the request would be too late by now.
    if (answer.said !== null) return answer.said;
    const checks = checksOf(answer, isReply);
    const prepared = await shares.run(accountId, prepareSend(request, checks));
    if (!prepared.ok)
      return { kind: 'refused', problems: prepared.problems, total: prepared.total };
    const send = isReply ? prepared.send : leaveOutSuppressed(prepared.send, answer.suppressions);
    const { statusCallback: url } = send;
    const callbackId =
      url &&
      (await shares
        .within(accountId, () => store.subscriptions.ensureCallback(accountId, url, CALLBACK()))
        .catch(readExcess));
    if (callbackId instanceof QuotaExceeded) return refuseCallback(callbackId);
    const operation = composeOperation(accountId, send, request.attachments ?? [], {
      senders: checks.choice.senders,
      claim,
      callbackId,
      now: checks.now,
    });
    // Two of one key in a group would be one row twice; one in a group behind another alone would hold up the group.
    const write = () => accept(accountId, operation);
    const result = await (claim === null ? write() : keys.run(`${accountId} ${claim.key}`, write));
    if (result.kind === 'created')
      return { kind: 'accepted', operationId: operation.id, recipients: request.to.length };
    return result;
  }

  return {
    submit: (accountId, request, claim) => submit(accountId, request, claim, false),
    submitReply: (accountId, request, claim) => submit(accountId, request, claim, true),

    async preview(accountId, request) {
      const answer = await read(accountId, ask(accountId, request, null, false));
      return shares.run(accountId, dryRun(request, checksOf(answer, false), answer.suppressions));
    },
  };
}

function onlyOf<Result>([result]: readonly Result[]): Result {
  return result as Result;
}

/** Files and plans of many senders are large, however few the recipients. */
function sizeOf({ messages, unaddressable, attachments, plan }: NewOperation): number {
  if (attachments.length > 0) return GROUP_RECIPIENTS_MAX;
  return messages.length + unaddressable.length + plan.senders.length;
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
  const { code } = ERRORS.statusCallback;
  return {
    kind: 'refused',
    problems: [{ code, message, context: '$.statusCallback' }],
    total: 1,
  };
}

/** An invalid id means a sender that does not exist. */
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
 * Groups by sender and time in the order of `to`, at most `BATCH_SIZE_MAX` together. Senders of a carrier without limits
 * share batches: otherwise a pool of ten thousand senders would have a batch for each message.
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
