-- What an API key may do, until when, and when it was last used. Keys that are there already go on doing everything.
alter table api_key
  add column scopes text[] not null default '{send,read,manage}'
    check (scopes <@ '{send,read,manage}' and cardinality(scopes) > 0),
  add column expires_at timestamptz,
  -- To the minute.
  add column last_used_at timestamptz;
create index api_key_account on api_key (account_id);
