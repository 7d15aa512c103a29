-- Operations and their messages.
-- The words of an enum are in the order of their rank: "<" on message_status means "may still become".

create type operation_kind as enum ('MESSAGES', 'EMAILS');
create type operation_status as enum ('SCHEDULED', 'PROCESSING', 'COMPLETED', 'CANCELED');
create type message_status as enum
  ('SCHEDULED', 'QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ', 'FAILED', 'CANCELED');

-- One row per accepted request. The two checks hold the promise of the counters at every commit. No column that changes is
-- indexed, and half of each page is free, so that updates stay in their page (HOT).
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
  paused_at timestamptz,
  kind operation_kind not null default 'MESSAGES',
  -- The subscription of kind CALLBACK that its events also go to.
  callback_id uuid,
  -- Orders two states of an operation. "updated_at" cannot: two changes may share a millisecond, and clocks may go back. Every
  -- statement that changes what an operation shows adds 1.
  revision bigint not null default 1,
  -- A bit for each section whose messages may have changed since they were counted for reports (docs/decisions/0023). Every
  -- statement that changes a status sets the bits of its messages.
  changed_sections bigint not null default -1,
  primary key (account_id, id),
  constraint counters_sum check
    (total = scheduled + queued + sent + delivered + read + undelivered + failed + canceled),
  constraint recipients_sum check (recipients = total + unaddressable)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- One row per recipient. The id is the operation's + 1 + the ordinal, so the primary key alone serves look-ups by message, by
-- operation and by account, newest first. An id begins with a time (UUIDv7, RFC 9562), so ranges of ids are days: old partitions
-- are dropped, not deleted. The present attempt is in the row, because nearly every message has exactly one, and a second row per
-- message would cost a third of the throughput. "earlier" has the attempts before it. An erased message keeps its row, for the
-- counters, without its data: its address is ''.
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
  -- Null when it is its operation's.
  scheduled_for timestamptz,
  -- When it was erased; null: it was not.
  deleted_at timestamptz,
  primary key (account_id, id)
) partition by range (id);

-- Recipients that no sender reaches. "id" is the id that their message would have had.
create table unaddressable (
  account_id int not null,
  id uuid not null,
  code int not null,
  addresses jsonb not null,
  primary key (account_id, id)
) partition by range (id);

-- Files that all e-mails of an operation share.
create table email_attachment (
  account_id int not null,
  operation_id uuid not null,
  -- Place in the request, from 0.
  position smallint not null,
  content bytea not null,
  primary key (account_id, operation_id, position)
) partition by range (operation_id);

-- What reports count of the messages of a section of a large operation.
create table operation_section (
  account_id int not null,
  operation_id uuid not null,
  section smallint not null,
  -- Increases when the section has to be counted again: a count that began before is not kept.
  version int not null default 1,
  -- Null until it is counted.
  counts jsonb,
  primary key (account_id, operation_id, section)
) partition by range (operation_id);

create table idempotency_key (
  account_id int not null references account,
  key text not null,
  fingerprint bytea not null,
  operation_id uuid not null,
  expires_at timestamptz not null,
  primary key (account_id, key)
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- Operations that need further transactions (docs/decisions/0022). While a request is received, its messages exist and its row of
-- "operation" does not.
create type operation_task_state as enum ('RECEIVING', 'ABANDONED', 'ACCEPTED');
create table operation_task (
  account_id int not null references account,
  operation_id uuid not null,
  state operation_task_state not null,
  -- Of a request that is received: when it counts as abandoned.
  leased_until timestamptz,
  -- The messages up to this id are erased, or deleted. Null: no erasure was requested.
  erased_to uuid,
  -- The last step.
  updated_at timestamptz not null default now(),
  primary key (account_id, operation_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- The first and the last ordinal of batches to come.
create function span_of(batches jsonb) returns int4range language sql immutable as $$
  select case when count(ordinal) = 0 then 'empty' else int4range(min(ordinal), max(ordinal), '[]') end
  from jsonb_array_elements(batches) as b(batch), unnest((batch ->> 'ordinals')::int[]) as ordinal
$$;

-- Recipients of a streamed request whose batches do not exist yet.
create table operation_chunk (
  account_id int not null,
  operation_id uuid not null,
  number int not null,
  -- Batches to come: carrier, candidate, sender, due time, and ordinals as the text of an array.
  batches jsonb not null,
  -- A chunk is found by the ordinal of a message, without a look into the batches of others.
  span int4range not null generated always as (span_of(batches)) stored,
  primary key (account_id, operation_id, number)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Ids.

-- The smallest UUIDv7 of an instant: 48 bits of milliseconds, then zeros.
create function uuid_floor(at timestamptz) returns uuid language sql immutable as $$
  select rpad(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- The operation of a message: the id without its last 24 bits, which count from 1.
create function operation_of(id uuid) returns uuid language sql immutable as $$
  select (left(id::text, 30) || '000000')::uuid
$$;

-- The ordinal of a message: the last 24 bits of its id, minus 1.
create function ordinal_of(id uuid) returns int language sql immutable as $$
  select (get_byte(uuid_send(id), 13) << 16) + (get_byte(uuid_send(id), 14) << 8) + get_byte(uuid_send(id), 15) - 1
$$;

-- The bit of a message's section, one of 64: stretches of 16,384 ordinals have the sections 0 to 63, 0 to 63, and so on.
create function section_bit(id uuid) returns bigint language sql immutable as $$
  select 1::bigint << ((ordinal_of(id) >> 14) & 63)
$$;

-- The message at an ordinal of an operation: the operation's id + 1 + the ordinal.
create function message_of(operation uuid, ordinal int) returns uuid language sql immutable as $$
  select (left(operation::text, 30) || lpad(to_hex(1 + ordinal), 6, '0'))::uuid
$$;

-- The present attempt of a message as an element of "earlier".
create function earlier_attempt(m message) returns jsonb language sql immutable as $$
  select jsonb_build_object('attempt', m.attempt, 'candidate', m.candidate, 'status', m.attempt_status,
    'attemptedAt', to_char(m.attempted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'errorCode', m.error_code, 'errorDetail', m.error_detail)
$$;

-- Days.

-- Creates the partitions of one day of every partitioned table, unless they exist. Attaching takes a lock that blocks neither
-- readers nor writers; "create table … partition of" would block both.
create function ensure_day(day date) returns void language plpgsql as $$
declare
  suffix text := to_char(day, 'YYYYMMDD');
  low uuid := uuid_floor(day::timestamp at time zone 'UTC');
  high uuid := uuid_floor((day + 1)::timestamp at time zone 'UTC');
  parent text;
begin
  perform pg_advisory_xact_lock(hashtext('fanfare.ensure_day'));
  for parent in select c.relname from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    where c.relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass) order by 1 loop
    if to_regclass(parent || '_' || suffix) is null then
      execute format(
        'create table %I (like %I including defaults including constraints) with (fillfactor = 60)',
        parent || '_' || suffix, parent);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, parent || '_' || suffix, low, high);
    end if;
  end loop;
end $$;

-- For a migration that adds a partitioned table: creates the days that messages have.
create function ensure_days_of_messages() returns void language sql as $$
  select ensure_day(to_date(right(relname, 8), 'YYYYMMDD')) from pg_class
  where relkind = 'r' and relname ~ '^message_[0-9]{8}$'
    and relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass)
$$;
