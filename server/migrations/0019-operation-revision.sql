-- Which of two states of an operation is the later one. "updated_at" cannot tell: two changes may fall into one millisecond, which is
-- all that the API shows of it, and clocks stand still or go back. Every statement that changes what an operation shows adds one.
alter table operation add column revision bigint not null default 1;
