/**
 * Compares operations with their messages: counters, status, messages without a batch, batches
 * without messages. Each operation is read in one statement, hence in one snapshot. All parts must
 * agree there, because a transaction that moves a message also changes its counters and the queue.
 */
import { encodeTypeId, messageUuidRange, uuidLowerBound } from '../../domain/ids.ts';
import { MESSAGE_STATUSES } from '../../domain/message.ts';
import { counterOf, type OperationStats, type OperationStatus } from '../../domain/operation.ts';
import type { Database, Querier } from '../database.ts';
import { countOf, type AuditScope, type Finding } from './finding.ts';
import { IS_ORPHAN, OPERATION_PARTS, requeueOrphans } from './orphans.ts';

interface Key {
  readonly account_id: number;
  readonly id: string;
}

/** Counters as they stand in the operation, or as its messages say. */
type Counters = OperationStats;

interface Picture {
  readonly status: OperationStatus;
  readonly recorded: Counters;
  readonly counted: Counters;
  readonly orphans: number;
  /** Batches, long due and not leased, whose messages are all settled. */
  readonly ended: readonly string[];
}

/** Above every account and id. */
const LAST: Key = { account_id: 2 ** 31 - 1, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
/** Operations read in one go. There is no index by their ids alone, so they are read by accounts, each once. */
const PAGE = 5_000;

const COUNTERS = [
  'total',
  'recipients',
  'attempts',
  'unaddressable',
  ...MESSAGE_STATUSES.map(counterOf),
] as const;

/** Findings of all operations in scope, of each account newest first, an operation at a time. */
export async function* auditOperations(
  database: Database,
  scope: AuditScope,
): AsyncGenerator<Finding> {
  let before = LAST;
  for (;;) {
    const page = await readPage(database, scope, before);
    for (const key of page)
      if (key.is_meant) yield* await auditOperation(database, key, scope.patienceMs);
    const last = page.at(-1);
    if (last === undefined || scope.operationId !== null || page.length < PAGE) return;
    before = last;
  }
}

/** The next operations, and whether they are in scope: new, or with work that is not done. */
async function readPage(
  database: Database,
  { since, operationId }: AuditScope,
  before: Key,
): Promise<(Key & { is_meant: boolean })[]> {
  if (operationId !== null) {
    const { rows } = await database.query<Key & { is_meant: boolean }>(
      `select account_id, id, true as is_meant from operation
       where account_id = any(array(select id from account)) and id = $1`,
      [operationId],
    );
    return rows;
  }
  const { rows } = await database.query<Key & { is_meant: boolean }>(
    `with page as materialized (
       select account_id, id, scheduled + queued > 0 or status in ('SCHEDULED', 'PROCESSING') as is_open from operation
       where (account_id, id) < ($1::int, $2::uuid) order by account_id desc, id desc limit ${PAGE}),
     busy as (select distinct operation_id as id from dispatch_batch 
       where account_id = any(array(select account_id from page)) and operation_id = any(array(select id from page)))
     select p.account_id, p.id, p.id >= $3 or p.is_open or b.id is not null as is_meant
     from page p left join busy b on b.id = p.id order by p.account_id desc, p.id desc`,
    [before.account_id, before.id, uuidLowerBound(since.getTime())],
  );
  return rows;
}

async function auditOperation(
  database: Database,
  key: Key,
  patienceMs: number,
): Promise<Finding[]> {
  const picture = await takePicture(database, key, patienceMs);
  if (picture === null) return [];
  const { recorded, counted, status, orphans, ended } = picture;
  const where = encodeTypeId('comms_operation', key.id);
  const found: Finding[] = [];
  const wrong = COUNTERS.filter((name) => recorded[name] !== counted[name]);
  if (wrong.length > 0)
    found.push({
      check: 'counters',
      where,
      what: wrong
        .map((name) => `${name} is ${recorded[name]}, counted ${counted[name]}`)
        .join('; '),
      advice: '--repair recounts.',
      repair: () => recount(database, key),
    });
  const right = statusFor(status, counted);
  if (status !== right)
    found.push({
      check: 'status',
      where,
      what: `The status is ${status} with ${counted.scheduled} scheduled, ${counted.queued} queued and ${counted.canceled} canceled of ${counted.total}; the status should be ${right}.`,
      advice: '--repair sets the status that follows from its messages.',
      repair: () => recount(database, key),
    });
  if (orphans > 0)
    found.push({
      check: 'orphans',
      where,
      what: `${countOf(orphans, 'unsent message')} in no batch.`,
      advice:
        '--repair queues them. SCHEDULED messages are sent. The others may have been submitted, so they are in doubt: the carrier\'s "ambiguous" decides.',
      repair: () => requeueOrphans(database, key.account_id, key.id),
    });
  if (ended.length > 0)
    found.push({
      check: 'batches',
      where,
      what: `${countOf(ended.length, 'batch', 'batches')} with nothing left to send, due for long.`,
      advice: '--repair removes them.',
      repair: () => removeEnded(database, key, patienceMs),
    });
  return found;
}

async function takePicture(
  querier: Querier,
  { account_id, id }: Key,
  patienceMs: number,
): Promise<Picture | null> {
  const { rows } = await querier.query<{
    status: OperationStatus;
    recorded: Counters;
    counted: Omit<Counters, 'recipients' | 'unaddressable'>;
    unaddressable: number;
    orphans: number;
    ended: string[];
  }>(
    `with ${OPERATION_PARTS},
     counted as (
       select count(*)::int as total, coalesce(sum(attempt), 0)::int as attempts,
         ${MESSAGE_STATUSES.map((each) => `count(*) filter (where status = '${each}')::int as ${counterOf(each)}`).join(', ')}
       from m),
     ended as (
       select q.batch_id from queued q
         left join m on m.ordinal = q.ordinal and m.attempt < q.attempt and m.status <= 'SENT'
       group by q.batch_id
       having count(m.id) = 0 and bool_and(q.free) and max(q.due_at) < now() - $4 * interval '1 millisecond')
     select o.status, to_jsonb(o) as recorded, (select to_jsonb(c) from counted c) as counted,
       (select count(*)::int from unaddressable where account_id = $1 and id > $2 and id <= $3) as unaddressable,
       (select count(*)::int from m where ${IS_ORPHAN}) as orphans,
       array(select batch_id from ended)::text[] as ended
     from operation o where o.account_id = $1 and o.id = $2`,
    [account_id, id, messageUuidRange(id).last, patienceMs],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const { unaddressable } = row;
  const recipients = row.counted.total + unaddressable;
  return { ...row, counted: { ...row.counted, unaddressable, recipients } };
}

/** The status that belongs to these counters. A correct status stays. */
function statusFor(status: OperationStatus, counted: Counters): OperationStatus {
  if (status === 'CANCELED' && counted.canceled > 0) return status;
  if (counted.scheduled + counted.queued === 0) return 'COMPLETED';
  if (status === 'SCHEDULED' && counted.scheduled === counted.total) return status;
  return 'PROCESSING';
}

/**
 * Counts anew while the operation's row is locked: movers wait with their sums until this is committed, and their
 * messages are not seen before.
 */
function recount(database: Database, key: Key): Promise<string> {
  return database.transact(async (client) => {
    await client.query('select 1 from operation where account_id = $1 and id = $2 for update', [
      key.account_id,
      key.id,
    ]);
    const now = await takePicture(client, key, 0);
    if (now === null) return 'The operation does not exist any more.';
    const status = statusFor(now.status, now.counted);
    await client.query(
      `update operation set status = $3::operation_status, revision = revision + 1,
         updated_at = greatest(updated_at, clock_timestamp()),
         ${COUNTERS.map((name, i) => `${name} = $${i + 4}`).join(', ')}
       where account_id = $1 and id = $2`,
      [key.account_id, key.id, status, ...COUNTERS.map((name) => now.counted[name])],
    );
    return `Recounted: ${status}, ${COUNTERS.filter((name) => now.counted[name] > 0)
      .map((name) => `${name} ${now.counted[name]}`)
      .join(', ')}.`;
  });
}

function removeEnded(database: Database, key: Key, patienceMs: number): Promise<string> {
  return database.transact(async (client) => {
    await client.query(
      `select 1 from dispatch_batch where account_id = $1 and operation_id = $2 order by id for update`,
      [key.account_id, key.id],
    );
    const ended = (await takePicture(client, key, patienceMs))?.ended ?? [];
    await client.query('delete from dispatch_batch where id = any($1)', [ended]);
    return `Removed ${countOf(ended.length, 'batch', 'batches')}.`;
  });
}
