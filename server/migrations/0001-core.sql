-- Accounts, operations, messages and the dispatch queue.
-- Enum words stand in order of rank: "<" on message_status means "may still become".

create type message_status as enum
  ('SCHEDULED', 'QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ', 'FAILED', 'CANCELED');
create type operation_status as enum ('SCHEDULED', 'PROCESSING', 'COMPLETED', 'CANCELED');
create type channel as enum ('SMS', 'RCS', 'WHATSAPP');
create type address_channel as enum ('PHONE', 'WHATSAPP');

create table account (
  id int generated always as identity primary key,
  sid text not null unique,
  token_hash bytea not null,
  created_at timestamptz not null default now()
);

create table api_key (
  sid text primary key,
  account_id int not null references account,
  name text,
  secret_hash bytea not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- One row per accepted request. The two checks hold the promise of the counters at every commit.
-- Nothing that changes is indexed, and half of each page is left free: updates stay in their page (HOT).
create table operation (
  account_id int not null references account,
  id uuid not null,
  status operation_status not null,
  total int not null,
  recipients int not null,
  attempts int not null default 0,
  unaddressable int not null,
  scheduled int not null default 0 check (scheduled >= 0),
  queued int not null default 0 check (queued >= 0),
  sent int not null default 0 check (sent >= 0),
  delivered int not null default 0 check (delivered >= 0),
  read int not null default 0 check (read >= 0),
  undelivered int not null default 0 check (undelivered >= 0),
  failed int not null default 0 check (failed >= 0),
  canceled int not null default 0 check (canceled >= 0),
  content jsonb not null,
  plan jsonb not null,
  tags jsonb not null,
  scheduled_for timestamptz,
  expire_at timestamptz,
  cancel_requested_at timestamptz,
  updated_at timestamptz not null,
  primary key (account_id, id),
  constraint counters_sum check
    (total = scheduled + queued + sent + delivered + read + undelivered + failed + canceled),
  constraint recipients_sum check (recipients = total + unaddressable)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- One row per recipient on its way. The id is the operation's plus 1 plus the position in "to", so the
-- primary key alone serves look-ups by message, by operation and by account, newest first; and since it
-- begins with the time (UUIDv7, RFC 9562), ranges of it are days: partitions are dropped, not deleted.
-- "earlier" holds the attempts before the current one; the current one is inline, because nearly every
-- message has exactly one and a second row per message would cost a third of the throughput.
create table message (
  account_id int not null,
  attempt smallint not null default 0,
  candidate smallint not null default 0,
  status message_status not null default 'QUEUED',
  previous_status message_status not null default 'QUEUED',
  attempt_status message_status,
  channel channel not null,
  address_channel address_channel not null,
  error_code int,
  id uuid not null,
  updated_at timestamptz not null default now(),
  attempted_at timestamptz,
  address text not null,
  addresses jsonb,
  variables jsonb,
  tags jsonb,
  provider_id text,
  error_detail text,
  earlier jsonb,
  primary key (account_id, id)
) partition by range (id);

-- Recipients that no sender reaches; "id" is what their message's would have been.
create table unaddressable (
  account_id int not null,
  id uuid not null,
  code int not null,
  addresses jsonb not null,
  primary key (account_id, id)
) partition by range (id);

-- The queue: one row per up to 500 messages of one operation, all before the same attempt number with the
-- same candidate. Ordinals before "frontier" may have been handed to the carrier; "doubtful" is where the
-- frontier stood when the present lease began. A waiting batch is not due yet.
create table dispatch_batch (
  id bigint generated always as identity primary key,
  account_id int not null,
  operation_id uuid not null,
  lane text not null,
  candidate smallint not null,
  attempt smallint not null,
  tries smallint not null default 0,
  frontier smallint not null default 0,
  doubtful smallint not null default 0,
  waiting boolean not null,
  lease int not null default 0,
  leased_by text,
  leased_until timestamptz,
  due_at timestamptz not null,
  expire_at timestamptz,
  ordinals smallint[] not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index dispatch_batch_due on dispatch_batch (lane, due_at, id) where not waiting;
create index dispatch_batch_waiting on dispatch_batch (due_at, id) where waiting;
create index dispatch_batch_operation on dispatch_batch (account_id, operation_id);

-- Receipts that came before the answer to their attempt was settled.
create table parked_receipt (
  account_id int not null,
  message_id uuid not null,
  attempt smallint not null,
  status message_status not null,
  code int,
  detail text,
  received_at timestamptz not null,
  primary key (account_id, message_id, attempt, status)
);

create table idempotency_key (
  account_id int not null references account,
  key text not null,
  fingerprint bytea not null,
  operation_id uuid not null,
  expires_at timestamptz not null,
  primary key (account_id, key)
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- Makes the partitions of one day of both tables; does nothing when they exist. Attaching takes a lock
-- that neither readers nor writers wait for, which "create table … partition of" would not.
create function ensure_day(day date) returns void language plpgsql as $$
declare
  suffix text := to_char(day, 'YYYYMMDD');
  low uuid := uuid_floor(day::timestamp at time zone 'UTC');
  high uuid := uuid_floor((day + 1)::timestamp at time zone 'UTC');
  parent text;
begin
  perform pg_advisory_xact_lock(hashtext('fanfare.ensure_day'));
  foreach parent in array array['message', 'unaddressable'] loop
    if to_regclass(parent || '_' || suffix) is null then
      execute format(
        'create table %I (like %I including defaults including constraints) with (fillfactor = 60)',
        parent || '_' || suffix, parent);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, parent || '_' || suffix, low, high);
    end if;
  end loop;
end $$;

-- The smallest UUIDv7-ordered value of an instant: 48 bits of milliseconds, then zeros.
create function uuid_floor(at timestamptz) returns uuid language sql immutable as $$
  select rpad(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- The present attempt of a message as an element of "earlier".
create function earlier_attempt(m message) returns jsonb language sql immutable as $$
  select jsonb_build_object('attempt', m.attempt, 'candidate', m.candidate, 'status', m.attempt_status,
    'attemptedAt', to_char(m.attempted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'errorCode', m.error_code, 'errorDetail', m.error_detail)
$$;

-- The operation of a message: the id without its last 14 bits, which count from 1.
create function operation_of(id uuid) returns uuid language sql immutable as $$
  select (left(id::text, 32) || lpad(to_hex(('x' || right(id::text, 4))::bit(16)::int & 49152), 4, '0'))::uuid
$$;
