/**
 * Reads of leased batches before they run. Batches that begin together are read together: otherwise a batch of one
 * message would cost as many statements as one of 500.
 */
import { createGroups } from '../lib/groups.ts';
import {
  DatabaseUnavailable,
  type BatchMessage,
  type Dispatchable,
  type MessageQuestion,
  type SenderChanges,
  type Store,
  type SuppressionQuestion,
} from '../store/store.ts';
import type { Suppression } from '../domain/suppression.ts';

export interface BatchReads {
  /** Null when the operation is past retention. */
  fetchOperation(accountId: number, operationId: string): Promise<Dispatchable | null>;
  /** By ordinal. */
  loadMessages(question: MessageQuestion): Promise<ReadonlyMap<number, BatchMessage>>;
  findSuppressions(question: SuppressionQuestion): Promise<readonly Suppression[]>;
  /** May contain more senders than requested. */
  findSenderChanges(accountId: number, senderIds: readonly string[]): Promise<SenderChanges>;
}

/** Messages, or addresses, of a group. */
const GROUP_MAX = 500;
/** Operations, or senders, of a group. */
const OPERATIONS_MAX = 200;

export function createBatchReads(store: Store): BatchReads {
  function group<Question, Answer>(
    run: (questions: readonly Question[]) => Promise<readonly Answer[]>,
    costOf: (question: Question) => number,
    costMax: number,
  ): (accountId: number, question: Question) => Promise<Answer> {
    return createGroups<Question, Answer>({
      run,
      costOf,
      costMax,
      runAlone: async (_, question) => (await run([question]))[0] as Answer,
      concernsAll: (error) => error instanceof DatabaseUnavailable,
    });
  }

  const operations = group(store.operations.fetchDispatchables, () => 1, OPERATIONS_MAX);
  const messages = group(
    store.batches.loadMessages,
    ({ ordinals }: MessageQuestion) => ordinals.length,
    GROUP_MAX,
  );
  const suppressions = group(
    (questions: readonly SuppressionQuestion[]) => store.suppressions.findSuppressions(questions),
    ({ addresses }: SuppressionQuestion) => Math.max(1, addresses.length),
    GROUP_MAX,
  );
  const changes = group(
    async (questions: readonly (readonly string[])[]) => {
      const all = await store.senders.findSenderChanges([...new Set(questions.flat())]);
      return questions.map(() => all);
    },
    (senderIds) => senderIds.length,
    OPERATIONS_MAX,
  );

  return {
    fetchOperation: (accountId, operationId) => operations(accountId, { accountId, operationId }),
    loadMessages: (question) => messages(question.accountId, question),
    findSuppressions: (question) => suppressions(question.accountId, question),
    findSenderChanges: changes,
  };
}
