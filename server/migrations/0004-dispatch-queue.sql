-- The dispatch queue, and the connections that all nodes share.

-- One row per batch: up to 500 messages of one operation, from one sender, before the same attempt over the same candidate.
create table dispatch_batch (
  id bigint generated always as identity primary key,
  account_id int not null,
  operation_id uuid not null,
  carrier text not null,
  candidate smallint not null,
  attempt smallint not null,
  tries smallint not null default 0,
  -- A position in "ordinals". Messages below it may have been submitted.
  high_water_mark smallint not null default 0,
  -- The high-water mark when the present lease began. Messages below it that are not settled are in doubt.
  in_doubt_mark smallint not null default 0,
  -- Not ready yet.
  waiting boolean not null,
  lease int not null default 0,
  leased_by text,
  leased_until timestamptz,
  due_at timestamptz not null,
  expire_at timestamptz,
  ordinals int[] not null,
  -- Null for several senders without a rate limit, or for an address that is no sender of ours.
  sender_id uuid,
  -- May be out of date for a moment: the run of a batch checks its sender.
  rate_limited boolean not null default false,
  -- The senders that share a rotation: a rate-limited sender alone, all others of the carrier together.
  scheduling_key uuid generated always as
    (case when rate_limited then sender_id else '00000000-0000-0000-0000-000000000000' end) stored,
  -- A waiting batch whose messages are QUEUED: it waits for a retry, the next day, the end of quiet hours or its carrier. The
  -- messages of other waiting batches are SCHEDULED, and become QUEUED when the batch is woken.
  resting boolean not null default false,
  -- The earliest next lease, if that is not "due_at": a batch that waits for its carrier stays due since it was.
  not_before timestamptz,
  -- When a waiting batch is woken. A batch that expires first is woken to be ended.
  wake_at timestamptz generated always as (least(coalesce(not_before, due_at), expire_at)) stored
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index dispatch_batch_ready on dispatch_batch (carrier, scheduling_key, account_id, operation_id, due_at, id)
  where not waiting;
create index dispatch_batch_scheduled on dispatch_batch (wake_at, id) where waiting and not resting;
create index dispatch_batch_resting on dispatch_batch (wake_at, id) where waiting and resting;
-- Expired batches are leased to be ended, even while their carrier is unavailable.
create index dispatch_batch_expiry on dispatch_batch (carrier, expire_at) where not waiting and expire_at is not null;
create index dispatch_batch_operation on dispatch_batch (account_id, operation_id);

-- Selects up to "wanted" batches that may be leased, locked, in rotation, and no more when they have "messages" together: one
-- of each account, then two more of each, then four, and within an account one of each operation. So a million messages of one
-- account do not delay ten of another. The rotation begins after "last_account", at random when it is null. "served" has the
-- operation that each account was served last, by account.
--
-- It reads along the index, and leaves the rest of an operation that is paused, not due, or has given its batch: that costs some
-- rows, however many batches the operation has. An expired batch may be leased before it is due, and while its operation is
-- paused, to be ended. A generic plan fits all values and saves planning.
create function pick_ready_batches(of_carrier text, of_key uuid, wanted int, messages int, served jsonb, last_account int)
returns setof bigint language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  read_max constant int := 64;
  start constant uuid := uuid_floor('epoch');
  first int := coalesce(last_account, floor(random() * coalesce((select max(id) from account), 0)));
  here int;
  wrapped boolean;
  -- Accounts that have no more batches.
  finished int[] := '{}';
  taken bigint[] := '{}';
  size int := 0;
  -- Batches of each account in this round, and how many of them are still to be found.
  share int := 1;
  missing int;
  missing_before int;
  more boolean;
  -- A cycle goes through the operations behind the one that was served last, and then from the start up to it.
  origin uuid;
  last uuid;
  bound uuid;
  -- Where it reads on, and whether the operation there gives no batch in this cycle.
  at_operation uuid;
  at_due timestamptz;
  at_id bigint;
  passed boolean;
  rows_read int;
  b record;
begin
  loop
    here := first;
    wrapped := false;
    more := false;
    loop
      here := (select d.account_id from dispatch_batch d
        where d.carrier = of_carrier and d.scheduling_key = of_key and d.account_id > here and not d.waiting
        order by d.account_id limit 1);
      if here is null and not wrapped then
        wrapped := true;
        here := 0;
        continue;
      end if;
      exit when here is null or (wrapped and here > first);
      continue when here = any(finished);
      missing := share;
      last := coalesce((served ->> here::text)::uuid, start);
      loop
        missing_before := missing;
        origin := last;
        bound := null;
        at_operation := origin;
        passed := true;
        loop
          if passed then
            at_due := 'infinity';
            at_id := 9223372036854775807;
          end if;
          rows_read := 0;
          for b in
            select d.id, d.operation_id, d.due_at, d.expire_at <= now() as expired, cardinality(d.ordinals) as messages,
              d.leased_until is null or d.leased_until < now() as free
            from dispatch_batch d
            where d.carrier = of_carrier and d.scheduling_key = of_key and d.account_id = here and not d.waiting
              and (d.operation_id, d.due_at, d.id) > (at_operation, at_due, at_id)
              and (bound is null or d.operation_id <= bound)
            order by d.operation_id, d.due_at, d.id limit read_max
          loop
            rows_read := rows_read + 1;
            if b.operation_id <> at_operation then passed := false; end if;
            at_operation := b.operation_id;
            at_due := b.due_at;
            at_id := b.id;
            continue when passed or not b.free or b.id = any(taken);
            if b.expired is not true then
              passed := b.due_at > now() or exists (select from operation o
                where o.account_id = here and o.id = b.operation_id and o.paused_at is not null);
              continue when passed;
            end if;
            perform from dispatch_batch d
            where d.id = b.id and not d.waiting and (d.leased_until is null or d.leased_until < now())
            for update skip locked;
            continue when not found;
            passed := true;
            last := b.operation_id;
            missing := missing - 1;
            taken := taken || b.id;
            size := size + b.messages;
            return next b.id;
            if cardinality(taken) >= wanted or size >= messages then return; end if;
            exit when missing = 0;
          end loop;
          exit when missing = 0;
          if rows_read < read_max then
            exit when bound is not null or origin = start;
            bound := origin;
            at_operation := start;
            passed := true;
          end if;
        end loop;
        exit when missing in (0, missing_before);
      end loop;
      served := served || jsonb_build_object(here::text, last);
      if missing > 0 then finished := finished || here;
      else more := true;
      end if;
    end loop;
    exit when not more;
    share := share * 2;
  end loop;
end $$;

-- The nodes that dispatch. Each holds an advisory lock on its id while it lives, by which others see that it is gone.
create table node (
  id int generated always as identity primary key,
  -- Begins the names of its leases.
  name text not null,
  -- When another node first found its lock free. A living node whose connection broke is back sooner than it is taken for gone.
  free_since timestamptz
);

-- Connections to a carrier that allows fewer than all nodes together would open: the share of each node, and until when.
create table connection_share (
  carrier text not null,
  node text not null,
  wanted smallint not null,
  -- Open, or allowed to be opened.
  allowed smallint not null,
  leased_until timestamptz not null,
  primary key (carrier, node)
);
