/**
 * The dispatch queue: batches leased with a fencing token, advanced before anything is handed over, woken
 * when due.
 *
 * ```
 *  waiting ──due──▶ ready ──lease──▶ leased ──last message settled──▶ (deleted)
 *                     ▲                │ lease ran out: its node died or stalled
 *                     └────────────────┘ the next lease finds what the frontier had passed doubtful
 * ```
 */
import { messageUuid } from '../domain/ids.ts';
import type { Address, AddressChannel, MessageStatus } from '../domain/message.ts';
import { COUNT_MOVED } from './counters.ts';
import type { Database } from './database.ts';

export interface Batch {
  readonly id: string;
  readonly accountId: number;
  readonly operationId: string;
  readonly candidate: number;
  /** Number of the attempt that its messages are about to make. */
  readonly attempt: number;
  /** Tries already made with this candidate. */
  readonly tries: number;
  /** Messages before this position may be handed over under this lease. */
  readonly frontier: number;
  /** Messages before this position may have been handed over under an earlier lease. */
  readonly doubtful: number;
  readonly ordinals: readonly number[];
  /** Fencing token: every write under this lease names it. */
  readonly lease: number;
  readonly cancelRequested: boolean;
}

interface BatchRow {
  id: string;
  account_id: number;
  operation_id: string;
  candidate: number;
  attempt: number;
  tries: number;
  frontier: number;
  doubtful: number;
  ordinals: number[];
  lease: number;
  cancel_requested: boolean;
}

/** Since when the operation of batch `b` is paused. A sub-select, so that it is looked up by its key. */
const PAUSED =
  '(select o.paused_at from operation o where o.account_id = b.account_id and o.id = b.operation_id)';

/**
 * Leases up to `limit` ready batches of a lane, the longest due first, and moves their frontier by
 * `window`: resolves only when that is durable. Batches that expired come even before they are due, and though their
 * operation is paused.
 */
export async function leaseBatches(
  database: Database,
  lane: string,
  node: string,
  options: { readonly limit: number; readonly window: number; readonly leaseMs: number },
): Promise<Batch[]> {
  const { rows } = await database.query<BatchRow>(
    `with ready as (
       select id from dispatch_batch b
       where lane = $1 and not waiting and (due_at <= now() or expire_at <= now())
         and (leased_until is null or leased_until < now())
         and (expire_at <= now() or ${PAUSED} is null)
       order by due_at, id limit $3 for update skip locked)
     update dispatch_batch b set
       lease = b.lease + 1, leased_by = $2, leased_until = now() + $5 * interval '1 millisecond',
       doubtful = b.frontier,
       frontier = greatest(b.frontier, least($4, cardinality(b.ordinals)))
     where b.id = any(array(select id from ready))
     returning b.id, b.account_id, b.operation_id, b.candidate, b.attempt, b.tries, b.frontier, b.doubtful,
       b.ordinals, b.lease, (select o.cancel_requested_at is not null from operation o
         where o.account_id = b.account_id and o.id = b.operation_id) as cancel_requested`,
    [lane, node, options.limit, options.window, options.leaseMs],
  );
  return rows
    .map((row) => ({
      id: row.id,
      accountId: row.account_id,
      operationId: row.operation_id,
      candidate: row.candidate,
      attempt: row.attempt,
      tries: row.tries,
      frontier: row.frontier,
      doubtful: row.doubtful,
      ordinals: row.ordinals,
      lease: row.lease,
      cancelRequested: row.cancel_requested,
    }))
    .toSorted((a, b) => Number(a.id) - Number(b.id));
}

/**
 * Moves the frontier of a leased batch by up to `window`. Resolves with the batch's frontier and ordinals as
 * they are now (a cancel may have taken some from its end; a pause keeps the frontier where it is), or null when the lease is lost: then nothing
 * more of it may be handed over.
 */
export async function advanceBatch(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  window: number,
): Promise<{ frontier: number; ordinals: number[]; paused: boolean } | null> {
  const { rows } = await database.query<{ frontier: number; ordinals: number[]; paused: boolean }>(
    `update dispatch_batch b set frontier = case when ${PAUSED} is null then least(frontier + $3, cardinality(ordinals)) else frontier end
     where id = $1 and lease = $2 and leased_until > now()
     returning frontier, ordinals, ${PAUSED} is not null as paused`,
    [batch.id, batch.lease, window],
  );
  return rows[0] ?? null;
}

