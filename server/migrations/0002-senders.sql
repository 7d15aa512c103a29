-- Senders, their owners, rate limits and pools; suppressions; stored content.
-- The words of an enum are in the order of their rank.

create type channel as enum ('SMS', 'RCS', 'WHATSAPP', 'EMAIL');
create type address_channel as enum ('PHONE', 'WHATSAPP', 'EMAIL');
create type sender_status as enum ('ACTIVATED', 'DEACTIVATED');
create type rate_unit as enum ('MESSAGES', 'SEGMENTS');

-- Identities to send from. Senders of the configuration have no account and serve all of them.
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
  -- The rate limit: units per second, and per day of UTC.
  throughput real,
  throughput_unit rate_unit not null default 'MESSAGES',
  daily_cap int,
  -- Quiet hours, by the recipient's clock.
  quiet_start text,
  quiet_end text,
  unique nulls not distinct (account_id, channel, address),
  check ((quiet_start is null) = (quiet_end is null))
);

-- Owners. An address on a channel of a carrier has one owner: an account, or the configuration.

-- The form that all spellings of an address share. domain/sender.ts has the same rule.
create function sender_key(kind channel, address text) returns text language sql immutable strict parallel safe as $$
  select case
    when kind = 'EMAIL' then lower(address collate "C")
    -- Without the prefix that is dialled before a country code.
    when address ~ '^[-+(). ]*[0-9][-+(). 0-9]*$' then coalesce(
      nullif(regexp_replace(regexp_replace(address, '[^0-9]', '', 'g'), '^(011|0+)', ''), ''),
      regexp_replace(address, '[^0-9]', '', 'g'))
    else translate(lower(btrim(address, ' ') collate "C"), 'ÅÄÆÇÉÑÖØÜ', 'åäæçéñöøü')
  end
$$;
create index sender_by_key on sender (channel, sender_key(channel, address));

-- Keys that may overlap share this scope: of e-mail the domain, since "*@domain" means all addresses of it; else the whole key.
create function sender_scope(kind channel, key text) returns text language sql immutable strict parallel safe as $$
  select case when kind = 'EMAIL' then split_part(key, '@', 2) else key end
$$;
create index sender_by_scope on sender (channel, sender_scope(channel, sender_key(channel, address)));

-- Whether two keys of one scope mean the same address.
create function sender_keys_overlap(kind channel, a text, b text) returns boolean language sql immutable strict parallel safe as $$
  select a = b or (kind = 'EMAIL' and (a like '*@%' or b like '*@%'))
$$;

-- Whether an address has another owner; the owner null is the configuration. A deactivated sender of an account keeps its owner.
-- A sender that is no longer in the configuration has none.
create function is_sender_taken(owner int, kind channel, via text, wanted text) returns boolean language sql stable as $$
  select exists (select from sender s
    where s.channel = kind and s.carrier = via
      and sender_scope(s.channel, sender_key(s.channel, s.address)) = sender_scope(kind, sender_key(kind, wanted))
      and s.account_id is distinct from owner and (s.account_id is not null or s.status = 'ACTIVATED')
      and sender_keys_overlap(kind, sender_key(s.channel, s.address), sender_key(kind, wanted)))
$$;

-- Requests at the same time for one address, or for addresses of one domain, wait for each other. All addresses share 64 locks,
-- because a configuration may add thousands in one transaction, and PostgreSQL has no room for as many locks. An old conflict may
-- remain while other columns change; "fanfare doctor" finds it.
create function check_sender_owner() returns trigger language plpgsql as $$
begin
  if new.account_id is null and new.status = 'DEACTIVATED' then
    return null;
  end if;
  if tg_op = 'UPDATE' and (new.account_id, new.channel, new.address, new.carrier)
      is not distinct from (old.account_id, old.channel, old.address, old.carrier)
    and (new.account_id is not null or old.status = 'ACTIVATED') then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtext('sender_owner'), hashtext(concat_ws(' ', new.channel, new.carrier,
    sender_scope(new.channel, sender_key(new.channel, new.address)))) & 63);
  if is_sender_taken(new.account_id, new.channel, new.carrier, new.address) then
    raise unique_violation using constraint = 'sender_owner', message = 'The address has another owner on this carrier';
  end if;
  return null;
