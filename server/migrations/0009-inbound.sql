-- What people send to us.
create table inbound_message (
  account_id int not null,
  -- Begins with the time at which it came (UUIDv7): ranges of it are days.
  id uuid not null,
  channel channel not null,
  lane text not null,
  -- Null when it was sent to an address that is no sender of ours.
  sender_id uuid,
  from_address text not null,
  to_address text not null,
  text text not null,
  provider_id text,
  -- STOP, START or HELP when the text is such a word.
  keyword text,
  -- Words of an answer that is still to be sent.
  reply text,
  -- The operation that answered it.
  reply_id uuid,
  primary key (account_id, id)
) partition by range (id);
create index inbound_message_unanswered on inbound_message (id) where reply is not null;
select ensure_days_of_messages();

-- Carriers bring a message again when they are not sure that it was taken.
create table inbound_seen (
  lane text not null,
  provider_id text not null,
  seen_at timestamptz not null default now(),
  primary key (lane, provider_id)
);
create index inbound_seen_at on inbound_seen (seen_at);
