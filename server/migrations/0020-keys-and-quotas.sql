-- What an API key may do, until when, and when it was last used. Keys that are there already go on doing everything.
alter table api_key
  add column scopes text[] not null default '{send,read,manage}'
    check (scopes <@ '{send,read,manage}' and cardinality(scopes) > 0),
  add column expires_at timestamptz,
  -- To the minute.
  add column last_used_at timestamptz;
create index api_key_account on api_key (account_id);

-- How many rows of each kind an account has, counted by the statements that add and remove them (cascades too), so that a limit costs
-- one look and holds however many requests come at once: who adds holds the count until the end of the transaction.
create table quota_usage (
  account_id int not null references account,
  resource text not null,
  -- The pool, of members; else the nil UUID.
  owner_id uuid not null,
  used int not null check (used >= 0),
  primary key (account_id, resource, owner_id)
) with (fillfactor = 50);

-- Arguments: SQL of the resource and of the owner. Counts are changed in one order, so that nobody waits in a circle.
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
        on conflict (account_id, resource, owner_id) do update set used = q.used + excluded.used;
    else
      update quota_usage q set used = q.used - counted.n
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
    ('subscription', $q$case kind when 'CALLBACK' then 'callback' else 'subscription' end$q$, nil),
    ('suppression', $q$'suppression'$q$, nil)) as v(name, resource, owner)
  loop
    execute format('create trigger count_added after insert on %I referencing new table as changed
      for each statement execute function count_quota(%L, %L)', rule.name, rule.resource, rule.owner);
    execute format('create trigger count_removed after delete on %I referencing old table as changed
      for each statement execute function count_quota(%L, %L)', rule.name, rule.resource, rule.owner);
    execute format('insert into quota_usage select account_id, %s, %s, count(*) from %I
      where account_id is not null group by 1, 2, 3', rule.resource, rule.owner, rule.name);
  end loop;
end $$;

-- Old ones are forgotten.
create index sender_pool_operation_id on sender_pool_operation (id);
