-- When a subscription was last chosen to be delivered to, whether it took anything or not: those that fail do not go first for ever.
alter table subscription add column last_turn_at timestamptz;
