/**
 * Requeues messages that wait for dispatch but are in no batch, without sending any twice.
 *
 * A SCHEDULED message was in a batch that no node could lease. It was not submitted, and its new
 * batch is an ordinary one. For all others, the progress of the lost batch is unknown. Their new
 * batch starts with its high-water mark at the end: the next lease finds all of it in doubt, and
 * the carrier's `ambiguous` decides, as after a crash. With `hold`, nothing is sent twice.
 */
import { ATTEMPT_MAX, messageUuid, messageUuidRange, ordinalOf } from '../../domain/ids.ts';
import type { Address, AddressChannel } from '../../domain/message.ts';
import { BATCH_SIZE_MAX, type SendPlan } from '../../domain/operation.ts';
import { listCandidates } from '../../domain/routing.ts';
import type pg from 'pg';
import type { Database } from '../database.ts';
import { WAKE_CHANNEL } from '../operations.ts';

/** Messages that something is still to be done for: they must be in a batch. */
const IS_OPEN = `(m.status in ('SCHEDULED', 'QUEUED')
  or (m.status = 'SENT' and m.attempt_status in ('UNDELIVERED', 'FAILED')))`;

/** Messages that one statement of an audit reads: an operation may have many times as many. */
const SPAN = 131_072;

/**
 * Spans of an operation's ids, the first and the last of each, to be read one after the other. The last span ends with
 * the ids, because the number of recipients may be wrong.
 */
export function listSpans(id: string, recipients: number): (readonly [string, string])[] {
  const spans = Math.max(1, Math.ceil(recipients / SPAN));
  return Array.from({ length: spans }, (_, i) => [
    messageUuid(id, i * SPAN),
    i === spans - 1 ? messageUuidRange(id).last : messageUuid(id, (i + 1) * SPAN - 1),
  ]);
}

/**
 * Messages `m` of operation `$2` of account `$1` with ids from `$3` to `$4`, and their batches, as `queued`: in the queue, or in
 * chunks that are still to be released (docs/decisions/0022).
 */
export const OPERATION_PARTS = `m as (
    select id, status, attempt, attempt_status, ordinal_of(id) as ordinal
    from message where account_id = $1 and id between $3 and $4),
  queued as (
    select n.ordinal, b.attempt
    from dispatch_batch b left join lateral unnest(b.ordinals) as n(ordinal) on true
    where b.account_id = $1 and b.operation_id = $2 and n.ordinal between ordinal_of($3) and ordinal_of($4)
    union all
    select n.ordinal, 1
    from operation_chunk c, jsonb_array_elements(c.batches) as b(batch), unnest((batch ->> 'ordinals')::int[]) as n(ordinal)
    where c.account_id = $1 and c.operation_id = $2 and n.ordinal between ordinal_of($3) and ordinal_of($4))`;

/** Whether no batch is about to make the next attempt of `m`. */
export const IS_ORPHAN = `${IS_OPEN} and not exists (
  select 1 from queued q where q.ordinal = m.ordinal and q.attempt = m.attempt + 1)`;

interface OrphanRow {
  id: string;
  scheduled: boolean;
  attempt: number;
  candidate: number;
  address: string;
  address_channel: AddressChannel;
  addresses: [Address, ...Address[]] | null;
  due_at: Date;
}

interface NewBatch {
  readonly carrier: string;
  readonly senderId: string | null;
  readonly scheduled: boolean;
  readonly attempt: number;
  readonly candidate: number;
  readonly dueAt: Date;
  readonly ordinals: number[];
}

/** Makes batches for the orphans of an operation; says how many messages are queued again. */
export async function requeueOrphans(
  database: Database,
  accountId: number,
  operationId: string,
): Promise<string> {
  const { rows } = await database.query<{ recipients: number }>(
    'select recipients from operation where account_id = $1 and id = $2',
    [accountId, operationId],
  );
  const [operation] = rows;
  if (operation === undefined) return 'The operation does not exist any more.';
  let [scheduled, inDoubt] = [0, 0];
  for (const span of listSpans(operationId, operation.recipients))
    for (const batch of await requeueSpan(database, accountId, operationId, span))
      if (batch.scheduled) scheduled += batch.ordinals.length;
      else inDoubt += batch.ordinals.length;
  return `Queued ${scheduled} to be sent as scheduled, and ${inDoubt} as in doubt.`;
}

