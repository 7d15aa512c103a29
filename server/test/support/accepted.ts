/** Operations as a streamed request leaves them at its acceptance: messages, and chunks that are not released. */
import type pg from 'pg';
import { encodeTypeId, messageUuid, newOperationUuid } from '../../src/domain/ids.ts';
import { smsOnly, text, type FanfareClient } from './fanfare.ts';

export interface AcceptedOptions {
  readonly count: number;
  /** Messages of a chunk, and of a batch. */
  readonly chunkMax?: number;
  readonly batchMax?: number;
  readonly sendAt?: Date;
  readonly expireAt?: Date;
  /** RECEIVING: as before the acceptance, without a row of the operation; its lease is over. */
  readonly state?: 'ACCEPTED' | 'RECEIVING' | 'ABANDONED';
}

const FAR_MS = 3_600_000;

/** Writes an operation of an account, like one that the account sends now. Resolves with its id in the API. */
export async function acceptInChunks(
  fanfare: FanfareClient,
  options: AcceptedOptions,
): Promise<string> {
  const pattern = await fanfare.send({
    to: [{ address: '+15005560999', channel: 'PHONE' }],
    content: text('Hi'),
    schedule: { sendAt: [new Date(Date.now() + FAR_MS).toISOString()] },
    ...smsOnly,
  });
  const id = newOperationUuid(Date.now());
  const client = await fanfare.database.connect();
  try {
    await client.query('begin');
    await write(client, fanfare.sid, id, options);
    await client.query('commit');
  } finally {
    client.release();
  }
  await fanfare.request('POST', `/v1/Messages/Operations/${pattern}/Cancel`);
  return encodeTypeId('comms_operation', id);
}

async function write(
  client: pg.PoolClient,
  sid: string,
  id: string,
  {
    count,
    chunkMax = 5_000,
    batchMax = 500,
    sendAt,
    expireAt,
    state = 'ACCEPTED',
  }: AcceptedOptions,
): Promise<void> {
  const { rows } = await client.query(
    `select b.account_id as account, b.operation_id as pattern, b.carrier, b.candidate, b.sender_id from dispatch_batch b
     where account_id = (select id from account where sid = $1) order by b.id desc limit 1`,
    [sid],
  );
  const [{ account, pattern, carrier, candidate, sender_id: senderId }] = rows;
  await client.query(
    `insert into operation_task (account_id, operation_id, state, leased_until)
     values ($1, $2, $3::text::operation_task_state, case when $3::text = 'RECEIVING' then now() - interval '1 second' end)`,
    [account, id, state],
  );
  await client.query(
    `insert into message (account_id, id, channel, address_channel, address, status)
     select $1, message_of($2, n), 'SMS', 'PHONE', '+1500556' || lpad((1000 + n % 9000)::text, 4, '0'), $4::message_status
     from generate_series(0, $3::int - 1) n`,
    [account, id, count, sendAt ? 'SCHEDULED' : 'QUEUED'],
  );
  if (state === 'ACCEPTED')
    await client.query(
      `insert into operation (account_id, id, status, total, recipients, unaddressable, scheduled, queued, content, plan, tags,
         scheduled_for, expire_at, updated_at, kind)
       select account_id, $3, case when $5::timestamptz is null then 'PROCESSING' else 'SCHEDULED' end::operation_status, $4, $4, 0,
         case when $5::timestamptz is null then 0 else $4::int end, case when $5::timestamptz is null then $4::int else 0 end,
         content, plan, tags, $5, $6, now(), kind
       from operation where account_id = $1 and id = $2`,
      [account, pattern, id, count, sendAt, expireAt],
    );
  else
    await client.query(
      `insert into unaddressable (account_id, id, code, addresses) values ($1, $2, 30003, '[]')`,
      [account, messageUuid(id, count)],
    );
  await client.query(
    `insert into operation_chunk (account_id, operation_id, number, batches)
     select $1, $2, chunk, jsonb_agg(jsonb_build_object('carrier', $3::text, 'candidate', $4::int, 'senderId', $5::uuid,
       'dueAt', $6::timestamptz, 'ordinals', ordinals::text) order by ordinals)
     from (select n / $7::int as chunk, array_agg(n order by n) as ordinals from generate_series(0, $9::int - 1) n
       group by n / $7::int, n % $7::int / $8::int) as b
     group by chunk`,
    [account, id, carrier, candidate, senderId, sendAt, chunkMax, batchMax, count],
  );
}
