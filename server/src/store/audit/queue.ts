/**
 * Checks the queue and the rows beside it: leases, carriers, overdue batches, parked receipts,
 * pending answers.
 */
import { encodeTypeId, uuidLowerBound } from '../../domain/ids.ts';
import { BATCHES_TO_COME } from '../batches.ts';
import type { Database } from '../database.ts';
import { dropParkedReceipts, fetchAttempts } from '../parked-receipts.ts';
import type { MatchedReceipt } from '../../domain/receipt.ts';
import { countOf, describeAge, type AuditScope, type Finding } from './finding.ts';

/** Whether batch `b` rests because its operation is paused. A sub-select with a limit, so that it is looked up by its key. */
const IS_PAUSED = `coalesce((select o.paused_at is not null from operation o
  where o.account_id = b.account_id and o.id = b.operation_id limit 1), false)`;

interface CarrierRow {
  carrier: string;
  batches: number;
  messages: number;
  stale: number;
  overdue: number;
  sleeping: number;
  age: number;
}

/** Batches by carrier: of carriers that are not configured, of nodes that are gone, and batches that no node takes. */
export async function auditCarriers(database: Database, scope: AuditScope): Promise<Finding[]> {
  const { rows } = await database.query<CarrierRow>(
    `with late as (
       select carrier, cardinality(ordinals) as messages, waiting, leased_until is not null as leased,
         not rate_limited and (leased_until is null or leased_until < now()) as free,
         since < now() - $1 * interval '1 millisecond' as is_late, now() - since as age, ${IS_PAUSED} as paused
       from dispatch_batch b, coalesce(leased_until, case when waiting then wake_at else due_at end) as since
       union all
       select carrier, messages, waiting, false, false, false, null, false from (${BATCHES_TO_COME}) as coming)
     select carrier, count(*)::int as batches, sum(messages)::int as messages,
       (count(*) filter (where is_late and leased and not paused))::int as stale,
       (count(*) filter (where is_late and not leased and free and not waiting and not paused))::int as overdue,
       (count(*) filter (where is_late and waiting))::int as sleeping,
       coalesce(extract(epoch from max(age) filter (where is_late and not paused)), 0)::float as age
     from late group by carrier order by carrier`,
    [scope.patienceMs],
  );
  return rows.flatMap((row) =>
    scope.carriers.includes(row.carrier) ? judgeCarrier(row) : [judgeUnknownCarrier(row)],
  );
}

function judgeUnknownCarrier({ carrier, batches, messages }: CarrierRow): Finding {
  return {
    check: 'carriers',
    where: carrier,
    what: `${countOf(batches, 'batch', 'batches')} with ${countOf(messages, 'message')} for the carrier "${carrier}", which this configuration does not have.`,
    advice:
      'Configure the carrier again under this name, or cancel the operations. Run the doctor with the configuration of the server.',
    repair: null,
  };
}

function judgeCarrier({ carrier, stale, overdue, sleeping, age }: CarrierRow): Finding[] {
  const found: Finding[] = [];
  const add = (check: 'leases' | 'overdue', what: string, advice: string) =>
    found.push({ check, where: carrier, what, advice, repair: null });
  if (stale > 0)
    add(
      'leases',
      `${countOf(stale, 'lease')} expired up to ${describeAge(age)} ago, and no node has taken the work.`,
      'Start a server with this carrier. Messages in doubt are then treated according to "ambiguous".',
    );
  if (overdue > 0)
    add(
      'overdue',
      `${countOf(overdue, 'batch', 'batches')} due for up to ${describeAge(age)}.`,
      'Check that a server is running and that the carrier accepts messages; see /metrics and the log.',
    );
  if (sleeping > 0)
    add(
      'overdue',
      `${countOf(sleeping, 'scheduled batch', 'scheduled batches')} not woken for up to ${describeAge(age)}.`,
      'Start a server. Every server wakes due batches every 200 ms.',
    );
  return found;
}

/** Batches whose operation does not exist any more. */
export async function auditStrayBatches(database: Database): Promise<Finding[]> {
  const strays = `select b.id from dispatch_batch b where (select true from operation o
    where o.account_id = b.account_id and o.id = b.operation_id limit 1) is null`;
  const { rowCount } = await database.query(strays);
  if (!rowCount) return [];
  return [
    {
      check: 'batches',
      where: 'dispatch_batch',
      what: `${countOf(rowCount, 'batch', 'batches')} of operations that do not exist.`,
      advice: '--repair removes them.',
      async repair() {
        const gone = await database.query(`delete from dispatch_batch where id in (${strays})`);
        return `Removed ${countOf(gone.rowCount ?? 0, 'batch', 'batches')}.`;
      },
    },
  ];
}

/** A receipt that quotes an id is tried again with growing pauses. After this many tries, about a minute, it is reported. */
const TRIES_ODD = 8;

export async function auditReceipts(database: Database, scope: AuditScope): Promise<Finding[]> {
  return [
    ...(await auditParked(database, scope)),
    ...(await auditParkedByCarrierId(database, scope)),
  ];
}

