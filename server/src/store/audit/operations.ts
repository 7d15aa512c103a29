/**
 * Compares operations with their messages: counters, status, messages without a batch, batches
 * without messages. Each operation is read in one snapshot, by statements that read a part of it.
 * All parts must agree there, because a transaction that moves a message also changes its counters
 * and the queue.
 */
import { encodeTypeId, uuidLowerBound } from '../../domain/ids.ts';
import { MESSAGE_STATUSES } from '../../domain/message.ts';
import { counterOf, type OperationStats, type OperationStatus } from '../../domain/operation.ts';
import type { Database, Querier } from '../database.ts';
import { countOf, type AuditScope, type Finding } from './finding.ts';
import { IS_ORPHAN, listSpans, OPERATION_PARTS, requeueOrphans } from './orphans.ts';

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
  const picture = await database.transact(async (client) => {
    await client.query('set transaction isolation level repeatable read, read only');
    return takePicture(client, key, patienceMs);
  });
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

/** In a transaction with one snapshot, or with the operation locked: then no message changes its status. */
async function takePicture(
  querier: Querier,
  { account_id, id }: Key,
  patienceMs: number,
): Promise<Picture | null> {
  const { rows } = await querier.query<{ status: OperationStatus; recorded: Counters }>(
    'select o.status, to_jsonb(o) as recorded from operation o where account_id = $1 and id = $2',
    [account_id, id],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const sums = { ...NOTHING };
  for (const span of listSpans(id, row.recorded.recipients)) {
    const part = await countSpan(querier, account_id, id, span);
    for (const name of Object.keys(sums) as (keyof Sums)[]) sums[name] += part[name];
  }
  const { orphans, ...counted } = sums;
  return {
    ...row,
    counted: { ...counted, recipients: counted.total + counted.unaddressable },
    orphans,
    ended: await findEnded(querier, account_id, id, patienceMs),
  };
}

type Sums = Omit<Counters, 'recipients'> & { orphans: number };

const NOTHING = Object.fromEntries(
  [...COUNTERS.filter((name) => name !== 'recipients'), 'orphans'].map((name) => [name, 0]),
) as unknown as Readonly<Sums>;

async function countSpan(
  querier: Querier,
  accountId: number,
  id: string,
  [first, last]: readonly [string, string],
): Promise<Sums> {
  const { rows } = await querier.query<Sums>(
    `with ${OPERATION_PARTS}
     select count(*)::int as total, coalesce(sum(attempt), 0)::int as attempts,
       ${MESSAGE_STATUSES.map((each) => `count(*) filter (where status = '${each}')::int as ${counterOf(each)}`).join(', ')},
       (select count(*)::int from unaddressable where account_id = $1 and id between $3 and $4) as unaddressable,
       (select count(*)::int from m where ${IS_ORPHAN}) as orphans
     from m`,
    [accountId, id, first, last],
  );
  return rows[0] ?? NOTHING;
}

/** Batches whose messages one statement reads. */
const BATCHES_TOGETHER = 100;

async function findEnded(
  querier: Querier,
  accountId: number,
  id: string,
  patienceMs: number,
): Promise<string[]> {
  const ended: string[] = [];
  for (let after = '0'; ;) {
    const { rows } = await querier.query<{ id: string; ended: boolean }>(
      `with late as materialized (
         select id, attempt, ordinals from dispatch_batch
         where account_id = $1 and operation_id = $2 and id > $4::bigint and due_at < now() - $3 * interval '1 millisecond'
           and (leased_until is null or leased_until < now())
         order by id limit ${BATCHES_TOGETHER}),
       queued as (select l.id, l.attempt, message_of($2, ordinal) as message_id from late l, unnest(l.ordinals) as ordinal)
       select l.id::text, count(m.id) = 0 as ended from late l left join queued q on q.id = l.id
         left join message m on m.account_id = $1 and m.id = any(array(select message_id from queued))
           and m.id = q.message_id and m.attempt < q.attempt and m.status <= 'SENT'
       group by l.id order by l.id`,
      [accountId, id, patienceMs, after],
    );
    ended.push(...rows.flatMap((each) => (each.ended ? [each.id] : [])));
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCHES_TOGETHER) return ended;
    after = last.id;
  }
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
