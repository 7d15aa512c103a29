/**
 * Streamed sends: messages are written in chunks while the request is received. The operation, with which they can be seen
 * and sent, comes last. `docs/decisions/0022-streamed-sends.md` has the states.
 */
import type { Database } from '../database.ts';
import { insertAttachments } from '../email-attachments.ts';
import { copyText, type CopyForm } from './copy.ts';
import { claimKeys, type AcceptResult } from './idempotency-keys.ts';
import { insertChunk, insertStreamedOperation } from './insert.ts';
import type { NewOperationHead, NewRows, RecipientCounts } from './new-operation.ts';

/** An operation that is being received. */
export type StreamedSend = Pick<NewOperationHead, 'accountId' | 'id' | 'scheduledFor'>;

/** Recipients of a streamed send that are written together. */
export interface Chunk {
  /** From 0. */
  readonly number: number;
  /** Messages, by `encodeMessages`, and its form. */
  readonly messages: readonly Buffer[];
  readonly form: CopyForm;
  readonly unaddressable: NewRows['unaddressable'];
  /** The batches to come. */
  readonly batches: NewRows['batches'];
}

/** Without a renewal for so long, a request counts as abandoned. Slow clients renew it three times as often. */
const LEASE = '30 seconds';
export const RENEWAL_MS = 10_000;

const RENEW = `update operation_task set leased_until = now() + interval '${LEASE}'
  where account_id = $1 and operation_id = $2 and state = 'RECEIVING'`;

const endIn = (state: 'ACCEPTED' | 'ABANDONED') =>
  `update operation_task set state = '${state}', leased_until = null
   where account_id = $1 and operation_id = $2 and state = 'RECEIVING'`;

/** Notes that a request is being received. */
export async function beginStreamed(
  database: Database,
  { accountId, id }: StreamedSend,
): Promise<void> {
  await database.query(
    `insert into operation_task (account_id, operation_id, state, leased_until)
     values ($1, $2, 'RECEIVING', now() + interval '${LEASE}')`,
    [accountId, id],
  );
}

/** Keeps a request whose client is slow. False when it was abandoned meanwhile. */
export async function renewStreamed(
  database: Database,
  { accountId, id }: StreamedSend,
): Promise<boolean> {
  const { rowCount } = await database.query(RENEW, [accountId, id]);
  return rowCount === 1;
}

/**
 * Writes a chunk. False, and nothing is written, when the request was abandoned meanwhile. The commit does not wait for the disk: the one of
 * `acceptStreamed` does, for all before it.
 */
export async function writeChunk(
  database: Database,
  send: StreamedSend,
  chunk: Chunk,
): Promise<boolean> {
  return database.transact(async (client) => {
    await client.query('set local synchronous_commit = off');
    // It also locks the task: from here on, nobody abandons it.
    const { rowCount } = await client.query(RENEW, [send.accountId, send.id]);
    if (rowCount !== 1) return false;
    await insertChunk(client, send, chunk);
    if (chunk.messages.length > 0) await copyText(client, chunk.form, chunk.messages);
    return true;
  });
}

/**
 * Makes a received request an operation. Resolves when it and all its chunks are durable; the commit wakes those who release
 * them. A replay or a conflict abandons the chunks. Null when the request was abandoned meanwhile.
 */
export async function acceptStreamed(
  database: Database,
  operation: NewOperationHead,
  counts: RecipientCounts,
): Promise<AcceptResult | null> {
  return database.transact(async (client) => {
    const ids = [operation.accountId, operation.id];
    const { rowCount } = await client.query(endIn('ACCEPTED'), ids);
    if (rowCount !== 1) return null;
    const earlier = (await claimKeys(client, [operation])).get(operation.id);
    if (earlier !== undefined) {
      await client.query(
        `update operation_task set state = 'ABANDONED' where account_id = $1 and operation_id = $2`,
        ids,
      );
      return earlier;
    }
    await insertStreamedOperation(client, operation, counts);
    if (operation.attachments.length > 0)
      await insertAttachments(client, operation.accountId, operation.id, operation.attachments);
    return { kind: 'created' };
  });
}

/** Gives up a request: maintenance deletes its rows. */
export async function abandonStreamed(
  database: Database,
  { accountId, id }: StreamedSend,
): Promise<void> {
  await database.query(endIn('ABANDONED'), [accountId, id]);
}
