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
import type { RateUnit, SenderLimits } from '../domain/rate-limit.ts';
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
  /** Messages before this position may be submitted under this lease. */
  readonly highWaterMark: number;
  /** The mark when this lease began: messages before it that are not settled are in doubt. */
  readonly inDoubtMark: number;
  readonly ordinals: readonly number[];
  /** Fencing token: every write under this lease names it. */
  readonly lease: number;
  readonly cancelRequested: boolean;
  /** By the database's clock. */
  readonly expired: boolean;
  /** The sender of all its messages, as it is now; null for several senders, an address without one, or a deleted one. */
  readonly sender: (SenderLimits & { readonly id: string }) | null;
}

interface BatchRow {
  id: string;
  account_id: number;
  operation_id: string;
  candidate: number;
  attempt: number;
  tries: number;
  high_water_mark: number;
  in_doubt_mark: number;
  ordinals: number[];
  lease: number;
  cancel_requested: boolean;
  expired: boolean;
  sender: LimitsRow | null;
  /** Position in the order of leasing. */
  place: number;
}

interface LimitsRow {
  id: string;
  throughput: number | null;
  throughput_unit: RateUnit;
  daily_cap: number | null;
  quiet_start: string | null;
  quiet_end: string | null;
}

/** Whether the operation of batch `b` is paused or canceled. A sub-select, so that it is looked up by its key. */
const HALTED = `coalesce((select o.paused_at is not null or o.cancel_requested_at is not null from operation o
  where o.account_id = b.account_id and o.id = b.operation_id), false)`;

/** Columns of a leased batch `b`. Limits are read as JSON, so that they are looked up by their key once. */
const LEASED = `b.id, b.account_id, b.operation_id, b.candidate, b.attempt, b.tries, b.high_water_mark, b.in_doubt_mark, b.ordinals,
  b.lease, coalesce(b.expire_at <= now(), false) as expired, (select o.cancel_requested_at is not null from operation o
    where o.account_id = b.account_id and o.id = b.operation_id) as cancel_requested,
  (select to_json(l) from (select s.id, s.throughput, s.throughput_unit, s.daily_cap, s.quiet_start, s.quiet_end
    from sender s where s.id = b.sender_id) l) as sender`;

