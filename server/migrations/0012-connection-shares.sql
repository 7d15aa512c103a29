-- Connections to a carrier that has fewer of them than all nodes together would open: who has how many, until when.
create table connection_share (
  lane text not null,
  node text not null,
  wanted smallint not null,
  -- Open, or allowed to be opened.
  held smallint not null,
  held_until timestamptz not null,
  primary key (lane, node)
);
