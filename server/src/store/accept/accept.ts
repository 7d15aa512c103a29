/**
 * Acceptance: operations with their messages, batches and events, written in groups. A group is one
 * transaction of few statements, however many operations it has.
 */
import type { Database } from '../database.ts';
import { insertAttachments } from '../email-attachments.ts';
import { isShared } from '../written-plans.ts';
import { copyMessages } from './copy.ts';
import { claimKeys, type AcceptResult } from './idempotency-keys.ts';
import { insertOperations } from './insert.ts';
import type { NewOperation } from './new-operation.ts';

/** From this many messages on, COPY is quicker than an insert of arrays, although it takes further round trips. */
const COPIED_MESSAGES_MIN = 500;

/**
 * Writes operations, each with its messages and its batches, or none of them. Resolves when all is durable, with one
 * result for each, in order; the commit wakes dispatchers. An operation whose idempotency key was used before is left
 * out. All keys of a call must differ.
 */
export async function acceptOperations(
  database: Database,
  operations: readonly NewOperation[],
): Promise<AcceptResult[]> {
  const messages = operations.reduce((sum, each) => sum + each.messages.length, 0);
  const isCopied = messages >= COPIED_MESSAGES_MIN;
  if (!isCopied && operations.every(isOneStatement)) {
    await insertOperations(database, operations, true);
    return operations.map(() => ({ kind: 'created' }));
  }
  return database.transact(async (client) => {
    const used = await claimKeys(client, operations);
    const results = operations.map(({ id }): AcceptResult => used.get(id) ?? { kind: 'created' });
    const created = operations.filter(({ id }) => !used.has(id));
    if (created.length === 0) return results;
    await insertOperations(client, created, !isCopied);
    for (const { accountId, id, attachments } of created)
      if (attachments.length > 0) await insertAttachments(client, accountId, id, attachments);
    if (isCopied) await copyMessages(client, created);
    return results;
  });
}

/** Whether one statement writes all of an operation. */
const isOneStatement = ({ idempotency, attachments, plan }: NewOperation) =>
  idempotency === null && attachments.length === 0 && !isShared(plan);