/** Prolongs the leases of a node. Resolves with the ids of those it still holds. */
export async function renewLeases(
  database: Database,
  batches: readonly { readonly id: string; readonly lease: number }[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await database.query<{ id: string }>(
    `update dispatch_batch b set leased_until = now() + $3 * interval '1 millisecond'
     from unnest($1::bigint[], $2::int[]) as held(id, lease)
     where b.id = any($1::bigint[]) and b.id = held.id and b.lease = held.lease and b.leased_until > now()
     returning b.id`,
    [batches.map((batch) => batch.id), batches.map((batch) => batch.lease), leaseMs],
  );
  return new Set(rows.map((row) => row.id));
}

/**
 * Gives a leased batch back: `ordinals` remain to be sent from `dueAt` on, none of them handed over. With
 * none, the batch is deleted. Does nothing when the lease is lost.
 */
export async function returnBatch(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  ordinals: readonly number[],
  delayMs: number,
): Promise<void> {
  if (ordinals.length === 0)
    await database.query('delete from dispatch_batch where id = $1 and lease = $2', [
      batch.id,
      batch.lease,
    ]);
  else
    await database.query(
      `update dispatch_batch set ordinals = $3::smallint[], frontier = 0, doubtful = 0, lease = lease + 1,
         leased_by = null, leased_until = null, due_at = now() + $4 * interval '1 millisecond'
       where id = $1 and lease = $2`,
      [batch.id, batch.lease, `{${ordinals.join(',')}}`, delayMs],
    );
}

/** A message as its dispatcher reads it. */
export interface BatchMessage {
  readonly ordinal: number;
  readonly id: string;
  readonly status: MessageStatus;
  /** Attempts settled so far. */
  readonly attempt: number;
  readonly addresses: readonly [Address, ...Address[]];
  readonly variables: Readonly<Record<string, string>> | null;
}

interface BatchMessageRow {
  id: string;
  status: MessageStatus;
  attempt: number;
  address: string;
  address_channel: AddressChannel;
  addresses: [Address, ...Address[]] | null;
  variables: Record<string, string> | null;
}

/** The messages of a batch by their ordinals, in no order. */
export async function loadMessages(
  database: Database,
  accountId: number,
  operationId: string,
  ordinals: readonly number[],
): Promise<Map<number, BatchMessage>> {
  const ids = ordinals.map((ordinal) => messageUuid(operationId, ordinal));
  const { rows } = await database.query<BatchMessageRow>(
    `select id, status, attempt, address, address_channel, addresses, variables
     from message where account_id = $1 and id = any($2::uuid[])`,
    [accountId, ids],
  );
  const ordinalById = new Map(ids.map((id, index) => [id, ordinals[index] ?? 0]));
  return new Map(
    rows.map((row) => {
      const ordinal = ordinalById.get(row.id) ?? 0;
      return [
        ordinal,
        {
          ordinal,
          id: row.id,
          status: row.status,
          attempt: row.attempt,
          addresses: row.addresses ?? [{ address: row.address, channel: row.address_channel }],
          variables: row.variables,
        },
      ];
    }),
  );
}

/** Batches woken in one go: bounds the transaction. */
const WAKE_MAX = 20;

/**
 * Wakes batches whose time has come: their messages turn from SCHEDULED to QUEUED. Resolves with the number
 * of batches woken; call again while it is not 0.
 */
export function wakeDueBatches(database: Database): Promise<number> {
  return database.transact(async (client) => {
    const { rows } = await client.query<{
      account_id: number;
      operation_id: string;
      ordinals: number[];
    }>(
      `with due as (
         select id from dispatch_batch where waiting and (due_at <= now() or expire_at <= now())
         order by due_at, id limit ${WAKE_MAX} for update skip locked)
       update dispatch_batch b set waiting = false where b.id = any(array(select id from due))
       returning b.account_id, b.operation_id, b.ordinals`,
    );
    for (const row of rows.toSorted((a, b) => (a.operation_id < b.operation_id ? -1 : 1)))
      await client.query(
        `with moved as (
           update message m set previous_status = m.status, status = 'QUEUED', updated_at = clock_timestamp()
           where account_id = $1 and id = any($3::uuid[]) and status = 'SCHEDULED'
           returning previous_status, status, false as attempted)
         ${COUNT_MOVED}`,
        [
          row.account_id,
          row.operation_id,
          row.ordinals.map((ordinal) => messageUuid(row.operation_id, ordinal)),
        ],
      );
    return rows.length;
  });
}

/** Messages waiting for a carrier per lane, and how long the longest due has waited, in seconds. */
export async function measureQueue(
  database: Database,
): Promise<{ lane: string; messages: number; ageSeconds: number }[]> {
  const { rows } = await database.query<{ lane: string; messages: number; age: number }>(
    `select lane, sum(cardinality(ordinals))::int as messages,
       greatest(0, extract(epoch from now() - min(due_at)))::float as age
     from dispatch_batch where not waiting group by lane`,
  );
  return rows.map((row) => ({ lane: row.lane, messages: row.messages, ageSeconds: row.age }));
}
