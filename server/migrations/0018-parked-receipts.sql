-- A parked receipt is looked at again with growing pauses, as those that quote a carrier's ids are: one whose attempt is not settled
-- for long, or which cannot be applied, keeps no other waiting.
alter table parked_receipt
  add column tries smallint not null default 0,
  add column due_at timestamptz not null default now();
create index parked_receipt_due on parked_receipt (due_at);
create index parked_receipt_received on parked_receipt (received_at);

-- The message at a position of an operation: the id of the operation plus 1 plus the position.
create function message_of(operation uuid, ordinal int) returns uuid language sql immutable as $$
  select (left(operation::text, 32) || lpad(to_hex(('x' || right(operation::text, 4))::bit(16)::int + 1 + ordinal), 4, '0'))::uuid
$$;

-- Those that nothing has claimed in all their tries are looked for each time that some are tried.
create index parked_carrier_receipt_strange on parked_carrier_receipt (id) where tries >= 14;
