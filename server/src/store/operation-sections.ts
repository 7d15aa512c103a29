/**
 * Counts the messages of an operation for its report, in sections. A statement counts at most
 * 16,384 messages. Counts of a section are kept until one of its messages changes, so a report
 * counts only sections with changes since the last one (docs/decisions/0023).
 *
 * ```
 *  operation 1,000,000 messages   stretches of 16,384:  0  1  2 … 61
 *  operation 3,000,000 messages   stretches of 16,384:  0  1  2 … 63 64 65 … 183
 *                                 sections:             0  1  2 … 63  0  1 …  55
 * ```
 * A section is claimed before it is counted: its bit in `changed_sections` is cleared and its
 * `version` increased, in one transaction. A change that commits later sets the bit again, and one
 * that committed before is counted. So several nodes may count, and no change is missed.
 */
import { messageUuid } from '../domain/ids.ts';
import type { Address, MessageStatus } from '../domain/message.ts';
import { addCounts, LATENCY_RATIO, type OperationCounts } from '../domain/operation-counts.ts';
import type { PlannedSender, SendPlan } from '../domain/operation.ts';
import { firstCandidate, listCandidates } from '../domain/routing.ts';
import type { Database, Querier } from './database.ts';

/** Messages that one statement counts. `section_bit` in the migrations has the same number. */
export const STRETCH = 16_384;
export const SECTIONS = 64;
/** Messages whose sender is computed without a pause: it depends on the address, if the sender is one of a pool. */
const RANKED_TOGETHER = 2_048;
/** Sections counted at the same time. */
const COUNTED_TOGETHER = 2;

/** The operation to count. */
export interface Countable {
  readonly accountId: number;
  readonly id: string;
  readonly plan: SendPlan;
  readonly recipients: number;
}

/** Exact counts of an operation; `counting` has the connections for the statements that count. */
export async function countOperation(
  database: Database,
  counting: Querier,
  operation: Countable,
): Promise<OperationCounts> {
  const stretches = Math.ceil(operation.recipients / STRETCH);
  if (stretches <= 1) return countStretches(counting, operation, [0]);
  const sections = await claimSections(database, operation, Math.min(stretches, SECTIONS));
  const known = sections.flatMap(({ counts }) => counts ?? []);
  const unknown = sections.filter(({ counts }) => counts === null).values();
  const counted: OperationCounts[] = [];
  const countRest = async () => {
    for (const { section, version } of unknown) {
      const own = Array.from(
        { length: Math.ceil((stretches - section) / SECTIONS) },
        (_, i) => section + i * SECTIONS,
      );
      const counts = await countStretches(counting, operation, own);
      counted.push(counts);
      await keepCounts(database, operation, section, version, counts);
    }
  };
  await Promise.all(Array.from({ length: COUNTED_TOGETHER }, countRest));
  return addCounts([...known, ...counted]);
}

interface Section {
  readonly section: number;
  readonly version: number;
  readonly counts: OperationCounts | null;
}

/** All sections of an operation, those that have changed without counts. */
async function claimSections(
  database: Database,
  { accountId, id }: Countable,
  sections: number,
): Promise<Section[]> {
  const { rows: changed } = await database.query(
    'select from operation where account_id = $1 and id = $2 and changed_sections <> 0',
    [accountId, id],
  );
  if (changed.length > 0)
    await database.query(
      `with seen as materialized (
         select changed_sections as bits from operation where account_id = $1 and id = $2 for update),
       cleared as (update operation set changed_sections = 0
         where account_id = $1 and id = $2 and (select bits from seen) <> 0)
       insert into operation_section as s (account_id, operation_id, section)
         select $1, $2, n from seen, generate_series(0, $3::int - 1) as n where (bits >> n) & 1 = 1
       on conflict (account_id, operation_id, section) do update set version = s.version + 1, counts = null`,
      [accountId, id, sections],
    );
  const { rows } = await database.query<Section>(
    'select section, version, counts from operation_section where account_id = $1 and operation_id = $2 order by section',
    [accountId, id],
  );
  return rows;
}

/** Keeps counts unless the section was claimed again since. */
async function keepCounts(
  database: Database,
  { accountId, id }: Countable,
  section: number,
  version: number,
  counts: OperationCounts,
): Promise<void> {
  await database.query(
    `update operation_section set counts = $5
     where account_id = $1 and operation_id = $2 and section = $3 and version = $4`,
    [accountId, id, section, version, JSON.stringify(counts)],
  );
}

/** Sections that a report has counted and found without errors, and that have not changed since. */
export async function findFaultlessSections(
  database: Querier,
  accountId: number,
  operationId: string,
): Promise<ReadonlySet<number>> {
  // In one snapshot: a bit that is 0 there means that the counts are of all changes that the snapshot has.
  const { rows } = await database.query<{ section: number }>(
    `select section from operation_section
     where account_id = $1 and operation_id = $2 and counts -> 'errors' = '[]'
       and ((select changed_sections from operation where account_id = $1 and id = $2) >> section) & 1 = 0`,
    [accountId, operationId],
  );
  return new Set(rows.map(({ section }) => section));
}