end $$;
create trigger sender_owner after insert or update of account_id, channel, address, carrier, status on sender
  for each row execute function check_sender_owner();

-- Rate limits: one clock of each limited sender, for all nodes.
create table sender_rate (
  sender_id uuid primary key references sender on delete cascade,
  -- The time of its next unit.
  free_at timestamptz not null,
  -- Units reserved on this day of UTC.
  day date not null,
  used int not null
) with (fillfactor = 50);

create function is_rate_limited(wanted uuid) returns boolean language sql stable as
  $$ select exists (select 1 from sender s where s.id = wanted and (s.throughput is not null or s.daily_cap is not null)) $$;

-- Reserves units for messages with these cumulative costs: for all of them, or for as many as the daily cap allows, from the time
-- at which the sender is free. A sender without limits, or a deleted one, never waits. "wait_ms" is the time until the first
-- message, or until the next day when none was granted. "on_day" is the day whose cap counts the units: unused ones return to it.
create function reserve_units(wanted uuid, costs int[], out granted int, out wait_ms float, out per_second real, out on_day date)
language plpgsql as $$
declare
  clock timestamptz;
  cap int;
  rate sender_rate;
  units int := 0;
begin
  granted := cardinality(costs);
  wait_ms := 0;
  select s.throughput, s.daily_cap into per_second, cap from sender s where s.id = wanted;
  if per_second is null and cap is null then return; end if;
  insert into sender_rate values (wanted, clock_timestamp(), '-infinity', 0) on conflict do nothing;
  select * into rate from sender_rate where sender_id = wanted for update;
  clock := clock_timestamp();
  on_day := (clock at time zone 'UTC')::date;
  if rate.day <> on_day then rate.used := 0; end if;
  if cap is not null then
    -- A message that costs more than the daily cap has a day of its own.
    select count(*) into granted from unnest(costs) c where rate.used + c <= cap;
    if granted = 0 and rate.used = 0 then granted := 1; end if;
  end if;
  if granted = 0 then
    wait_ms := extract(epoch from (on_day + 1)::timestamp at time zone 'UTC' - clock) * 1000;
    return;
  end if;
  units := costs[granted];
  rate.free_at := greatest(rate.free_at, clock);
  wait_ms := extract(epoch from rate.free_at - clock) * 1000;
  update sender_rate set day = on_day, used = rate.used + units,
    free_at = rate.free_at + coalesce(units / per_second, 0) * interval '1 second'
    where sender_id = wanted;
end $$;

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

-- The result of a request that changed members. It is written with them, so it is complete from the start.
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
-- For the removal of old ones.
create index sender_pool_operation_id on sender_pool_operation (id);

-- Addresses to which an account does not send: from any sender, or from one sender or pool.
create table suppression (
  account_id int not null references account,
  id uuid not null,
  address text not null,
  sender_id uuid references sender on delete cascade,
  pool_id uuid,
  reason text,
  primary key (account_id, id),
  unique nulls not distinct (account_id, address, sender_id, pool_id),
  foreign key (account_id, pool_id) references sender_pool on delete cascade
);

-- Opt-outs of persons from our addresses. They apply to every account that sends from such an address, now and later.
create table opt_out (
  person text not null,
  channel channel not null,
  sender_key text not null,
  -- The account that received it, which alone may remove it; null when that is not one account.
  account_id int,
  said_at timestamptz not null default now(),
  primary key (person, channel, sender_key)
);

-- Content that is sent by its id. A send copies it, so a removal changes no operation.
create table content_template (
  account_id int not null references account,
  id uuid not null,
  friendly_name text,
  language text,
  -- Defaults for variables that a recipient lacks.
  variables jsonb not null,
  -- The content, by type.
  types jsonb not null,
  primary key (account_id, id)
);
