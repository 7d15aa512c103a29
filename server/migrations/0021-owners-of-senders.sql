-- An address on a channel of a carrier has one owner: an account, or the configuration, whose senders serve all accounts.

-- What all spellings of an address have in common; domain/sender.ts has the same rule.
create function sender_key(kind channel, address text) returns text language sql immutable strict parallel safe as $$
  select case
    when kind = 'EMAIL' then lower(address collate "C")
    -- Without what is dialled before a country code.
    when address ~ '^[-+(). ]*[0-9][-+(). 0-9]*$' then coalesce(
      nullif(regexp_replace(regexp_replace(address, '[^0-9]', '', 'g'), '^(011|0+)', ''), ''),
      regexp_replace(address, '[^0-9]', '', 'g'))
    else translate(lower(btrim(address, ' ') collate "C"), 'ÅÄÆÇÉÑÖØÜ', 'åäæçéñöøü')
  end
$$;
create index sender_by_key on sender (channel, sender_key(channel, address));

-- Keys that may overlap have this in common: the domain, since "*@domain" means all addresses of it; else all of the key.
create function sender_scope(kind channel, key text) returns text language sql immutable strict parallel safe as $$
  select case when kind = 'EMAIL' then split_part(key, '@', 2) else key end
$$;
create index sender_by_scope on sender (channel, sender_scope(channel, sender_key(channel, address)));

-- Whether two keys of one scope mean the same address.
create function sender_keys_overlap(kind channel, a text, b text) returns boolean language sql immutable strict parallel safe as $$
  select a = b or (kind = 'EMAIL' and (a like '*@%' or b like '*@%'))
$$;

-- Whether somebody else has an address; the owner null is the configuration. A sender that an account has deactivated is still its
-- own; one that the configuration no longer has is nobody's.
create function is_sender_taken(owner int, kind channel, via text, wanted text) returns boolean language sql stable as $$
  select exists (select from sender s
    where s.channel = kind and s.carrier = via
      and sender_scope(s.channel, sender_key(s.channel, s.address)) = sender_scope(kind, sender_key(kind, wanted))
      and s.account_id is distinct from owner and (s.account_id is not null or s.status = 'ACTIVATED')
      and sender_keys_overlap(kind, sender_key(s.channel, s.address), sender_key(kind, wanted)))
$$;

-- Who asks at the same time for the same address, or for addresses of one domain, asks one after the other. Of all addresses
-- together there are 64 locks: a configuration may bring in thousands in one transaction, which PostgreSQL has no room to lock one
-- by one. What was in conflict before may stay so and be changed in all else: "fanfare doctor" finds it.
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

-- Who said STOP to which address of ours, or whatever means the same there: nobody may send to them from it, whoever owns it by now.
create table opt_out (
  person text not null,
  channel channel not null,
  sender_key text not null,
  -- The account that it was said to, which alone may take it back; null where that is not one alone.
  account_id int,
  said_at timestamptz not null default now(),
  primary key (person, channel, sender_key)
);

-- What is known of it: the last keywords that were kept, as far as the list of an account still has them, and those for one sender.
insert into opt_out (person, channel, sender_key, account_id)
select person, channel, key, case when count(distinct account_id) = 1 then min(account_id) end from (
select person, channel, key, account_id from (
  select distinct on (person, channel, key) person, channel, key, keyword, account_id
  from inbound_message, lateral (select from_address as person, sender_key(channel, to_address) as key) as said
  where keyword in ('STOP', 'START') and from_address <> '' order by person, channel, key, id desc) as last
where keyword = 'STOP' and exists (select from suppression u where u.address = last.person and u.reason = 'keyword')
union
select u.address, s.channel, sender_key(s.channel, s.address), u.account_id
from suppression u join sender s on s.id = u.sender_id where u.reason = 'keyword') as known
group by person, channel, key;
