/**
 * The dispatch queue. Batches are leased with a fencing token, and their high-water mark rises
 * before any submission. `due-batches.ts` wakes them.
 *
 * ```
 *  waiting ──due──▶ ready ──lease──▶ leased ──last message settled──▶ (deleted)
 *     ▲               ▲                │ the lease ended: its node crashed or stalled
 *     │               └────────────────┤ the next lease finds messages below the mark in doubt
 *     └── resting: requeued for later ─┘ retry, daily cap, quiet hours, carrier unavailable
 * ```
 * Only batches that can be leased now are ready, so a search for work skips nothing.
 */
import { messageUuid } from '../domain/ids.ts';
import type { Address, AddressChannel, MessageStatus } from '../domain/message.ts';
import type { PaceUnit, SenderLimits } from '../domain/pace.ts';
import type { Database } from './database.ts';
import { toQuietHours } from './senders.ts';

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
  /** By the database's clock. */
  readonly expired: boolean;
  /** The sender of all its messages, as it is now; null for several, an address that is none of ours, or a sender that is gone. */
  readonly sender: (SenderLimits & { readonly id: string }) | null;
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
  expired: boolean;
  sender: LimitsRow | null;
}

interface PlacedRow extends BatchRow {
  place: number;
}

interface LimitsRow {
  id: string;
  throughput: number | null;
  throughput_unit: PaceUnit;
  daily_cap: number | null;
  quiet_start: string | null;
  quiet_end: string | null;
}

/** Whether the operation of batch `b` is paused or canceled. A sub-select, so that it is looked up by its key. */
const HALTED = `coalesce((select o.paused_at is not null or o.cancel_requested_at is not null from operation o
  where o.account_id = b.account_id and o.id = b.operation_id), false)`;

/** Columns of a leased batch `b`. Limits are read as JSON, so that they are looked up by their key once. */
const LEASED = `b.id, b.account_id, b.operation_id, b.candidate, b.attempt, b.tries, b.frontier, b.doubtful, b.ordinals,
  b.lease, coalesce(b.expire_at <= now(), false) as expired, (select o.cancel_requested_at is not null from operation o
    where o.account_id = b.account_id and o.id = b.operation_id) as cancel_requested,
  (select to_json(l) from (select s.id, s.throughput, s.throughput_unit, s.daily_cap, s.quiet_start, s.quiet_end
    from sender s where s.id = b.sender_id) l) as sender`;

/** Where a batch stands among those of its lease: in rotation. */
const PLACE = '(select r.place from ready r where r.id = b.id)::int as place';

const byPlace = (a: PlacedRow, b: PlacedRow) => a.place - b.place;

function toBatch(row: BatchRow): Batch {
  const { sender } = row;
  return {
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
    expired: row.expired,
    sender: sender && {
      id: sender.id,
      throughput: sender.throughput,
      throughputUnit: sender.throughput_unit,
      dailyCap: sender.daily_cap,
      quietHours: toQuietHours(sender.quiet_start, sender.quiet_end),
    },
  };
}

/** Stands for all senders without a rate limit. */
export const UNLIMITED = '00000000-0000-0000-0000-000000000000';

/** What a node has leased so far: others come first. */
export interface Served {
  /** The account that was served last, by the sender whose rate limit its accounts share; `UNLIMITED` for all without one. */
  readonly accounts: Readonly<Record<string, number>>;
  /** The operation that each account was served last, by account. */
  readonly operations: Readonly<Record<number, string>>;
}

/**
 * Leases up to `limit` ready batches of a lane whose senders have no pace, accounts and their operations in turns, and
 * moves their frontier by `window`: resolves only when that is durable.
 */
export async function leaseBatches(
  database: Database,
  lane: string,
  leasedBy: string,
  options: {
    readonly limit: number;
    readonly window: number;
    readonly leaseMs: number;
    readonly served: Served;
  },
): Promise<Batch[]> {
  const { rows } = await database.query<PlacedRow>(
    `with ready as materialized (
       select id, row_number() over () as place
       from take_turns($1, '${UNLIMITED}', $3, $6, ($7::jsonb ->> '${UNLIMITED}')::int) as id)
     update dispatch_batch b set
       lease = b.lease + 1, leased_by = $2, leased_until = now() + $5 * interval '1 millisecond',
       doubtful = b.frontier,
       frontier = greatest(b.frontier, least($4, cardinality(b.ordinals)))
     where b.id = any(array(select id from ready))
     returning ${LEASED}, ${PLACE}`,
    [
      lane,
      leasedBy,
      options.limit,
      options.window,
      options.leaseMs,
      JSON.stringify(options.served.operations),
      JSON.stringify(options.served.accounts),
    ],
  );
  return rows.toSorted(byPlace).map(toBatch);
}

/**
 * Leases ready batches of a lane whose senders have a pace: `perSender` of each sender less those that it has `taken`, in
 * turns as above, up to `limit`, senders in an order by chance. Leaves their frontier where it is.
 */
