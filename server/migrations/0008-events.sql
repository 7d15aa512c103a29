-- Events for subscribers: the outbox, the log and deliveries.

-- Outbox events, written in the transaction of the change. One row covers all messages of an operation with the same change. It
-- has no address and no text: these are looked up at delivery. One node at a time moves rows to the log, in the order of "seq".
-- A second change of a message waits for the lock on its row, so for one message "seq" has the order of the changes.
create table event_outbox (
  seq bigint generated always as identity primary key,
  account_id int not null,
  -- The operation; of an inbound message, its own id.
  subject_id uuid not null,
  -- message.sent, operation.completed, …
  name text not null,
  at timestamptz not null default clock_timestamp(),
  -- Of messages: the attempt, its candidate, its error, and their ordinals.
  attempt smallint not null default 0,
  candidate smallint not null default 0,
  error_code int,
  ordinals int[],
  -- Of progress events: the counters at that time.
  stats jsonb
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The log: events in their final order, which streams and deliveries read. An id begins with the time of routing, which always
-- increases; its last 24 bits are 0 and count the events of the row, from 1.
create table event_log (
  account_id int not null,
  id uuid not null,
  subject_id uuid not null,
  name text not null,
  at timestamptz not null,
  attempt smallint not null,
  candidate smallint not null,
  error_code int,
  ordinals int[],
  stats jsonb,
  primary key (account_id, id)
) partition by range (id);

-- The node that moves events to the log, and the time of its last ids in milliseconds. One row.
create table event_router (
  one boolean primary key default true check (one),
  node text,
  leased_until timestamptz not null,
  last_ms bigint not null
) with (fillfactor = 10);
insert into event_router (leased_until, last_ms) values ('-infinity', 0);

-- The rows of the log that a subscription receives. Events of one operation are delivered in order: none is delivered while an
-- earlier one waits for a retry.
create type delivery_status as enum ('PENDING', 'DELIVERED', 'FAILED');
create table event_delivery (
  account_id int not null,
  subscription_id uuid not null,
  event_id uuid not null,
  subject_id uuid not null,
  status delivery_status not null default 'PENDING',
  -- How many events of the row were delivered, in their order.
  delivered_count smallint not null default 0,
  tries smallint not null default 0,
  -- Whether it is delivered in a request of its own: it failed more than once while other deliveries succeeded.
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
  -- The rows of the log that it covered.
  first_event_id uuid not null,
  last_event_id uuid not null,
  delivered boolean not null,
  http_status smallint,
  detail text,
  primary key (subscription_id, id)
) partition by range (id);
