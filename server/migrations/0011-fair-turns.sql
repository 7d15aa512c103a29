-- Leasing in turns: one batch of each account, then one more of each, and within an account one of each operation, so that
-- nobody's million messages hold up another's ten.

-- Whose turns a batch takes: its sender's when that has a pace, else those of all others of the lane.
alter table dispatch_batch add column turn uuid generated always as
  (case when paced then sender_id else '00000000-0000-0000-0000-000000000000' end) stored;
drop index dispatch_batch_due;
drop index dispatch_batch_paced;
create index dispatch_batch_turns on dispatch_batch (lane, turn, account_id, operation_id, due_at, id) where not waiting;

-- (Each step is one descent through the index, whatever the values: planned once, or planning would be all of the cost.)

-- The next batch of an account that may be leased, of operations behind one, locked; null when there is none. Goes from
-- operation to operation, so what is not due, leased or paused costs a step and no more, however many batches it has. What
-- has expired may be leased before it is due, and though it is paused: to be ended. Batches in "taken" are ours already.
create function next_batch(of_lane text, of_turn uuid, of_account int, behind uuid, taken bigint[])
returns dispatch_batch language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  here uuid := behind;
  expired boolean;
  found_batch dispatch_batch;
begin
  loop
    select d.operation_id, coalesce(d.expire_at <= now(), false) into here, expired from dispatch_batch d
    where d.lane = of_lane and d.turn = of_turn and d.account_id = of_account and d.operation_id > here and not d.waiting
    order by d.operation_id limit 1;
    if here is null then return null; end if;
    continue when not expired and exists (select from operation o
      where o.account_id = of_account and o.id = here and o.paused_at is not null);
    select * into found_batch from dispatch_batch d
    where d.lane = of_lane and d.turn = of_turn and d.account_id = of_account and d.operation_id = here and not d.waiting
      and d.due_at <= case when expired then 'infinity' else now() end
      and (d.leased_until is null or d.leased_until < now()) and d.id <> all(taken)
    order by d.due_at, d.id limit 1 for update skip locked;
    if found_batch.id is not null then return found_batch; end if;
  end loop;
end $$;

-- Up to "wanted" batches that may be leased, in turns, locked. Begins with an account by chance; "served" has the operation
-- that each account was served last, by account.
create function take_turns(of_lane text, of_turn uuid, wanted int, served jsonb)
returns setof bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  start uuid := uuid_floor('epoch');
  first int := floor(random() * coalesce((select max(id) from account), 0));
  here int;
  wrapped boolean;
  taken bigint[] := '{}';
  before int;
  b dispatch_batch;
begin
  loop
    before := cardinality(taken);
    here := first;
    wrapped := false;
    loop
      here := (select d.account_id from dispatch_batch d
        where d.lane = of_lane and d.turn = of_turn and d.account_id > here and not d.waiting
        order by d.account_id limit 1);
      if here is null and not wrapped then
        wrapped := true;
        here := 0;
        continue;
      end if;
      exit when here is null or (wrapped and here > first);
      b := next_batch(of_lane, of_turn, here, coalesce((served ->> here::text)::uuid, start), taken);
      if b.id is null then b := next_batch(of_lane, of_turn, here, start, taken); end if;
      continue when b.id is null;
      taken := taken || b.id;
      served := served || jsonb_build_object(here::text, b.operation_id);
      return next b.id;
      if cardinality(taken) >= wanted then return; end if;
    end loop;
    exit when cardinality(taken) = before;
  end loop;
end $$;
