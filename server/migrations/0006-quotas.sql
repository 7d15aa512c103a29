-- Quotas: how many rows of a kind an account has.

-- The statements that add and remove rows count them, cascades included. A check of a limit is therefore one look-up, and it holds
-- under concurrent requests: a transaction that adds rows locks the count until its end.
create table quota_usage (
  account_id int not null references account,
  resource text not null,
  -- The pool, of members; else the nil UUID.
  owner_id uuid not null,
  used int not null check (used >= 0),
  -- Replaced with each change of the counted rows; for members of a pool also with each change of a sender among them. A node
  -- reads a pool of ten thousand senders again only when its version has changed.
  version uuid not null default gen_random_uuid(),
  primary key (account_id, resource, owner_id)
) with (fillfactor = 50);

-- Arguments: the SQL of the resource and of the owner. Counts are locked in one order, to avoid deadlocks.
create function count_quota() returns trigger language plpgsql as $$
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

do $$
declare
  nil constant text := $q$'00000000-0000-0000-0000-000000000000'::uuid$q$;
  rule record;
begin
  for rule in select * from (values
    ('sender', $q$'sender'$q$, nil),
    ('sender_pool', $q$'sender_pool'$q$, nil),
    ('sender_pool_member', $q$'sender_pool_member'$q$, 'pool_id'),
    ('content_template', $q$'content_template'$q$, nil),
    ('api_key', $q$'api_key'$q$, nil),
    ('suppression', $q$'suppression'$q$, nil)) as v(name, resource, owner)
  loop
    execute format('create trigger count_added after insert on %I referencing new table as changed
      for each statement execute function count_quota(%L, %L)', rule.name, rule.resource, rule.owner);
    execute format('create trigger count_removed after delete on %I referencing old table as changed
      for each statement execute function count_quota(%L, %L)', rule.name, rule.resource, rule.owner);
  end loop;
end $$;

-- Rows are locked in the order in which counts are locked. A transaction that adds a member has locked its sender, so either this
-- update finds the member, or the addition finds the changed sender.
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
