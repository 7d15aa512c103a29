-- A pool of ten thousand senders is not read again for each request: its version says whether what was read still holds. It is another one
-- after each change of its members, or of a sender among them, and none comes back.
alter table quota_usage add column version uuid not null default gen_random_uuid();

create or replace function count_quota() returns trigger language plpgsql as $$
declare
  counted record;
begin
  for counted in execute format(
    'select account_id, %s as resource, %s as owner_id, count(*)::int as n from changed
     where account_id is not null group by 1, 2, 3 order by 1, 2, 3', tg_argv[0], tg_argv[1])
  loop
    if tg_op = 'INSERT' then
      insert into quota_usage as q values (counted.account_id, counted.resource, counted.owner_id, counted.n)
        on conflict (account_id, resource, owner_id) do update
          set used = q.used + excluded.used, version = excluded.version;
    else
      update quota_usage q set used = q.used - counted.n, version = gen_random_uuid()
        where (q.account_id, q.resource, q.owner_id) = (counted.account_id, counted.resource, counted.owner_id);
      delete from quota_usage q
        where (q.account_id, q.resource, q.owner_id) = (counted.account_id, counted.resource, counted.owner_id)
          and q.used = 0;
    end if;
  end loop;
  return null;
end $$;

-- In the order in which counts are locked. Who adds a member has its sender locked, so either this finds the member, or that the change.
create function renew_pool_versions() returns trigger language plpgsql as $$
begin
  perform from quota_usage q
  where q.resource = 'sender_pool_member' and (q.account_id, q.owner_id) in (
    select m.account_id, m.pool_id from sender_pool_member m join changed c on c.id = m.sender_id)
  order by q.account_id, q.resource, q.owner_id for update;
  update quota_usage q set version = gen_random_uuid()
  where q.resource = 'sender_pool_member' and (q.account_id, q.owner_id) in (
    select m.account_id, m.pool_id from sender_pool_member m join changed c on c.id = m.sender_id);
  return null;
end $$;
create trigger pool_versions after update on sender referencing new table as changed
  for each statement execute function renew_pool_versions();
