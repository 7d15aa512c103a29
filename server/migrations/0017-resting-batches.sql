-- Batches whose messages are QUEUED and whose time has not come: to be tried again later, capped, asleep, or given back because
-- their carrier takes nothing now. They wait as scheduled ones do, out of the way of whoever looks for work, and are woken.
-- "resting" tells the two apart: waking a scheduled batch moves its messages from SCHEDULED to QUEUED.
alter table dispatch_batch
  add column resting boolean not null default false,
  -- Not to be leased before, where that is not "due_at": what waits for its carrier stays due since it was.
  add column not_before timestamptz,
  -- When a waiting batch is woken. What expires first is woken to be ended.
  add column wake_at timestamptz generated always as (least(coalesce(not_before, due_at), expire_at)) stored;
drop index dispatch_batch_waiting;
create index dispatch_batch_scheduled on dispatch_batch (wake_at, id) where waiting and not resting;
create index dispatch_batch_resting on dispatch_batch (wake_at, id) where waiting and resting;
-- What has expired is leased to be ended, though its carrier is away.
create index dispatch_batch_expiry on dispatch_batch (lane, expire_at) where not waiting and expire_at is not null;

-- Tells the day that the turns count for too, so that those that were not used can be given back.
drop function reserve_turns(uuid, int[]);
create function reserve_turns(wanted uuid, costs int[], out granted int, out wait_ms float, out per_second real, out on_day date)
language plpgsql as $$
declare
  clock timestamptz;
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
  on_day := (clock at time zone 'UTC')::date;
  if pace.day <> on_day then pace.used := 0; end if;
  if cap is not null then
    -- A message that costs more than a day's cap has a day of its own.
    select count(*) into granted from unnest(costs) c where pace.used + c <= cap;
    if granted = 0 and pace.used = 0 then granted := 1; end if;
  end if;
  if granted = 0 then
    wait_ms := extract(epoch from (on_day + 1)::timestamp at time zone 'UTC' - clock) * 1000;
    return;
  end if;
  units := costs[granted];
  pace.free_at := greatest(pace.free_at, clock);
  wait_ms := extract(epoch from pace.free_at - clock) * 1000;
  update sender_pace set day = on_day, used = pace.used + units,
    free_at = pace.free_at + coalesce(units / per_second, 0) * interval '1 second'
    where sender_id = wanted;
end $$;
