/** Operations that are larger than a request is quick to make: rows made by SQL, as an acceptance and carriers leave them. */
import type pg from 'pg';
import { encodeTypeId, newOperationUuid } from '../../src/domain/ids.ts';

export interface LargeOperation {
  readonly uuid: string;
  readonly id: string;
  readonly accountId: number;
}

/** Each hundredth recipient is undelivered, each thousandth without a message or still SENT. */
const FILL = `
  insert into message (account_id, attempt, status, previous_status, attempt_status, channel, address_channel, id, address,
    attempted_at, updated_at, error_code, error_detail, variables)
  select $1, case when status = 'QUEUED' then 0 else 1 end, status::message_status, 'QUEUED',
    case when status <> 'QUEUED' then status::message_status end, 'SMS', 'PHONE', message_of($2, n), '+1500' || (5000000 + n),
    case when status <> 'QUEUED' then at end, at + (n::bigint * 7919 % 5000) * interval '1 ms',
    case when status = 'UNDELIVERED' then 30003 + n % 3 end, case when status = 'UNDELIVERED' then 'said ' || n % 3 end,
    case when n % 50 = 0 then jsonb_build_object('name', '=N' || n) end
  from generate_series(0, $3::int - 1) as n,
    lateral (select case when n % 1000 = 500 then null when n >= $3::int - $4::int then 'QUEUED' when n % 100 = 7 then 'UNDELIVERED'
      when n % 1000 = 3 then 'SENT' else 'DELIVERED' end as status) as s,
    lateral (select date_trunc('second', now()) - interval '10 minutes' + n * interval '5 ms' as at) as t
  where status is not null`;

/** An operation of an account with this many recipients; the last `queued` of them wait in one batch for tomorrow. */
export async function makeLargeOperation(
  database: pg.Pool,
  sid: string,
  recipients: number,
  { queued = 0, senders = ['+15005550100'], isAccepted = true, atMs = Date.now() } = {},
): Promise<LargeOperation> {
  const { rows } = await database.query<{ id: number }>('select id from account where sid = $1', [
    sid,
  ]);
  const accountId = rows[0]?.id ?? 0;
  const uuid = newOperationUuid(atMs);
  await database.query(FILL, [accountId, uuid, recipients, queued]);
  await database.query(
    `insert into unaddressable select $1, message_of($2, n), 21612,
       jsonb_build_array(jsonb_build_object('address', '+1500' || (5000000 + n), 'channel', 'WHATSAPP'))
     from generate_series(500, $3::int - 1, 1000) as n`,
    [accountId, uuid, recipients],
  );
  if (isAccepted) {
    const plan = {
      senders: senders.map((address) => ({ channel: 'SMS', address, carrier: 'simulator' })),
    };
    await database.query(
      `insert into operation (account_id, id, status, total, recipients, attempts, unaddressable, queued, sent, delivered,
         undelivered, content, plan, tags, updated_at)
       select $1::int, $2::uuid, case when count(*) filter (where status = 'QUEUED') > 0 then 'PROCESSING' else 'COMPLETED' end::operation_status,
         count(*), $3::int, sum(attempt), $3::int - count(*), count(*) filter (where status = 'QUEUED'),
         count(*) filter (where status = 'SENT'), count(*) filter (where status = 'DELIVERED'),
         count(*) filter (where status = 'UNDELIVERED'), '{"text":"Hello","mediaUrls":[]}', $4::jsonb, '{}', now()
       from message where account_id = $1 and id > $2 and id <= message_of($2, $3::int)`,
      [accountId, uuid, recipients, JSON.stringify(plan)],
    );
    await database.query(
      `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, resting, due_at, ordinals)
       select $1, $2, 'simulator', 0, 1, true, true, now() + interval '1 day', array_agg(n)
       from generate_series($3::int - $4::int, $3::int - 1) as n where n % 1000 <> 500 having count(*) > 0`,
      [accountId, uuid, recipients, queued],
    );
  } else
    await database.query(
      `insert into operation_task (account_id, operation_id, state, leased_until)
       values ($1, $2, 'RECEIVING', now() + interval '1 hour')`,
      [accountId, uuid],
    );
  return { uuid, id: encodeTypeId('comms_operation', uuid), accountId };
}