function toBatch(row: BatchRow): Batch {
  const { sender } = row;
  return {
    id: row.id,
    accountId: row.account_id,
    operationId: row.operation_id,
    candidate: row.candidate,
    attempt: row.attempt,
    tries: row.tries,
    highWaterMark: row.high_water_mark,
    inDoubtMark: row.in_doubt_mark,
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

/** The state of the rotation on a node. */
export interface Served {
  /** The account that was served last, by rate-limited sender; `UNLIMITED` for all others. */
  readonly accounts: Readonly<Record<string, number>>;
  /** The operation that each account was served last, by account. */
  readonly operations: Readonly<Record<number, string>>;
}

/** A lease to take: of batches for this carrier, by this call. */
export interface LeaseRequest {
  readonly carrier: string;
  /** Names the call. */
  readonly leasedBy: string;
  readonly leaseMs: number;
  /** Maximum number of batches. */
  readonly limit: number;
}

/**
 * Leases the batches of `ready`, in the order of its column `place`, and raises their high-water marks by `messages` in all, those
 * of the first batches first. Resolves only when that is durable.
 * @param ready SQL of CTEs; the last one is `ready`. `$1` is the carrier, `$2` the limit, `$5` is `messages`
 * @param values from `$6`
 */
async function lease(
  database: Database,
  { carrier, leasedBy, leaseMs, limit }: LeaseRequest,
  messages: number,
  ready: string,
  values: readonly unknown[],
): Promise<Batch[]> {
  const { rows } = await database.query<BatchRow>(
    `with ${ready},
     sized as (
       select r.id, r.place,
         sum(cardinality(d.ordinals)) over (order by r.place) - cardinality(d.ordinals) as before
       from ready r join dispatch_batch d on d.id = any(array(select id from ready)) and d.id = r.id)
     update dispatch_batch b set
       lease = b.lease + 1, leased_by = $3, leased_until = now() + $4 * interval '1 millisecond',
       in_doubt_mark = b.high_water_mark,
       high_water_mark = least(b.high_water_mark + greatest($5 - s.before, 0), cardinality(b.ordinals))
     from sized s where b.id = any(array(select id from ready)) and b.id = s.id
     returning ${LEASED}, s.place::int as place`,
    [carrier, limit, leasedBy, leaseMs, messages, ...values],
  );
  return rows.toSorted((a, b) => a.place - b.place).map(toBatch);
}

/**
 * Leases ready batches of senders without a rate limit, accounts and their operations in rotation, until they have `messages`
 * together.
 */
export function leaseBatches(
  database: Database,
  request: LeaseRequest,
  { messages, served }: { readonly messages: number; readonly served: Served },
): Promise<Batch[]> {
  return lease(
    database,
    request,
    messages,
    `ready as materialized (
       select id, row_number() over () as place
       from pick_ready_batches($1, '${UNLIMITED}', $2, $5, $6, ($7::jsonb ->> '${UNLIMITED}')::int) as id)`,
    [JSON.stringify(served.operations), JSON.stringify(served.accounts)],
  );
}

/**
 * Leases ready batches of rate-limited senders: `perSender` of each sender minus those that it has `taken`, in rotation as above,
 * senders in random order. Leaves their high-water mark, which rises with each reservation.
 */
export function leaseRateLimitedBatches(
  database: Database,
  request: LeaseRequest,
  options: {
    readonly perSender: number;
    /** Places taken, by sender. */
    readonly taken: Readonly<Record<string, number>>;
    readonly served: Served;
  },
): Promise<Batch[]> {
  const { perSender, taken, served } = options;
  // Senders are found by steps through the index, however many batches each of them has.
  return lease(
    database,
    request,
    0,
    `recursive senders as (
       select '${UNLIMITED}'::uuid as key
       union all
       select next.key from senders s cross join lateral (
         select scheduling_key as key from dispatch_batch where carrier = $1 and not waiting and scheduling_key > s.key
         order by scheduling_key limit 1) next),
     ready as materialized (
       select picked.id, row_number() over () as place from
         (select key, $6 - coalesce(($7::jsonb ->> key::text)::int, 0) as places from senders
          where key <> '${UNLIMITED}' order by random()) s
       cross join lateral pick_ready_batches($1, s.key, s.places, 2147483647, $8, ($9::jsonb ->> s.key::text)::int) as picked(id)
       where s.places > 0
       limit $2)`,
    [
      perSender,
      JSON.stringify(taken),
      JSON.stringify(served.operations),
      JSON.stringify(served.accounts),
    ],
  );
}

/** Leases expired batches, to be ended. Leaves their high-water mark. */
export function leaseExpiredBatches(database: Database, request: LeaseRequest): Promise<Batch[]> {
  return lease(
    database,
    request,
    0,
    `ready as materialized (
       select id, 0 as place from dispatch_batch
       where carrier = $1 and not waiting and expire_at <= now() and (leased_until is null or leased_until < now())
       order by expire_at limit $2 for update skip locked)`,
    [],
  );
}

/** The standing of a leased batch. */
export interface Standing {
  readonly highWaterMark: number;
  /** A cancel may have removed some from the end. */
  readonly ordinals: readonly number[];
  /** Whether its operation is paused or canceled: no more of its messages may be submitted. */
  readonly halted: boolean;
}

/**
 * Raises the high-water mark of a leased batch to `mark`, unless it is halted; the mark that it has only reads. Idempotent.
 * Resolves with its standing, or null when the lease is lost: then nothing more of it may be submitted.
 */
export async function advanceBatch(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  mark: number,
): Promise<Standing | null> {
  const { rows } = await database.query<Standing>(
    `update dispatch_batch b set high_water_mark = case when ${HALTED} then high_water_mark
       else greatest(high_water_mark, least($3, cardinality(ordinals))) end
     where id = $1 and lease = $2 and leased_until > now()
     returning high_water_mark as "highWaterMark", ordinals, ${HALTED} as halted`,
    [batch.id, batch.lease, mark],
  );
  return rows[0] ?? null;
}

/** Extends leases of a node. Resolves with the ids of those that it still has. */
export async function renewLeases(
  database: Database,
  batches: readonly { readonly id: string; readonly lease: number }[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await database.query<{ id: string }>(
    `update dispatch_batch b set leased_until = now() + $3 * interval '1 millisecond'
     from unnest($1::bigint[], $2::int[]) as own(id, lease)
     where b.id = any($1::bigint[]) and b.id = own.id and b.lease = own.lease and b.leased_until > now()
     returning b.id`,
    [batches.map((batch) => batch.id), batches.map((batch) => batch.lease), leaseMs],
  );
  return new Set(rows.map((row) => row.id));
}

/** Undoes the leases under these names: no caller got them, so none of their messages were submitted. */
export async function dropLeases(database: Database, names: readonly string[]): Promise<void> {
  await database.query(
    `update dispatch_batch set leased_by = null, leased_until = null, high_water_mark = in_doubt_mark
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
  /** Null when it is its operation's. */
  readonly scheduledFor: Date | null;
  /** Whether its account has a suppression list, or any person has opted out. */
  readonly mayBeSuppressed: boolean;
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
  may_be_suppressed: boolean;
}

/** Messages of one operation. */
export interface MessageQuestion {
  readonly accountId: number;
  readonly operationId: string;
  readonly ordinals: readonly number[];
}

/** Messages by their ordinals, in no order; for each question in its place. */
export async function loadMessages(
  database: Database,
  questions: readonly MessageQuestion[],
): Promise<Map<number, BatchMessage>[]> {
  const answers = questions.map(() => new Map<number, BatchMessage>());
  const places = new Map<string, { readonly question: number; readonly ordinal: number }>();
  for (const [question, { operationId, ordinals }] of questions.entries())
    for (const ordinal of ordinals)
      places.set(messageUuid(operationId, ordinal), { question, ordinal });
  const { rows } = await database.query<BatchMessageRow>(
    `select id, status, attempt, address, address_channel, addresses, variables, scheduled_for,
       exists (select from opt_out) or account_id = any(array(
         select a from unnest($1::int[]) a where exists (select from suppression s where s.account_id = a))) as may_be_suppressed
     from message where account_id = any($1::int[]) and id = any($2::uuid[])`,
    [[...new Set(questions.map(({ accountId }) => accountId))], [...places.keys()]],
  );
  for (const row of rows) {
    const place = places.get(row.id);
    if (place === undefined) continue;
    answers[place.question]?.set(place.ordinal, {
      ordinal: place.ordinal,
      id: row.id,
      status: row.status,
      attempt: row.attempt,
      addresses: row.addresses ?? [{ address: row.address, channel: row.address_channel }],
      variables: row.variables,
      scheduledFor: row.scheduled_for,
      mayBeSuppressed: row.may_be_suppressed,
    });
  }
  return answers;
}

/**
 * SQL of the batches to come of accepted operations: `carrier`, `messages`, `waiting`. They are few, and each for moments only: a
 * chunk becomes batches as soon as the operation is accepted.
 */
export const BATCHES_TO_COME = `select batch ->> 'carrier' as carrier, cardinality((batch ->> 'ordinals')::int[]) as messages,
    batch ->> 'dueAt' is not null as waiting
  from operation_task t join operation_chunk c on c.account_id = t.account_id and c.operation_id = t.operation_id,
    jsonb_array_elements(c.batches) as b(batch)
  where t.state = 'ACCEPTED'`;

/** Queued messages of each carrier, and the age of the longest due one, in seconds. */
export async function measureQueue(
  database: Database,
): Promise<{ carrier: string; messages: number; ageSeconds: number }[]> {
  const { rows } = await database.query<{ carrier: string; messages: number; age: number }>(
    `select carrier, sum(messages)::int as messages, greatest(0, extract(epoch from now() - min(due_at)))::float as age
     from (select carrier, cardinality(ordinals) as messages, due_at from dispatch_batch where not waiting or resting
       union all select carrier, messages, null from (${BATCHES_TO_COME}) as coming where not waiting) as queued
     group by carrier`,
  );
  return rows.map((row) => ({ carrier: row.carrier, messages: row.messages, ageSeconds: row.age }));
}
