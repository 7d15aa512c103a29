/**
 * Applies receipts in batches: one statement for those that change their message, one for those
 * that start a fallback. Receipts that change nothing are classified afterwards: too early, too
 * late, or repeated. Few statements, each a transaction, have the best chance while many fail.
 */
import { faultOf } from '../domain/errors.ts';
import { ATTEMPT_MAX, operationUuidOf, ordinalOf } from '../domain/ids.ts';
import type { Address, AddressChannel, MessageStatus } from '../domain/message.ts';
import { rankOf } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { MatchedReceipt } from '../domain/receipt.ts';
import { listCandidates, nextCandidate } from '../domain/routing.ts';
import { APPLY_COUNTERS, indexOperations, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import type { Database } from './database.ts';
import { parkReceipts } from './parked-receipts.ts';

/** Results of receipts. Unmatched ones belong to no message here. */
export interface ReceiptTally {
  applied: number;
  parked: number;
  ignored: number;
  unmatched: number;
}

/**
 * Applies receipts of one account, at most one per message: one statement for receipts that change their message, and one
 * for those that start a fallback.
 */
export async function applyReceipts(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<ReceiptTally> {
  const tally: ReceiptTally = { applied: 0, parked: 0, ignored: 0, unmatched: 0 };
  const fallbacks = await findFallbacks(database, receipts);
  const moving = receipts.filter((receipt) => !fallbacks.has(receipt.messageId));
  const done = new Set([
    ...(await transitionMessages(database, moving)),
    ...(await sendOn(database, receipts, fallbacks)),
  ]);
  tally.applied = done.size;
  const left = receipts.filter((receipt) => !done.has(receipt.messageId));
  if (left.length > 0) addTally(tally, await classifyRest(database, left));
  return tally;
}

function addTally(tally: ReceiptTally, other: ReceiptTally): void {
  tally.applied += other.applied;
  tally.parked += other.parked;
  tally.ignored += other.ignored;
  tally.unmatched += other.unmatched;
}

/**
 * Changes messages whose present attempt the receipts report on, if a receipt has a higher status. DELIVERED and READ
 * also change a message that waits for a retry: its carrier refused it and delivered it all the same.
 */
async function transitionMessages(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<string[]> {
  const [first] = receipts;
  if (first === undefined) return [];
  const { operations, places } = indexOperations(
    receipts.map((receipt) => operationUuidOf(receipt.messageId)),
  );
  const { rows } = await database.query<{ ids: string[] | null }>(
    `with transitioned as (
       update message m set previous_status = m.status, status = r.status::message_status,
         attempt_status = r.status::message_status, updated_at = clock_timestamp(),
         error_code = r.code, error_detail = case when m.deleted_at is null then r.detail end
       from unnest($3::uuid[], $4::smallint[], $5::text[], $6::int[], $7::text[], $8::smallint[])
         as r(id, attempt, status, code, detail, operation)
       where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = r.id and m.attempt = r.attempt
         and m.status < r.status::message_status
         and (m.status <> 'QUEUED' or r.status <> 'UNDELIVERED')
       returning ($2::uuid[])[r.operation] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS}
     select case when count(*) < cardinality($3::uuid[]) then coalesce(array_agg(id), '{}') end as ids from transitioned`,
    [
      first.accountId,
      operations,
      receipts.map((receipt) => receipt.messageId),
      receipts.map((receipt) => receipt.attempt),
      receipts.map((receipt) => receipt.status),
      receipts.map((receipt) => (receipt.status === 'UNDELIVERED' ? receipt.code : null)),
      receipts.map((receipt) => (receipt.status === 'UNDELIVERED' ? receipt.detail : null)),
      places,
    ],
  );
  // Null when all of them changed, as is usual: their ids are known here.
  return rows[0]?.ids ?? receipts.map((receipt) => receipt.messageId);
}

/** The next route of a message after its present attempt failed. */
interface Fallback {
  readonly carrier: string;
  readonly candidate: number;
  readonly senderId: string | null;
}

/** Fallbacks after UNDELIVERED receipts, by message. */
async function findFallbacks(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<Map<string, Fallback>> {
  const bad = receipts.filter(
    (receipt) => receipt.status === 'UNDELIVERED' && receipt.attempt < ATTEMPT_MAX,
  );
  const [first] = bad;
  const fallbacks = new Map<string, Fallback>();
  if (first === undefined) return fallbacks;
  const operations = await database.query<{ id: string; plan: SendPlan }>(
    `select id, plan from operation where account_id = $1 and id = any($2::uuid[])
       and cancel_requested_at is null and (expire_at is null or expire_at > now())`,
    [first.accountId, [...new Set(bad.map((receipt) => operationUuidOf(receipt.messageId)))]],
  );
  if (operations.rows.length === 0) return fallbacks;
  const plans = new Map(operations.rows.map(({ id, plan }) => [id, plan]));
  const { rows } = await database.query<{
    id: string;
    candidate: number;
    address: string;
    address_channel: AddressChannel;
    addresses: Address[] | null;
  }>(
    `select m.id, m.candidate, m.address, m.address_channel, m.addresses
     from message m, unnest($2::uuid[], $3::smallint[]) as r(id, attempt)
     where m.account_id = $1 and m.id = any($2::uuid[]) and m.id = r.id and m.attempt = r.attempt and m.status = 'SENT'
       and m.deleted_at is null`,
    [
      first.accountId,
      bad.map((receipt) => receipt.messageId),
      bad.map((receipt) => receipt.attempt),
    ],
  );
  const codes = new Map(bad.map((receipt) => [receipt.messageId, receipt.code]));
  for (const row of rows) {
    const plan = plans.get(operationUuidOf(row.id));
    if (plan === undefined) continue;
    const addresses = row.addresses ?? [{ address: row.address, channel: row.address_channel }];
    const candidates = listCandidates(addresses, plan);
    const next = nextCandidate(candidates, row.candidate, faultOf(codes.get(row.id) ?? null));
    const sender = next === null ? undefined : candidates[next]?.sender;
    if (next !== null && sender !== undefined)
      fallbacks.set(row.id, {
        carrier: sender.carrier,
        candidate: next,
        senderId: sender.senderId ?? null,
      });
  }
  return fallbacks;
}

/** Ends the present attempts and queues the next ones; the messages stay SENT meanwhile. */
async function sendOn(
  database: Database,
  receipts: readonly MatchedReceipt[],
  fallbacks: ReadonlyMap<string, Fallback>,
): Promise<string[]> {
  const bad = receipts.filter((receipt) => fallbacks.has(receipt.messageId));
  const [first] = bad;
  if (first === undefined) return [];
  const { rows } = await database.query<{ ids: string[] | null }>(
    `with transitioned as (
       update message m set attempt_status = 'UNDELIVERED', error_code = r.code, error_detail = r.detail,
         updated_at = clock_timestamp()
       from unnest($3::uuid[], $4::int[], $5::smallint[], $6::int[], $7::text[], $8::text[], $9::smallint[],
         $10::uuid[], $2::uuid[]) as r(id, ordinal, attempt, code, detail, carrier, candidate, sender_id, operation_id)
       where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = r.id and m.attempt = r.attempt
         and m.status = 'SENT' and m.attempt_status = 'SENT' and m.deleted_at is null
       returning m.id, r.operation_id, r.ordinal, r.attempt, r.carrier, r.candidate, r.sender_id),
     added as (
       insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting,
         due_at, expire_at, ordinals)
       select $1, operation_id, carrier, candidate, sender_id, is_rate_limited(sender_id), attempt + 1, false, now(),
         (select o.expire_at from operation o where o.account_id = $1 and o.id = transitioned.operation_id),
         array_agg(ordinal order by ordinal)
       from transitioned group by operation_id, carrier, candidate, sender_id, attempt)
     select array_agg(id) as ids from transitioned`,
    [
      first.accountId,
      bad.map((receipt) => operationUuidOf(receipt.messageId)),
      bad.map((receipt) => receipt.messageId),
      bad.map((receipt) => ordinalOf(receipt.messageId)),
      bad.map((receipt) => receipt.attempt),
      bad.map((receipt) => receipt.code),
      bad.map((receipt) => receipt.detail),
      bad.map((receipt) => fallbacks.get(receipt.messageId)?.carrier),
      bad.map((receipt) => fallbacks.get(receipt.messageId)?.candidate),
      bad.map((receipt) => fallbacks.get(receipt.messageId)?.senderId),
    ],
  );
  return rows[0]?.ids ?? [];
}

interface MessageState {
  readonly id: string;
  readonly status: MessageStatus;
  readonly attempt: number;
  readonly attempt_status: MessageStatus | null;
}

/**
 * Receipts without effect: too early, too late, repeated, or without a message. Some were overtaken by the settlement of
 * their attempt and are applied once more. Nothing is locked: statuses only go up, and a needlessly parked receipt finds
 * its attempt settled at the first try.
 */
async function classifyRest(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<ReceiptTally> {
  const tally: ReceiptTally = { applied: 0, parked: 0, ignored: 0, unmatched: 0 };
  const { rows } = await database.query<MessageState>(
    'select id, status, attempt, attempt_status from message where account_id = $1 and id = any($2::uuid[])',
    [receipts[0]?.accountId, receipts.map((receipt) => receipt.messageId)],
  );
  const states = new Map(rows.map((row) => [row.id, row]));
  const again: MatchedReceipt[] = [];
  const early: MatchedReceipt[] = [];
  for (const receipt of receipts) {
    const message = states.get(receipt.messageId);
    if (message === undefined) tally.unmatched += 1;
    else if (receipt.attempt > message.attempt) early.push(receipt);
    else if (receipt.attempt < message.attempt)
      tally[await applyToEarlier(database, receipt, message)] += 1;
    else if (saysMore(receipt, message)) again.push(receipt);
    else tally.ignored += 1;
  }
  if (early.length > 0) await parkReceipts(database, early);
  tally.parked += early.length;
  if (again.length > 0) addTally(tally, await applyReceipts(database, again));
  return tally;
}

/** Whether the statements that change messages would apply this receipt. */
function saysMore(receipt: MatchedReceipt, message: MessageState): boolean {
  return receipt.status === 'UNDELIVERED'
    ? message.status === 'SENT' && message.attempt_status === 'SENT'
    : isBetter(receipt.status, message.status);
}

function isBetter(status: MessageStatus, than: MessageStatus): boolean {
  return than !== 'FAILED' && than !== 'CANCELED' && rankOf(status) > rankOf(than);
}

/**
 * Applies a receipt for an attempt that a later attempt has followed. A success still counts; a failure is only recorded
 * in the attempt. An erased message keeps no attempts, so nothing is recorded there, and the candidate of the attempt is
 * unknown.
 */
async function applyToEarlier(
  database: Database,
  receipt: MatchedReceipt,
  message: MessageState,
): Promise<'applied' | 'ignored'> {
  await database.query(
    `update message set earlier = jsonb_set(earlier, array[i::text, 'status'], to_jsonb($4::text))
     from (select ordinality - 1 as i from message m, jsonb_array_elements(m.earlier) with ordinality as e(value)
           where m.account_id = $1 and m.id = $2 and (e.value ->> 'attempt')::int = $3
             and (e.value ->> 'status')::message_status < $4::message_status) as at
     where account_id = $1 and id = $2`,
    [receipt.accountId, receipt.messageId, receipt.attempt, receipt.status],
  );
  if (receipt.status === 'UNDELIVERED' || !isBetter(receipt.status, message.status))
    return 'ignored';
  await database.query(
    `with transitioned as (
       update message m set previous_status = m.status, status = $4::message_status, updated_at = clock_timestamp()
       where account_id = $1 and id = $3 and status < $4::message_status
       returning ($2::uuid[])[1] as operation_id, m.id, m.previous_status, m.status, false as attempted, ${STATUS_EVENT},
         $5::smallint as attempt, null::int as error_code,
         coalesce((select (e.value ->> 'candidate')::smallint from jsonb_array_elements(m.earlier) as e(value)
          where (e.value ->> 'attempt')::int = $5), m.candidate) as candidate),
     ${APPLY_COUNTERS} select`,
    [
      receipt.accountId,
      [operationUuidOf(receipt.messageId)],
      receipt.messageId,
      receipt.status,
      receipt.attempt,
    ],
  );
  return 'applied';
}
