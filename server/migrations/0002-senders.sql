-- Senders and sender pools.

create type sender_status as enum ('ACTIVATED', 'DEACTIVATED');

-- Identities to send from. Those of the configuration belong to no account and serve all of them.
create table sender (
  id uuid primary key,
  account_id int references account,
  channel channel not null,
  address text not null,
  carrier text not null,
  display_name text,
  status sender_status not null default 'ACTIVATED',
  is_default boolean not null default false,
  tags jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  unique nulls not distinct (account_id, channel, address)
);

create table sender_pool (
  account_id int not null references account,
  id uuid not null,
  name text not null,
  tags jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (account_id, id),
  unique (account_id, name)
);

create table sender_pool_member (
  account_id int not null,
  pool_id uuid not null,
  sender_id uuid not null references sender on delete cascade,
  primary key (account_id, pool_id, sender_id),
  foreign key (account_id, pool_id) references sender_pool on delete cascade
);
create index sender_pool_member_sender on sender_pool_member (sender_id);

-- What became of the members that a request named. Written with them, hence complete from the start.
create table sender_pool_operation (
  account_id int not null references account,
  id uuid not null,
  pool_id uuid not null,
  total int not null,
  created int not null,
  failed int not null,
  primary key (account_id, id),
  check (total = created + failed)
);
