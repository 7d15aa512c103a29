-- Events: what subscribers are told.

-- The position of a message in "to": the last 14 bits of its id, which count from 1.
create function ordinal_of(id uuid) returns smallint language sql immutable as $$
  select ((get_byte(uuid_send(id), 14) & 63) * 256 + get_byte(uuid_send(id), 15) - 1)::smallint
$$;

-- News: what has changed, written in the transaction of the change. A row for all messages of one operation that the same
-- happened to. It names no address and quotes no word: those are looked up when it is told. From here one node at a time
-- takes it, in the order of "seq", to the log. Whoever changes a message again waits for the lock on its row, so of one
-- message the order of "seq" is that of the changes, and what came before is there before.
create table event_outbox (
  seq bigint generated always as identity primary key,
  account_id int not null,
  -- The operation; of an inbound message, its own id.
  about uuid not null,
  -- message.sent, operation.completed, …
  name text not null,
  at timestamptz not null default clock_timestamp(),
  -- Of messages: the attempt, the way it went and what went wrong, and which messages.
  attempt smallint not null default 0,
  candidate smallint not null default 0,
  error_code int,
  ordinals smallint[],
  -- Of progress: the counters at that time.
  stats jsonb
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The log: news in their final order, from which streams and deliveries read. The id begins with the time at which they were
-- put here, always a later one than before; its last 14 bits are 0 and count the events of the row, from 1.
create table event_log (
  account_id int not null,
  id uuid not null,
  about uuid not null,
  name text not null,
  at timestamptz not null,
  attempt smallint not null,
  candidate smallint not null,
  error_code int,
  ordinals smallint[],
  stats jsonb,
  primary key (account_id, id)
) partition by range (id);

-- Who puts news into the log, and the time of its last ids in milliseconds. One row.
create table event_router (
  one boolean primary key default true check (one),
  node text,
  held_until timestamptz not null,
  last_ms bigint not null
) with (fillfactor = 10);
insert into event_router (held_until, last_ms) values ('-infinity', 0);

-- WEBHOOK: made by its account. CALLBACK: a webhook for operations that name its URL. SINK: a broker of the configuration.
create type subscription_kind as enum ('WEBHOOK', 'CALLBACK', 'SINK');
create type subscription_status as enum ('ENABLED', 'DISABLED');
create table subscription (
  account_id int not null references account,
  id uuid not null,
  kind subscription_kind not null,
  -- A URL, or the name of a sink.
  target text not null,
  description text,
  -- As given, and the names of events that they mean.
  types text[] not null,
  names text[] not null,
  -- Pairs that a message must all have; {}: any.
  tags jsonb not null default '{}',
  batch_size int not null,
  batch_delay_ms int not null,
  secret text not null,
  -- After a rotation the one before, for a while.
  previous_secret text,
  previous_until timestamptz,
  -- What the compatible signature is made with, instead of the secret.
  auth_token text,
  status subscription_status not null default 'ENABLED',
  -- Why it is disabled.
  reason text,
  -- Requests that failed since the last that did not, and since when.
  failures int not null default 0,
  failing_since timestamptz,
  last_delivery_at timestamptz,
  -- Nothing is delivered before this.
  rests_until timestamptz not null default '-infinity',
  -- Who delivers to it, as batches are leased.
  lease int not null default 0,
  leased_by text,
  leased_until timestamptz not null default '-infinity',
  updated_at timestamptz not null default now(),
  primary key (account_id, id)
) with (fillfactor = 50);
create unique index subscription_id on subscription (id);
create unique index subscription_callback on subscription (account_id, target) where kind = 'CALLBACK';

-- Where the news of an operation go besides subscriptions of its account.
alter table operation add column callback_id uuid;

-- What of the log a subscription is to be told, and was told. Of one operation it is told in order: nothing is told while
-- something before it waits to be tried again.
create type delivery_status as enum ('PENDING', 'DELIVERED', 'FAILED');
create table event_delivery (
  account_id int not null,
  subscription_id uuid not null,
  event_id uuid not null,
  about uuid not null,
  status delivery_status not null default 'PENDING',
  -- Events of the row that are done, in their order.
  told smallint not null default 0,
  tries smallint not null default 0,
  -- Whether it is tried alone: it has failed more than once, while its subscription took others.
  alone boolean not null default false,
  due_at timestamptz not null,
  updated_at timestamptz not null default now(),
  primary key (subscription_id, event_id)
) partition by range (event_id);
create index event_delivery_pending on event_delivery (subscription_id, event_id) where status = 'PENDING';
create index event_delivery_due on event_delivery (subscription_id, due_at) where status = 'PENDING';

-- Requests to subscribers.
create table event_attempt (
  account_id int not null,
  subscription_id uuid not null,
  id uuid not null,
  took_ms int not null,
  events int not null,
  -- Rows of the log that it was about.
  first_event_id uuid not null,
  last_event_id uuid not null,
  delivered boolean not null,
  http_status smallint,
  detail text,
  primary key (subscription_id, id)
) partition by range (id);
select ensure_days_of_messages();
