/**
 * Receipts, applied in batches. The usual one (a better word on the present attempt) is one statement for a
 * whole operation; what that statement does not move is looked at one by one: too early, too late, again,
 * or bad news that a fallback may answer.
 */
import type pg from 'pg';
import { ATTEMPT_MAX, messageUuid, operationUuidOf, ordinalOf } from '../domain/ids.ts';
import type { Address, AddressChannel, MessageStatus } from '../domain/message.ts';
import { rankOf } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import { COUNT_MOVED } from './counters.ts';
import type { Database } from './database.ts';

/** A receipt whose reference has been read. */
export interface MatchedReceipt {
  readonly accountId: number;
  readonly messageId: string;
  readonly attempt: number;
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  readonly code: number | null;
  readonly detail: string | null;
}

/** What became of receipts. Strangers name no message that we know. */
export interface ReceiptTally {
  applied: number;
  parked: number;
  ignored: number;
  strangers: number;
}

/**
 * Applies receipts of one operation, at most one per message. Good news on the present attempt moves the
 * message in one statement; everything else goes through `applyOneByOne`.
 */
export async function applyReceipts(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<ReceiptTally> {
  const tally: ReceiptTally = { applied: 0, parked: 0, ignored: 0, strangers: 0 };
  const first = receipts[0];
  if (first === undefined) return tally;
  const good = receipts.filter((receipt) => receipt.status !== 'UNDELIVERED');
  let rest = receipts.filter((receipt) => receipt.status === 'UNDELIVERED');
  if (good.length > 0) {
    const { rows } = await database.query<{ moved: number }>(
      `with moved as (
         update message m set previous_status = m.status, status = r.status::message_status,
           attempt_status = r.status::message_status, updated_at = clock_timestamp(),
           error_code = null, error_detail = null
         from unnest($3::uuid[], $4::smallint[], $5::text[]) as r(id, attempt, status)
         where m.account_id = $1 and m.id = r.id and m.attempt = r.attempt
           and m.status in ('SENT', 'UNDELIVERED', 'DELIVERED') and m.status < r.status::message_status
         returning m.previous_status, m.status, false as attempted)
       ${COUNT_MOVED}`,
      [
        first.accountId,
        operationUuidOf(first.messageId),
        good.map((receipt) => receipt.messageId),
        good.map((receipt) => receipt.attempt),
        good.map((receipt) => receipt.status),
      ],
    );
    const moved = rows[0]?.moved ?? 0;
    tally.applied += moved;
    if (moved < good.length) rest = [...rest, ...good];
  }
  if (rest.length > 0)
    await database.transact((client) =>
      applyOneByOne(client, rest, tally, good.length > 0 ? tally.applied : 0),
    );
  return tally;
}

interface MessageState {
  id: string;
  status: MessageStatus;
  attempt: number;
  attempt_status: MessageStatus | null;
  candidate: number;
  address: string;
  address_channel: AddressChannel;
  addresses: Address[] | null;
}

/** `known` of the receipts were moved a moment ago by the fast statement and will look like repetitions. */
async function applyOneByOne(
  client: pg.PoolClient,
  receipts: readonly MatchedReceipt[],
  tally: ReceiptTally,
  known: number,
): Promise<void> {
  const first = receipts[0];
  if (first === undefined) return;
  const operationId = operationUuidOf(first.messageId);
  const { rows } = await client.query<MessageState>(
    `select id, status, attempt, attempt_status, candidate, address, address_channel, addresses
     from message where account_id = $1 and id = any($2::uuid[]) order by id for update`,
    [first.accountId, receipts.map((receipt) => receipt.messageId)],
  );
  const states = new Map(rows.map((row) => [row.id, row]));
  const context = { client, accountId: first.accountId, operationId, tally };
  for (const receipt of receipts) {
    const message = states.get(receipt.messageId);
    if (message === undefined) tally.strangers += 1;
    else if (receipt.attempt > message.attempt) await park(context, receipt);
    else if (receipt.attempt < message.attempt) await applyToEarlier(context, receipt, message);
    else if (receipt.status === 'UNDELIVERED') await applyBadNews(context, receipt, message);
    else if (isBetter(receipt.status, message.status))
      await moveMessage(context, receipt, receipt.status);
    else tally.ignored += 1;
  }
  tally.ignored -= Math.min(known, tally.ignored);
}

interface ApplyContext {
  readonly client: pg.PoolClient;
  readonly accountId: number;
  readonly operationId: string;
  readonly tally: ReceiptTally;
}

function isBetter(status: MessageStatus, than: MessageStatus): boolean {
  return than !== 'FAILED' && than !== 'CANCELED' && rankOf(status) > rankOf(than);
}

async function park({ client, tally }: ApplyContext, receipt: MatchedReceipt): Promise<void> {
  await client.query(
    `insert into parked_receipt (account_id, message_id, attempt, status, code, detail, received_at)
     values ($1, $2, $3, $4, $5, $6, now()) on conflict do nothing`,
    [
      receipt.accountId,
      receipt.messageId,
      receipt.attempt,
      receipt.status,
      receipt.code,
      receipt.detail,
    ],
  );
  tally.parked += 1;
}

/** A word on an attempt that a later one has followed: good news still counts, bad news is only noted. */
async function applyToEarlier(
  context: ApplyContext,
  receipt: MatchedReceipt,
  message: MessageState,
): Promise<void> {
  const { client, accountId } = context;
  await client.query(
    `update message set earlier = jsonb_set(earlier, array[i::text, 'status'], to_jsonb($4::text))
     from (select ordinality - 1 as i from message m, jsonb_array_elements(m.earlier) with ordinality as e(value)
           where m.account_id = $1 and m.id = $2 and (e.value ->> 'attempt')::int = $3) as at
     where account_id = $1 and id = $2`,
    [accountId, receipt.messageId, receipt.attempt, receipt.status],
  );
  if (receipt.status !== 'UNDELIVERED' && isBetter(receipt.status, message.status))
    await moveMessage(context, receipt, null);
  else context.tally.ignored += 1;
}

/** Ends the attempt; ends the message too unless there is another way to reach the recipient. */
async function applyBadNews(
  context: ApplyContext,
  receipt: MatchedReceipt,
  message: MessageState,
): Promise<void> {
  const { client, accountId, operationId, tally } = context;
  if (message.status !== 'SENT' || message.attempt_status !== 'SENT') {
    tally.ignored += 1;
    return;
  }
  const { rows } = await client.query<{ plan: SendPlan; expire_at: Date | null; open: boolean }>(
    `select plan, expire_at, cancel_requested_at is null and (expire_at is null or expire_at > now()) as open
     from operation where account_id = $1 and id = $2`,
    [accountId, operationId],
  );
  const operation = rows[0];
  const addresses = message.addresses ?? [
    { address: message.address, channel: message.address_channel },
  ];
  const next =
    operation === undefined || !operation.open || message.attempt >= ATTEMPT_MAX
      ? undefined
      : listCandidates(addresses, operation.plan)[message.candidate + 1];
  if (next === undefined) {
    await moveMessage(context, receipt, 'UNDELIVERED');
    return;
  }
  await client.query(
    `insert into dispatch_batch (account_id, operation_id, lane, candidate, attempt, waiting, due_at, expire_at, ordinals)
     values ($1, $2, $3, $4, $5, false, now(), $6, array[$7::smallint])`,
    [
      accountId,
      operationId,
      next.sender.carrier,
      message.candidate + 1,
      message.attempt + 1,
      operation?.expire_at ?? null,
      ordinalOf(receipt.messageId),
    ],
  );
  await client.query(
    `update message set attempt_status = 'UNDELIVERED', error_code = $3, error_detail = $4, updated_at = clock_timestamp()
     where account_id = $1 and id = $2`,
    [accountId, receipt.messageId, receipt.code, receipt.detail],
  );
  tally.applied += 1;
}

/** Moves one message and its operation's counters; `attemptStatus` null leaves the present attempt alone. */
async function moveMessage(
  { client, accountId, operationId, tally }: ApplyContext,
  receipt: MatchedReceipt,
  attemptStatus: MessageStatus | null,
): Promise<void> {
  const bad = receipt.status === 'UNDELIVERED';
  await client.query(
    `with moved as (
       update message m set previous_status = m.status, status = $4::message_status,
         attempt_status = coalesce($5::message_status, m.attempt_status), updated_at = clock_timestamp(),
         error_code = $6, error_detail = $7
       where account_id = $1 and id = $3 and status < $4::message_status
       returning previous_status, status, false as attempted)
     ${COUNT_MOVED}`,
    [
      accountId,
      operationId,
      receipt.messageId,
      receipt.status,
      attemptStatus,
      bad ? receipt.code : null,
      bad ? receipt.detail : null,
    ],
  );
  tally.applied += 1;
}

/** Parked receipts tried in one go. */
const PARKED_MAX = 500;
/** A receipt whose attempt is never settled is a stranger after this long. */
const PARKED_KEPT = '4 days';

/** Takes the parked receipts whose attempt has been settled meanwhile, for the caller to apply again. */
export async function applyParkedReceipts(database: Database): Promise<number> {
  return database.transact(async (client) => {
    const { rows } = await client.query<{
      account_id: number;
      message_id: string;
      attempt: number;
      status: MatchedReceipt['status'];
      code: number | null;
      detail: string | null;
    }>(
      `with ripe as (
         select p.account_id, p.message_id, p.attempt, p.status from parked_receipt p
         join message m on m.account_id = p.account_id and m.id = p.message_id and m.attempt >= p.attempt
         order by p.message_id, p.status limit ${PARKED_MAX} for update of p skip locked)
       delete from parked_receipt p using ripe
       where p.account_id = ripe.account_id and p.message_id = ripe.message_id
         and p.attempt = ripe.attempt and p.status = ripe.status
       returning p.*`,
    );
    const groups = new Map<string, MatchedReceipt[]>();
    for (const row of rows.toSorted((a, b) => (a.message_id < b.message_id ? -1 : 1))) {
      const operationId = operationUuidOf(row.message_id);
      const group = groups.get(operationId) ?? [];
      group.push({
        accountId: row.account_id,
        messageId: messageUuid(operationId, ordinalOf(row.message_id)),
        attempt: row.attempt,
        status: row.status,
        code: row.code,
        detail: row.detail,
      });
      groups.set(operationId, group);
    }
    for (const group of [...groups.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, g]) => g))
      await applyOneByOne(
        client,
        group.toSorted((a, b) => rankOf(a.status) - rankOf(b.status)),
        { applied: 0, parked: 0, ignored: 0, strangers: 0 },
        0,
      );
    return rows.length;
  });
}

/** Forgets parked receipts that no attempt ever claimed. */
export async function dropOldParkedReceipts(database: Database): Promise<void> {
  await database.query(
    `delete from parked_receipt where received_at < now() - interval '${PARKED_KEPT}'`,
  );
}