function requeueSpan(
  database: Database,
  accountId: number,
  operationId: string,
  span: readonly [string, string],
): Promise<NewBatch[]> {
  return database.transact(async (client) => {
    const seen = await findOrphans(client, accountId, operationId, span);
    await client.query(
      'select 1 from message where account_id = $1 and id = any($2::uuid[]) order by id for update',
      [accountId, seen.map((row) => row.id)],
    );
    // Checked again under the locks: another process may have queued or settled them.
    const orphans = await findOrphans(client, accountId, operationId, span);
    const { rows } = await client.query<{ plan: SendPlan; expire_at: Date | null }>(
      'select plan, expire_at from operation where account_id = $1 and id = $2',
      [accountId, operationId],
    );
    const [operation] = rows;
    if (operation === undefined) return [];
    const batches = composeBatches(orphans, operation.plan);
    for (const batch of batches)
      await insertBatch(client, accountId, operationId, operation.expire_at, batch);
    await client.query(`select pg_notify('${WAKE_CHANNEL}', '')`);
    return batches;
  });
}

async function findOrphans(
  client: pg.PoolClient,
  accountId: number,
  operationId: string,
  [first, last]: readonly [string, string],
): Promise<OrphanRow[]> {
  const { rows } = await client.query<OrphanRow>(
    `with ${OPERATION_PARTS}
     select m.id, m.status = 'SCHEDULED' as scheduled, m.attempt, w.candidate, w.address, w.address_channel, w.addresses,
       case when m.status = 'SCHEDULED' then coalesce(w.scheduled_for, o.scheduled_for, now()) else now() end as due_at
     from m join message w on w.account_id = $1 and w.id = m.id and w.id between $3 and $4
       join operation o on o.account_id = $1 and o.id = $2
     where ${IS_ORPHAN} and m.attempt < ${ATTEMPT_MAX} order by m.id`,
    [accountId, operationId, first, last],
  );
  return rows;
}

function composeBatches(orphans: readonly OrphanRow[], plan: SendPlan): NewBatch[] {
  const batches: NewBatch[] = [];
  const open = new Map<string, NewBatch>();
  for (const row of orphans) {
    const addresses = row.addresses ?? [{ address: row.address, channel: row.address_channel }];
    const sender = listCandidates(addresses, plan)[row.candidate]?.sender;
    if (sender === undefined) continue;
    const { scheduled, attempt, candidate, due_at: dueAt } = row;
    const senderId = sender.senderId ?? null;
    const key = JSON.stringify([sender.carrier, senderId, scheduled, attempt, candidate, dueAt]);
    let batch = open.get(key);
    if (batch === undefined || batch.ordinals.length >= BATCH_SIZE_MAX) {
      batch = {
        carrier: sender.carrier,
        senderId,
        scheduled,
        attempt: attempt + 1,
        candidate,
        dueAt,
        ordinals: [],
      };
      open.set(key, batch);
      batches.push(batch);
    }
    batch.ordinals.push(ordinalOf(row.id));
  }
  return batches;
}

async function insertBatch(
  client: pg.PoolClient,
  accountId: number,
  operationId: string,
  expireAt: Date | null,
  batch: NewBatch,
): Promise<void> {
  await client.query(
    `insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting, due_at,
       expire_at, ordinals, high_water_mark)
     values ($1, $2, $3, $4, $5, is_rate_limited($5), $6, $7, $8, $9, $10, $11)`,
    [
      accountId,
      operationId,
      batch.carrier,
      batch.candidate,
      batch.senderId,
      batch.attempt,
      batch.scheduled,
      batch.dueAt,
      expireAt,
      batch.ordinals,
      batch.scheduled ? 0 : batch.ordinals.length,
    ],
  );
}
