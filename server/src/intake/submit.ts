/**
 * Writes a checked request as an operation with its messages and batches, in one transaction with
 * other small ones that wait. It resolves after the commit. A refused request leaves nothing behind.
 */
import type { Problem } from '../domain/errors.ts';
import { newOperationUuid } from '../domain/ids.ts';
import type { PlannableSender } from '../domain/sender.ts';
import type { SendRequest } from '../domain/send-request.ts';
import type { Shares } from '../lib/fair-share.ts';
import { createGroups } from '../lib/groups.ts';
import { createQueues } from '../lib/queues.ts';
import {
  DatabaseUnavailable,
  type AcceptResult,
  type NewOperation,
  type Store,
} from '../store/store.ts';
import { ensureCallback } from './callback.ts';
import { BatchComposer, composeRows, keyExpiry, lastTime } from './compose.ts';
import { dryRun, type DryRunResult } from './dry-run.ts';
import {
  listSuppressible,
  readTogether,
  type ReadAnswer,
  type ReadQuestion,
} from './group-reads.ts';
import { leaveOutSuppressed, prepareSend, type PreparedSend } from './prepare.ts';
import { askForSenders, templateOf } from './questions.ts';
import type { FindCarriage } from './routes.ts';

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
    templateId: templateOf(request),
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
    const callback = await ensureCallback(options, accountId, send.statusCallback);
    if ('problem' in callback) return { kind: 'refused', problems: [callback.problem], total: 1 };
    const operation = composeOperation(accountId, send, request.attachments ?? [], {
      senders: checks.choice.senders,
      claim,
      callbackId: callback.id,
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
  const rows = composeRows(send.recipients);
  const batches = new BatchComposer(senders);
  batches.add(send.recipients);
  return {
    accountId,
    id: newOperationUuid(now.getTime()),
    content: send.content,
    attachments,
    plan: send.plan,
    tags: send.tags,
    scheduledFor: send.scheduledFor,
    expireAt: send.expireAt,
    ...rows,
    batches: batches.batches,
    callbackId,
    idempotency:
      claim === null
        ? null
        : {
            ...claim,
            expiresAt: keyExpiry(lastTime(rows.messages, now)),
          },
  };
}