async function auditParked(database: Database, { patienceMs }: AuditScope): Promise<Finding[]> {
  let strange = 0;
  let late = 0;
  let ageMs = 0;
  for await (const { receipts, unmatched } of readParked(database)) {
    strange += unmatched.length;
    for (const each of receipts) {
      ageMs = Math.max(ageMs, each.ageMs);
      if (each.ageMs > patienceMs && !unmatched.includes(each)) late += 1;
    }
  }
  const age = ageMs / 1000;
  const found: Finding[] = [];
  if (strange > 0)
    found.push({
      check: 'receipts',
      where: 'parked_receipt: unmatched',
      what: `${countOf(strange, 'parked receipt')} for messages that do not exist.`,
      advice: '--repair drops them.',
      async repair() {
        let dropped = 0;
        for await (const { unmatched } of readParked(database)) {
          await dropParkedReceipts(database, unmatched);
          dropped += unmatched.length;
        }
        return `Dropped ${countOf(dropped, 'receipt')}.`;
      },
    });
  if (late > 0)
    found.push({
      check: 'receipts',
      where: 'parked_receipt',
      what: `${countOf(late, 'receipt')} waiting for up to ${describeAge(age)} for the outcome of an attempt.`,
      advice:
        'Check the other findings: the messages should be in the queue. The receipts are dropped after 4 days.',
      repair: null,
    });
  return found;
}

type ParkedKey = Pick<MatchedReceipt, 'accountId' | 'messageId' | 'attempt' | 'status'>;

/** Parked receipts read in one go. */
const PAGE = 1_000;

/** All parked receipts, read in portions, and those whose messages do not exist. */
async function* readParked(database: Database): AsyncGenerator<{
  readonly receipts: readonly (ParkedKey & { readonly ageMs: number })[];
  readonly unmatched: readonly ParkedKey[];
}> {
  let after: readonly unknown[] = [0, '00000000-0000-0000-0000-000000000000', 0, 'SCHEDULED'];
  for (;;) {
    const { rows } = await database.query<ParkedKey & { readonly ageMs: number }>(
      `select account_id as "accountId", message_id as "messageId", attempt, status,
         extract(epoch from now() - received_at)::float * 1000 as "ageMs"
       from parked_receipt where (account_id, message_id, attempt, status) > ($1::int, $2::uuid, $3::smallint, $4::message_status)
       order by account_id, message_id, attempt, status limit ${PAGE}`,
      after,
    );
    const known = await fetchAttempts(database, rows);
    yield { receipts: rows, unmatched: rows.filter((each) => !known.has(each.messageId)) };
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = [last.accountId, last.messageId, last.attempt, last.status];
  }
}

async function auditParkedByCarrierId(
  database: Database,
  { patienceMs }: AuditScope,
): Promise<Finding[]> {
  const { rows } = await database.query<{
    carrier: string;
    odd: number;
    late: number;
    tries: number;
  }>(
    `select carrier, (count(*) filter (where tries >= ${TRIES_ODD}))::int as odd,
       (count(*) filter (where due_at < now() - $1 * interval '1 millisecond'))::int as late,
       max(tries)::int as tries
     from parked_carrier_receipt group by carrier order by carrier`,
    [patienceMs],
  );
  return rows.flatMap(({ carrier, odd, late, tries }) => {
    const found: Finding[] = [];
    if (odd > 0)
      found.push({
        check: 'receipts',
        where: `parked_carrier_receipt: ${carrier}`,
        what: `${countOf(odd, 'receipt')} with ids that match no message. Tries so far: at most ${tries}.`,
        advice:
          "If they are of messages sent from here, the ids or the addresses in answers and receipts differ: see the carrier's options (`receiptSource`, `receiptGroup`). Otherwise someone else uses the same connection. They are dropped after about an hour.",
        repair: null,
      });
    if (late > 0)
      found.push({
        check: 'receipts',
        where: `parked_carrier_receipt: ${carrier}: waiting`,
        what: `${countOf(late, 'receipt')} overdue for another try.`,
        advice: 'Start a server. Every server retries parked receipts.',
        repair: null,
      });
    return found;
  });
}

/** Unsent answers to keywords. */
export async function auditInbound(
  database: Database,
  { patienceMs }: AuditScope,
): Promise<Finding[]> {
  const { rows } = await database.query<{ n: number; first: string | null }>(
    `select count(*)::int as n, (array_agg(id order by id))[1] as first from inbound_message
     where reply is not null and id < $1`,
    [uuidLowerBound(Date.now() - patienceMs)],
  );
  const { n = 0, first = null } = rows[0] ?? {};
  if (first === null) return [];
  return [
    {
      check: 'inbound',
      where: encodeTypeId('comms_message', first),
      what: `${countOf(n, 'keyword answer')} not sent yet; this is the oldest message.`,
      advice: 'Start a server, which sends them. If a server is running, its log gives the reason.',
      repair: null,
    },
  ];
}
