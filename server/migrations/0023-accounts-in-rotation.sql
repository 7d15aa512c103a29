-- Leasing begins with the account behind the one that the node served last. A start by chance made an account with little
-- to send wait for as many batches of another as chance had it.
drop function take_turns(text, uuid, int, jsonb);

-- Up to "wanted" batches that may be leased, in rotation, locked. Begins behind "last_account", by chance where it is null;
-- "served" has the operation that each account was served last, by account.
create function take_turns(of_lane text, of_turn uuid, wanted int, served jsonb, last_account int)
returns setof bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  start uuid := uuid_floor('epoch');
  first int := coalesce(last_account, floor(random() * coalesce((select max(id) from account), 0)));
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
