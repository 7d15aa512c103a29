-- Subscriptions: receivers of events.

-- WEBHOOK: created by its account. CALLBACK: a webhook for operations that name its URL. SINK: a broker of the configuration.
create type subscription_kind as enum ('WEBHOOK', 'CALLBACK', 'SINK');
create type subscription_status as enum ('ENABLED', 'DISABLED');
create table subscription (
  account_id int not null references account,
  id uuid not null,
  kind subscription_kind not null,
  -- A URL, or the name of a sink.
  target text not null,
  description text,
  -- Event types as requested, and the names that they meant at creation.
  types text[] not null,
  names text[] not null,
  -- Pairs that a message must have; {}: any message.
  tags jsonb not null default '{}',
  batch_size int not null,
  batch_delay_ms int not null,
  secret text not null,
  -- After a rotation: the secret before, and how long it still signs.
  previous_secret text,
  previous_until timestamptz,
  -- The key of the compatible signature, instead of the secret.
  auth_token text,
  status subscription_status not null default 'ENABLED',
  -- Why it is disabled.
  reason text,
  -- Failed requests in a row, and since when.
  failures int not null default 0,
  failing_since timestamptz,
  last_delivery_at timestamptz,
  -- No delivery before this time.
  backoff_until timestamptz not null default '-infinity',
  -- The delivering node. Its leases work like the leases of batches.
  lease int not null default 0,
  leased_by text,
  leased_until timestamptz not null default '-infinity',
  updated_at timestamptz not null default now(),
  -- The subscription leased longest ago goes first, whether its delivery succeeded or not: failing ones are not always first.
  last_leased_at timestamptz,
  primary key (account_id, id)
) with (fillfactor = 50);
create unique index subscription_id on subscription (id);
create unique index subscription_callback on subscription (account_id, target) where kind = 'CALLBACK';

-- Callbacks have a quota of their own.
create trigger count_added after insert on subscription referencing new table as changed
  for each statement execute function count_quota(
    $$case kind when 'CALLBACK' then 'callback' else 'subscription' end$$, $$'00000000-0000-0000-0000-000000000000'::uuid$$);
create trigger count_removed after delete on subscription referencing old table as changed
  for each statement execute function count_quota(
    $$case kind when 'CALLBACK' then 'callback' else 'subscription' end$$, $$'00000000-0000-0000-0000-000000000000'::uuid$$);
