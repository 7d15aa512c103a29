-- Addresses that are not sent to: by any sender of the account, or by one sender or pool.
create table suppression (
  account_id int not null references account,
  id uuid not null,
  address text not null,
  sender_id uuid references sender on delete cascade,
  pool_id uuid,
  reason text,
  primary key (account_id, id),
  unique nulls not distinct (account_id, address, sender_id, pool_id),
  foreign key (account_id, pool_id) references sender_pool on delete cascade
);
