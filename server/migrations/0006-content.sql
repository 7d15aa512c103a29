-- Contents stored under an id, to be sent by it. A send takes a copy: removing one changes no operation.
create table content_template (
  account_id int not null references account,
  id uuid not null,
  friendly_name text,
  language text,
  -- Values of variables that a recipient does not bring.
  variables jsonb not null,
  -- What it says, by type.
  types jsonb not null,
  primary key (account_id, id)
);
