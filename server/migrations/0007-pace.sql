-- What a sender may send in a second and in a day, and when it lets its recipients sleep.
create type pace_unit as enum ('MESSAGES', 'SEGMENTS');
alter table sender
  add column throughput real,
  add column throughput_unit pace_unit not null default 'MESSAGES',
  add column daily_cap int,
  add column quiet_start text,
  add column quiet_end text,
  add check ((quiet_start is null) = (quiet_end is null));
update sender set throughput_unit = 'SEGMENTS' where channel = 'SMS';

-- Where a limited sender stands: one clock for all nodes.
create table sender_pace (
  sender_id uuid primary key references sender on delete cascade,
  -- When its next unit may go.
  free_at timestamptz not null,
  -- Units given out on this day of UTC.
  day date not null,
  used int not null
) with (fillfactor = 50);

-- Reserves turns for messages with these cumulative costs, all or as many as the day's cap allows, from when the sender
-- is free. A sender without limits, or one that is gone, never waits. "wait_ms" is until the first turn, or until the
-- day ends when none was granted.
create function reserve_turns(wanted uuid, costs int[], out granted int, out wait_ms float, out per_second real)
language plpgsql as $$
declare
  clock timestamptz;
  today date;
  cap int;
  pace sender_pace;
  units int := 0;
begin
  granted := cardinality(costs);
  wait_ms := 0;
  select s.throughput, s.daily_cap into per_second, cap from sender s where s.id = wanted;
  if per_second is null and cap is null then return; end if;
  insert into sender_pace values (wanted, clock_timestamp(), '-infinity', 0) on conflict do nothing;
  select * into pace from sender_pace where sender_id = wanted for update;
  clock := clock_timestamp();
  today := (clock at time zone 'UTC')::date;
  if pace.day <> today then pace.used := 0; end if;
  if cap is not null then
    -- A message that costs more than a day's cap has a day of its own.
    select count(*) into granted from unnest(costs) c where pace.used + c <= cap;
    if granted = 0 and pace.used = 0 then granted := 1; end if;
  end if;
  if granted = 0 then
    wait_ms := extract(epoch from (today + 1)::timestamp at time zone 'UTC' - clock) * 1000;
    return;
  end if;
  units := costs[granted];
  pace.free_at := greatest(pace.free_at, clock);
  wait_ms := extract(epoch from pace.free_at - clock) * 1000;
  update sender_pace set day = today, used = pace.used + units,
    free_at = pace.free_at + coalesce(units / per_second, 0) * interval '1 second'
    where sender_id = wanted;
end $$;

-- When the message is to be sent, where that is not when its operation is.
alter table message add column scheduled_for timestamptz;

-- All messages of a batch go from one sender; null is an address that is none of ours. Batches of limited senders are
-- leased a few of each sender at a time, so that a slow one holds up no other. "paced" may be out of date: whoever runs
-- the batch asks the sender.
alter table dispatch_batch
  add column sender_id uuid,
  add column paced boolean not null default false;
drop index dispatch_batch_due;
create index dispatch_batch_due on dispatch_batch (lane, due_at, id) where not waiting and not paced;
create index dispatch_batch_paced on dispatch_batch (lane, sender_id, due_at, id) where not waiting and paced;
create function is_paced(wanted uuid) returns boolean language sql stable as
  $$ select exists (select 1 from sender s where s.id = wanted and (s.throughput is not null or s.daily_cap is not null)) $$;
