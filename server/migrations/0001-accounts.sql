-- Accounts, their API keys, and secrets of the installation.

create table account (
  -- Short, because every row of a message has it.
  id int generated always as identity primary key,
  sid text not null unique,
  token_hash bytea not null,
  created_at timestamptz not null default now()
);

create table api_key (
  sid text primary key,
  account_id int not null references account,
  name text,
  secret_hash bytea not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  scopes text[] not null default '{send,read,manage}'
    check (scopes <@ '{send,read,manage}' and cardinality(scopes) > 0),
  expires_at timestamptz,
  -- To the minute: an exact time would cost a write for each request.
  last_used_at timestamptz
);
create index api_key_account on api_key (account_id);

-- Secrets that the installation generated at its first start, by purpose.
create table installation_secret (
  name text primary key,
  secret bytea not null
);
