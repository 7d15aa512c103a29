-- E-mails: messages of the channel EMAIL, of operations of a kind of their own. The words of an e-mail are the content of
-- its operation, names stand beside addresses in "addresses". An erased e-mail keeps its row, for the counters, with the
-- address ''.
alter type channel add value 'EMAIL';
alter type address_channel add value 'EMAIL';

create type operation_kind as enum ('MESSAGES', 'EMAILS');
alter table operation add column kind operation_kind not null default 'MESSAGES';

-- Files that go along with all e-mails of an operation.
create table email_attachment (
  account_id int not null,
  operation_id uuid not null,
  -- Place in the request, from 0.
  position smallint not null,
  content bytea not null,
  primary key (account_id, operation_id, position)
) partition by range (operation_id);
select ensure_days_of_messages();

-- Secrets that the installation made for itself, by what they are for.
create table installation_secret (
  name text primary key,
  secret bytea not null
);
