-- What carriers call the messages that they took, where their receipts name them so. A message that went in several
-- parts has a row for each, and is delivered when all of them are.
create table carrier_message (
  lane text not null,
  provider_id text not null,
  message_id uuid not null,
  account_id int not null,
  attempt smallint not null,
  part smallint not null,
  parts smallint not null,
  -- What receipts have said of this part.
  status message_status,
  primary key (lane, provider_id, message_id)
) partition by range (message_id);
create index carrier_message_parts on carrier_message (message_id, attempt) where parts > 1;

-- Receipts whose ids name nothing yet: the answer to the submission may still be on its way. Tried again with growing
-- pauses, then forgotten as a stranger's.
create table parked_carrier_receipt (
  id bigint generated always as identity primary key,
  lane text not null,
  provider_ids text[] not null,
  status message_status not null,
  code int,
  detail text,
  tries smallint not null default 0,
  due_at timestamptz not null
);
create index parked_carrier_receipt_due on parked_carrier_receipt (due_at);

-- Makes the partitions of one day of every table that has days; does nothing when they exist. Attaching takes a lock
-- that neither readers nor writers wait for, which "create table … partition of" would not.
create or replace function ensure_day(day date) returns void language plpgsql as $$
declare
  suffix text := to_char(day, 'YYYYMMDD');
  low uuid := uuid_floor(day::timestamp at time zone 'UTC');
  high uuid := uuid_floor((day + 1)::timestamp at time zone 'UTC');
  parent text;
begin
  perform pg_advisory_xact_lock(hashtext('fanfare.ensure_day'));
  for parent in select c.relname from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    where c.relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass) order by 1 loop
    if to_regclass(parent || '_' || suffix) is null then
      execute format(
        'create table %I (like %I including defaults including constraints) with (fillfactor = 60)',
        parent || '_' || suffix, parent);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, parent || '_' || suffix, low, high);
    end if;
  end loop;
end $$;

-- For a table that is new: the days that messages have.
create function ensure_days_of_messages() returns void language sql as $$
  select ensure_day(to_date(right(relname, 8), 'YYYYMMDD')) from pg_class
  where relkind = 'r' and relname ~ '^message_[0-9]{8}$'
    and relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass)
$$;
select ensure_days_of_messages();