async function countStretches(
  counting: Querier,
  operation: Countable,
  stretches: readonly number[],
): Promise<OperationCounts> {
  const counts: OperationCounts[] = [];
  for (const stretch of stretches) counts.push(await countStretch(counting, operation, stretch));
  return addCounts(counts);
}

/** Ids of messages in a range, `$2` and `$3` included. */
const IN_RANGE = 'account_id = $1 and id between $2 and $3';
const IS_SETTLED = `status in ('DELIVERED', 'READ', 'UNDELIVERED')`;

async function countStretch(
  counting: Querier,
  { accountId, id, plan, recipients }: Countable,
  stretch: number,
): Promise<OperationCounts> {
  const first = stretch * STRETCH;
  const last = Math.min(first + STRETCH, recipients) - 1;
  const range = [accountId, messageUuid(id, first), messageUuid(id, last)];
  const { rows } = await counting.query<{
    channel: PlannedSender['channel'] | null;
    status: MessageStatus | null;
    submitted: number | null;
    at: number | null;
    type: number | null;
    count: number;
  }>(
    // Grouped in one pass. date_part calculates with float8, extract with numeric, which takes several times as long.
    `select channel, status, submitted, at, type, count(*)::int as count
     from (
       select channel, status, floor(date_part('epoch', attempted_at)) as submitted,
         case when ${IS_SETTLED} and attempted_at is not null then floor(date_part('epoch', updated_at)) end as at,
         case when ${IS_SETTLED} then ceil(
           ln(greatest(date_part('epoch', updated_at - attempted_at) * 1000, 1)) / ln(${LATENCY_RATIO}::float8)) end as type
       from message where ${IN_RANGE} offset 0) as m
     group by grouping sets ((channel, status), (submitted), (at, type))`,
    range,
  );
  const { rows: errors } = await counting.query<{ code: number; count: number; ids: string[] }>(
    `select code, count(*)::int as count,
       to_jsonb(coalesce((array_agg(id order by id) filter (where is_shown))[1:3], '{}')) as ids
     from (
       select error_code as code, id, deleted_at is null as is_shown from message
       where ${IN_RANGE} and status in ('FAILED', 'UNDELIVERED') and error_code is not null
       union all
       select code, id, addresses <> '[]' from unaddressable where ${IN_RANGE}) as bad
     group by code`,
    range,
  );
  return addCounts([
    {
      senders: isPool(plan)
        ? await countBySender(counting, { accountId, id, plan, recipients }, first, last)
        : rows.flatMap(({ channel, status, count }) =>
            channel === null || status === null
              ? []
              : [[plan.senders.findIndex((each) => each.channel === channel), status, count]],
          ),
      errors: errors.map(({ code, count, ids }) => [code, count, ids]),
      step: 1,
      submitted: rows.flatMap(({ submitted, count }) =>
        submitted === null ? [] : [[submitted, count]],
      ),
      settled: rows.flatMap(({ at, type, count }) =>
        at === null || type === null ? [] : [[at, type, count]],
      ),
    },
  ]);
}

/** Whether a channel has several senders. */
function isPool({ senders }: SendPlan): boolean {
  return new Set(senders.map(({ channel }) => channel)).size < senders.length;
}

interface Routed {
  readonly status: MessageStatus;
  readonly candidate: number;
  readonly addresses: readonly Address[];
}

/** Messages by the sender of their present route, without erased ones, whose route is not known any more. */
async function countBySender(
  counting: Querier,
  { accountId, id, plan }: Countable,
  first: number,
  last: number,
): Promise<OperationCounts['senders']> {
  const places = new Map(plan.senders.map((sender, i) => [sender, i]));
  const counts = new Map<string, [number, MessageStatus, number]>();
  for (let from = first; from <= last; from += RANKED_TOGETHER) {
    const to = Math.min(from + RANKED_TOGETHER - 1, last);
    const { rows } = await counting.query<Routed>(
      `select status, candidate,
         coalesce(addresses, jsonb_build_array(jsonb_build_object('address', address, 'channel', address_channel))) as addresses
       from message where ${IN_RANGE} and deleted_at is null`,
      [accountId, messageUuid(id, from), messageUuid(id, to)],
    );
    for (const { status, candidate, addresses } of rows) {
      const route =
        candidate === 0
          ? firstCandidate(addresses, plan)
          : listCandidates(addresses, plan)[candidate];
      const place = route ? places.get(route.sender) : undefined;
      if (place === undefined) continue;
      const key = `${place} ${status}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, [place, status, 1]);
      else known[2] += 1;
    }
  }
  return [...counts.values()];
}
