-- A paused operation hands nothing over until it is resumed.
alter table operation add column paused_at timestamptz;