export async function leasePacedBatches(
  database: Database,
  lane: string,
  leasedBy: string,
  options: {
    readonly limit: number;
    readonly perSender: number;
    /** Places taken, by sender. */
    readonly taken: Readonly<Record<string, number>>;
    readonly leaseMs: number;
    readonly served: Served;
  },
): Promise<Batch[]> {
  // Senders are found by steps through the index, however many batches each of them has.
  const { rows } = await database.query<PlacedRow>(
    `with recursive senders as (
       select '${UNLIMITED}'::uuid as turn
       union all
       select next.turn from senders s cross join lateral (
         select turn from dispatch_batch where lane = $1 and not waiting and turn > s.turn order by turn limit 1) next),
     ready as materialized (
       select turns.id, row_number() over () as place from
         (select turn, $4 - coalesce(($5::jsonb ->> turn::text)::int, 0) as places from senders
          where turn <> '${UNLIMITED}' order by random()) s
       cross join lateral take_turns($1, s.turn, s.places, $7, ($8::jsonb ->> s.turn::text)::int) as turns(id)
       where s.places > 0
       limit $3)
     update dispatch_batch b set lease = b.lease + 1, leased_by = $2,
       leased_until = now() + $6 * interval '1 millisecond', doubtful = b.frontier
     where b.id = any(array(select id from ready))
     returning ${LEASED}, ${PLACE}`,
    [
      lane,
      leasedBy,
      options.limit,
      options.perSender,
      JSON.stringify(options.taken),
      options.leaseMs,
      JSON.stringify(options.served.operations),
      JSON.stringify(options.served.accounts),
    ],
  );
  return rows.toSorted(byPlace).map(toBatch);
}

/** Leases up to `limit` batches of a lane that have expired, to be ended: their frontier stays where it is. */
export async function leaseExpiredBatches(
  database: Database,
  lane: string,
  leasedBy: string,
  options: { readonly limit: number; readonly leaseMs: number },
): Promise<Batch[]> {
  const { rows } = await database.query<BatchRow>(
    `with ready as materialized (
       select id from dispatch_batch
       where lane = $1 and not waiting and expire_at <= now() and (leased_until is null or leased_until < now())
       order by expire_at limit $3 for update skip locked)
     update dispatch_batch b set lease = b.lease + 1, leased_by = $2,
       leased_until = now() + $4 * interval '1 millisecond', doubtful = b.frontier
     where b.id = any(array(select id from ready))
     returning ${LEASED}`,
    [lane, leasedBy, options.limit, options.leaseMs],
  );
  return rows.map(toBatch);
}

/** Where a leased batch stands. */
export interface Standing {
  readonly frontier: number;
  /** A cancel may have taken some from the end. */
  readonly ordinals: readonly number[];
  /** Whether its operation is paused or canceled: nothing more of it may be handed over. */
  readonly halted: boolean;
}

/**
 * Moves the frontier of a leased batch by up to `window`, unless it is halted; by 0 it only asks. Resolves with where it
 * stands now, or null when the lease is lost: then nothing more of it may be handed over.
 */
export async function advanceBatch(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  window: number,
): Promise<Standing | null> {
  const { rows } = await database.query<Standing>(
    `update dispatch_batch b set frontier = case when ${HALTED} then frontier else least(frontier + $3, cardinality(ordinals)) end
     where id = $1 and lease = $2 and leased_until > now()
     returning frontier, ordinals, ${HALTED} as halted`,
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

/** Lets go what was leased under these names, as if it had not been: nobody was told, so none of it was handed over. */
export async function dropLeases(database: Database, names: readonly string[]): Promise<void> {
  await database.query(
    `update dispatch_batch set leased_by = null, leased_until = null, frontier = doubtful
     where not waiting and leased_by = any($1)`,
    [names],
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
  /** When it is to be sent, where that is not when its operation is. */
  readonly scheduledFor: Date | null;
}

interface BatchMessageRow {
  id: string;
  status: MessageStatus;
  attempt: number;
  address: string;
  address_channel: AddressChannel;
  addresses: [Address, ...Address[]] | null;
  variables: Record<string, string> | null;
  scheduled_for: Date | null;
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
    `select id, status, attempt, address, address_channel, addresses, variables, scheduled_for
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
          scheduledFor: row.scheduled_for,
        },
      ];
    }),
  );
}

/** Messages waiting for a carrier per lane, and how long the longest due has waited, in seconds. */
export async function measureQueue(
  database: Database,
): Promise<{ lane: string; messages: number; ageSeconds: number }[]> {
  const { rows } = await database.query<{ lane: string; messages: number; age: number }>(
    `select lane, sum(cardinality(ordinals))::int as messages,
       greatest(0, extract(epoch from now() - min(due_at)))::float as age
     from dispatch_batch where not waiting or resting group by lane`,
  );
  return rows.map((row) => ({ lane: row.lane, messages: row.messages, ageSeconds: row.age }));
}
