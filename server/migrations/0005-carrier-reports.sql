-- Reports of carriers: receipts and inbound messages.

-- Receipts that came before the outcome of their attempt was settled. Each is tried again with growing pauses, so that one which
-- cannot be applied for long delays no other.
create table parked_receipt (
  account_id int not null,
  message_id uuid not null,
  attempt smallint not null,
  status message_status not null,
  code int,
  detail text,
  received_at timestamptz not null,
  tries smallint not null default 0,
  due_at timestamptz not null default now(),
  primary key (account_id, message_id, attempt, status)
);
create index parked_receipt_due on parked_receipt (due_at);
create index parked_receipt_received on parked_receipt (received_at);

-- Ids that carriers gave to accepted messages, for carriers whose receipts quote them. A message in several parts has a row for
-- each, and is delivered when all of them are.
create table carrier_message (
  carrier text not null,
  provider_id text not null,
  message_id uuid not null,
  account_id int not null,
  attempt smallint not null,
  part smallint not null,
  parts smallint not null,
  -- The status that receipts reported of this part.
  status message_status,
  primary key (carrier, provider_id, message_id)
) partition by range (message_id);
create index carrier_message_parts on carrier_message (message_id, attempt) where parts > 1;
-- Ids are kept as they were given. Receipts that write them in another case, or with other leading zeros, find them by the form
-- that all spellings share; an id already in that form needs no entry. domain/receipt.ts has the same rule.
create index carrier_message_folded on carrier_message (carrier, ltrim(lower(provider_id collate "C"), '0'), message_id)
  where provider_id <> ltrim(lower(provider_id collate "C"), '0');

-- Receipts whose ids match nothing yet: the answer to the submission may be late. They are tried again with growing pauses, and
-- then dropped as unmatched.
create table parked_carrier_receipt (
  id bigint generated always as identity primary key,
  carrier text not null,
  provider_ids text[] not null,
  status message_status not null,
  code int,
  detail text,
  tries smallint not null default 0,
  due_at timestamptz not null,
  -- Addresses of which one is the recipient's, in the carrier's spelling, and whether one of them must be.
  recipients text[],
  must_match boolean not null default false
);
create index parked_carrier_receipt_due on parked_carrier_receipt (due_at);
-- For receipts that matched nothing in all their tries.
create index parked_carrier_receipt_unmatched on parked_carrier_receipt (id) where tries >= 14;

-- Messages from people to us. The id begins with the time of arrival (UUIDv7), so ranges of ids are days.
create table inbound_message (
  account_id int not null,
  id uuid not null,
  channel channel not null,
  carrier text not null,
  -- Null when the address is no sender of ours.
  sender_id uuid,
  from_address text not null,
  to_address text not null,
  text text not null,
  provider_id text,
  -- STOP, START or HELP when the text is such a word.
  keyword text,
  -- The text of an answer that is still to be sent.
  reply text,
  -- The operation that answered it.
  reply_id uuid,
  -- When it was erased; null: it was not.
  deleted_at timestamptz,
  primary key (account_id, id)
) partition by range (id);
create index inbound_message_unanswered on inbound_message (id) where reply is not null;

-- Ids of inbound messages, because carriers repeat a message when its acknowledgment was lost.
create table inbound_seen (
  carrier text not null,
  provider_id text not null,
  seen_at timestamptz not null default now(),
  primary key (carrier, provider_id)
);
create index inbound_seen_at on inbound_seen (seen_at);
