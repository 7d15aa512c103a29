/**
 * The statements that run again and again, explained on tables as they are after a while: none reads a large table, and none looks
 * into all days of messages. In the long form each table has more than a million rows.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageUuid, ORDINAL_MAX } from '../src/domain/ids.ts';
import { openAudit } from '../src/store/audit/audit.ts';
import * as batches from '../src/store/batches.ts';
import { cancelMessage, cancelOperation } from '../src/store/cancels.ts';
import * as carrierReceipts from '../src/store/carrier-receipts.ts';
import type { Database } from '../src/store/database.ts';
import * as deliveries from '../src/store/deliveries.ts';
import { wakeDueBatches } from '../src/store/due-batches.ts';
import { findDueWork } from '../src/store/due-work.ts';
import { eraseOperation } from '../src/store/erasure.ts';
import * as eventLog from '../src/store/event-log.ts';
import { dropExpiredIdempotencyKeys } from '../src/store/maintenance.ts';
import * as inbound from '../src/store/inbound.ts';
import { listMessages } from '../src/store/messages.ts';
import * as operationRecipients from '../src/store/operation-recipients.ts';
import * as operationReports from '../src/store/operation-reports.ts';
import { countOperation } from '../src/store/operation-sections.ts';
import { stepTask, stepTaskOf } from '../src/store/operation-tasks.ts';
import * as parkedReceipts from '../src/store/parked-receipts.ts';
import * as partitions from '../src/store/partitions.ts';
import * as receipts from '../src/store/receipts.ts';
import { settle } from '../src/store/settlements.ts';
import { dropUnusedCallbacks } from '../src/store/subscriptions.ts';
import { createDatabase, dropDatabase, type Json } from './support/fanfare.ts';
import { runs } from './support/runs.ts';

const ROWS = runs(60_000, 1_200_000);
const DAYS = 6;
/** Days of messages that one statement may look into: those of a batch, at midnight. */
const DAYS_MAX = 2;
/** Messages of each operation that is worked on in steps. */
const BIG_SIZE = 300_000;
const SUBSCRIPTION = '00000000-0000-7000-8000-000000000001';

let url: string;
let client: pg.Client;
/** Tables, and days of them, that nobody may read from end to end. */
let large: ReadonlySet<string>;
/** Operations of today, each of one message. */
let today: string[];
/** Operations with chunks: two that were accepted, and one that was abandoned. */
let big: string[];

const FILL = `
  insert into account (sid, token_hash) values ('AC1', '');
  select ensure_day((current_date - n)::date) from generate_series(0, ${DAYS}) n;
  create temp table given as select n, uuid_floor(date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
    - (n % ${DAYS}) * interval '1 day' + (n / ${DAYS}) * interval '1 ms') as id from generate_series(0, ${ROWS - 1}) n;
  insert into operation (account_id, id, status, total, recipients, unaddressable, sent, content, plan, tags, updated_at)
    select 1, id, 'COMPLETED', 1, 1, 0, 1, '{}', '{}', '{}', now() - interval '10 days' from given;
  insert into message (account_id, attempt, status, attempt_status, channel, address_channel, id, address)
    select 1, 1, 'SENT', 'SENT', 'SMS', 'PHONE', message_of(id, 0), '+1500' || n from given;
  insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, resting, due_at, ordinals)
    select 1, message_of(id, 9), 'line', 0, 2, true, n % 2 = 0, now() + interval '1 day', '{0}' from given;
  insert into parked_receipt (account_id, message_id, attempt, status, received_at, due_at)
    select 1, message_of(id, 0), 2, 'READ', now(), now() + interval '1 day' from given;
  update parked_receipt set due_at = now() where message_id in (select message_of(id, 0) from given where n % ${DAYS} = 0 and n < 60);
  insert into parked_carrier_receipt (carrier, provider_ids, status, due_at)
    select 'line', array[n::text], 'DELIVERED', now() + interval '1 day' from given;
  insert into idempotency_key select 1, n, '', id, now() + interval '1 day' from given;
  insert into inbound_seen (carrier, provider_id) select 'line', n from given;
  insert into inbound_message (account_id, id, channel, carrier, from_address, to_address, text)
    select 1, message_of(id, 0), 'SMS', 'line', '1', '2', '' from given;
  insert into carrier_message select 'line', n, message_of(id, 0), 1, 1, 1, 1 from given;
  insert into event_outbox (account_id, subject_id, name) select 1, id, 'message.sent' from given;
  insert into event_log (account_id, id, subject_id, name, at, attempt, candidate)
    select 1, id, id, 'message.sent', now(), 1, 0 from given;
  insert into subscription (account_id, id, kind, target, types, names, batch_size, batch_delay_ms, secret)
    values (1, '${SUBSCRIPTION}', 'WEBHOOK', 'https://a.example/', '{}', '{message.sent}', 100, 0, '');
  insert into event_delivery (account_id, subscription_id, event_id, subject_id, status, due_at)
    select 1, '${SUBSCRIPTION}', id, id, case when n < 1000 then 'PENDING' else 'DELIVERED' end::delivery_status, now() from given;
  create temp table big as select n, message_of(uuid_floor(date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'
    + interval '1 hour' + n * interval '1 ms'), -1) as id from generate_series(0, 2) n;
  insert into operation (account_id, id, status, total, recipients, unaddressable, queued, content, plan, tags, updated_at)
    select 1, id, 'PROCESSING', ${BIG_SIZE}, ${BIG_SIZE}, 0, ${BIG_SIZE}, '{"text": "Hi"}', '{}', '{}', now() from big where n < 2;
  insert into message (account_id, channel, address_channel, id, address)
    select 1, 'SMS', 'PHONE', message_of(id, m), '+1500' || m from big, generate_series(0, ${BIG_SIZE - 1}) m;
  insert into operation_task (account_id, operation_id, state)
    select 1, id, case n when 2 then 'ABANDONED' else 'ACCEPTED' end::operation_task_state from big;
  insert into operation_chunk (account_id, operation_id, number, batches)
    select 1, id, c, jsonb_agg(jsonb_build_object('carrier', 'line', 'candidate', 0, 'senderId', null, 'dueAt', null, 'ordinals',
      (select array_agg(o)::text from generate_series(c * 5000 + b * 500, c * 5000 + b * 500 + 499) o)))
    from big, generate_series(0, ${BIG_SIZE / 5_000 - 1}) c, generate_series(0, 9) b where n < 2 group by id, c;
  analyze`;

beforeAll(async () => {
  url = await createDatabase();
  client = new pg.Client({
    connectionString: url,
    options:
      '-c plan_cache_mode=force_custom_plan -c enable_nestloop=off -c jit=off -c timezone=UTC',
  });
  await client.connect();
  await client.query(FILL);
  const sized = await client.query<{ relname: string }>(
    `select relname from pg_class where relkind = 'r' and reltuples >= ${ROWS / DAYS / 2}`,
  );
  large = new Set(sized.rows.map(({ relname }) => relname));
  const ids = await client.query<{ id: string }>(
    `select id from given where n % ${DAYS} = 0 and n >= 60 order by n limit 300`,
  );
  today = ids.rows.map(({ id }) => id);
  const steps = await client.query<{ id: string }>('select id from big order by n');
  big = steps.rows.map(({ id }) => id);
}, 600_000);

afterAll(async () => {
  await client.end();
  await dropDatabase(url);
});

const LEASE = { carrier: 'line', leasedBy: 'a', leaseMs: 10_000, limit: 8 };
const receipt = (operationId: string, attempt: number, status: 'DELIVERED' | 'UNDELIVERED') => ({
  accountId: 1,
  messageId: messageUuid(operationId, 0),
  attempt,
  status,
  code: null,
  detail: null,
});
const some = (from: number) => today.slice(from, from + 50);
/** Ids of a carrier, of messages of today. */
const NUMBERS = Array.from({ length: 500 }, (_, i) => String(i * DAYS));
const partReceipt = (operationId: string): carrierReceipts.PartReceipt => ({
  part: {
    carrier: 'line',
    providerId: '1',
    accountId: 1,
    messageId: messageUuid(operationId, 0),
    attempt: 1,
    parts: 2,
    recipients: [],
  },
  receipt: {
    carrier: 'line',
    providerIds: ['1'],
    recipients: null,
    mustMatch: false,
    status: 'DELIVERED',
    code: null,
    detail: null,
  },
});

interface Node {
  readonly kind: string;
  readonly table: string;
}

function nodesOf(plan: Json): Node[] {
  const own = plan['Relation Name'];
  return [
    ...(own === undefined ? [] : [{ kind: plan['Node Type'], table: own }]),
    ...(plan['Plans'] ?? []).flatMap(nodesOf),
  ];
}

/** A database that explains what it is asked before it does so. */
function explaining(plans: Node[][]): Database {
  const query = async (statement: string, values: readonly unknown[] = []) => {
    if (/^\s*(with|select|insert|update|delete)/.test(statement)) {
      const { rows } = await client.query(
        `explain (format json) ${statement}`,
        values as unknown[],
      );
      plans.push(nodesOf(rows[0]['QUERY PLAN'][0]['Plan']));
    }
    return client.query(statement, values as unknown[]);
  };
  const own = {
    query,
    on: () => undefined,
    end: () => client.query('reset enable_seqscan'),
  };
  return {
    ...own,
    transact: (work: (own: pg.PoolClient) => Promise<unknown>) =>
      work(own as unknown as pg.PoolClient),
    connect: async () => own,
  } as unknown as Database;
}

const SUBSCRIBED = {
  accountId: 1,
  accountSid: 'AC1',
  id: SUBSCRIPTION,
  lease: 1,
  kind: 'WEBHOOK',
  target: 'https://a.example/',
  secrets: [],
  authToken: null,
  tags: {},
  batchSize: 100,
  failures: 0,
  failingSince: null,
} as const;

/** As large as an operation of two sections, as far as statements can tell. */
const LARGE = {
  accountId: 1,
  get id() {
    return today[250] ?? '';
  },
  recipients: 20_000,
  plan: { senders: [] },
};

const STATEMENTS: readonly (readonly [string, (database: Database) => Promise<unknown>])[] = [
  [
    'leasing',
    (db) =>
      batches.leaseBatches(db, LEASE, {
        messages: 100,
        served: { accounts: {}, operations: {} },
      }),
  ],
  ['leasing what has expired', (db) => batches.leaseExpiredBatches(db, LEASE)],
  ['renewing leases', (db) => batches.renewLeases(db, [{ id: '1', lease: 1 }], 1_000)],
  ['dropping leases', (db) => batches.dropLeases(db, ['a'])],
  ['advancing', (db) => batches.advanceBatch(db, { id: '1', lease: 1 }, 100)],
  [
    'loading messages',
    (db) =>
      batches.loadMessages(db, [
        { accountId: 1, operationId: today[0] ?? '', ordinals: [0, 1, 2] },
      ]),
  ],
  [
    'waking',
    (db) => wakeDueBatches(db, { except: [], onFailed: (_, error) => expect(error).toBe(null) }),
  ],
  [
    'settling',
    (db) =>
      settle(
        db,
        1,
        some(0).map((operationId) => ({
          operationId,
          ordinal: 0,
          attempt: 2,
          candidate: 0,
          channel: 'SMS',
          attemptedAt: new Date(),
          outcome: 'SENT',
          providerId: null,
          quoted: null,
          errorCode: null,
          errorDetail: null,
          next: null,
        })),
        [{ id: '1', lease: 1 }],
      ),
  ],
  [
    'applying receipts',
    (db) =>
      receipts.applyReceipts(
        db,
        some(50).map((id) => receipt(id, 1, 'DELIVERED')),
      ),
  ],
  [
    'applying receipts that come early',
    (db) =>
      receipts.applyReceipts(
        db,
        some(100).map((id) => receipt(id, 3, 'UNDELIVERED')),
      ),
  ],
  [
    'matching ids of a carrier',
    (db) => carrierReceipts.findSentParts(db, ['line', 'other'], NUMBERS, 'exact'),
  ],
  [
    'matching other spellings of ids',
    (db) => carrierReceipts.findSentParts(db, ['line'], NUMBERS, 'folded'),
  ],
  [
    'combining receipts of parts',
    (db) =>
      carrierReceipts.combineParts(
        db,
        some(0).map((id) => partReceipt(id)),
      ),
  ],
  [
    "parking carriers' receipts",
    (db) =>
      carrierReceipts.parkCarrierReceipts(
        db,
        some(0).map((id) => partReceipt(id).receipt),
      ),
  ],
  ['looking at parked receipts', (db) => parkedReceipts.takeParkedReceipts(db)],
  [
    'dropping parked receipts',
    (db) =>
      parkedReceipts.dropParkedReceipts(
        db,
        some(0).map((id) => receipt(id, 2, 'DELIVERED')),
      ),
  ],
  ['dropping old parked receipts', (db) => parkedReceipts.dropOldParkedReceipts(db)],
  ["trying carriers' receipts", (db) => carrierReceipts.takeParkedCarrierReceipts(db)],
  ["dropping carriers' receipts", (db) => carrierReceipts.dropUnmatchedCarrierReceipts(db)],
  ['listing answers that are owed', (db) => inbound.listUnanswered(db)],
  ['forgetting what was seen', (db) => inbound.dropOldInboundSeen(db)],
  ['forgetting idempotency keys', (db) => dropExpiredIdempotencyKeys(db)],
  ['forgetting callbacks', (db) => dropUnusedCallbacks(db, 30)],
  ['making days', (db) => partitions.ensurePartitions(db, new Date())],
  ['looking for outbox events', (db) => eventLog.hasOutboxEvents(db)],
  ['routing', (db) => eventLog.routeOutboxEvents(db, 'a', 500)],
  [
    'adding progress',
    (db) =>
      eventLog.addProgress(
        db,
        some(0).map((operationId) => ({ accountId: 1, operationId })),
      ),
  ],
  [
    'leasing subscriptions',
    (db) =>
      deliveries.leaseSubscriptions(
        db,
        'a',
        { free: 4, taken: new Map([[1, 1]]), accountMax: 4 },
        10_000,
      ),
  ],
  ['loading deliveries', (db) => deliveries.loadDueDeliveries(db, SUBSCRIBED, 100)],
  ['counting an operation', (db) => countOperation(db, db, LARGE)],
  [
    'fetching examples of errors',
    (db) => operationReports.fetchExamples(db, 1, [messageUuid(LARGE.id, 0)]),
  ],
  ['listing errors', (db) => operationRecipients.listOperationErrors(db, 1, LARGE, LARGE.id, 51)],
  [
    'exporting',
    (db) => operationRecipients.readResults(db, 1, LARGE, LARGE.id, ['UNADDRESSABLE']).next(),
  ],
  [
    'sending again',
    (db) => operationRecipients.readNamedRecipients(db, 1, LARGE, ['FAILED']).next(),
  ],
  [
    'listing messages of an operation',
    (db) =>
      listMessages(
        db,
        1,
        {
          kind: 'MESSAGES',
          after: LARGE.id,
          before: messageUuid(LARGE.id, ORDINAL_MAX),
          status: 'READ',
          channel: null,
          tags: null,
          address: null,
        },
        51,
      ),
  ],
  ['canceling', (db) => cancelOperation(db, 1, today[200] ?? '')],
  ['canceling a message', (db) => cancelMessage(db, 1, today[201] ?? '', 0)],
  [
    'a step of any task',
    (db) =>
      stepTask(db, { after: 0, except: [], onFailed: (_, error) => expect(error).toBe(null) }),
  ],
  ['releasing a chunk', (db) => stepTaskOf(db, 1, big[0] ?? '')],
  ['canceling a message of a chunk', (db) => cancelMessage(db, 1, big[0] ?? '', BIG_SIZE - 1)],
  ['requesting the cancel of a large operation', (db) => cancelOperation(db, 1, big[0] ?? '')],
  ['canceling a chunk', (db) => stepTaskOf(db, 1, big[0] ?? '')],
  [
    'canceling batches of a large operation',
    async (db) => {
      await client.query(
        `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, due_at, ordinals)
         select 1, operation_id, 'line', 0, 1, false, now(), (b ->> 'ordinals')::int[]
         from operation_chunk, jsonb_array_elements(batches) b where operation_id = $1`,
        [big[0]],
      );
      await client.query('delete from operation_chunk where operation_id = $1', [big[0]]);
      expect(await stepTaskOf(db, 1, big[0] ?? '')).toBe('stepped');
    },
  ],
  [
    'erasing a large operation',
    async (db) => {
      await client.query('delete from dispatch_batch where operation_id = $1', [big[0]]);
      expect(await eraseOperation(db, 1, big[0] ?? '')).toBe('begun');
      expect(await stepTaskOf(db, 1, big[0] ?? '')).toBe('stepped');
    },
  ],
  [
    'ending an erasure',
    async (db) => {
      await client.query('update operation_task set erased_to = $2 where operation_id = $1', [
        big[0],
        messageUuid(big[0] ?? '', BIG_SIZE - 1),
      ]);
      expect(await stepTaskOf(db, 1, big[0] ?? '')).toBe('ended');
    },
  ],
  ['deleting an abandoned request', (db) => stepTaskOf(db, 1, big[2] ?? '')],
  ['looking for due work', (db) => findDueWork(db, ['line'])],
  // Last, since the days are gone then.
  ['retention', (db) => partitions.dropOldPartitions(db, new Date(), DAYS - 2)],
];

describe(`with ${ROWS} rows in each table`, () => {
  it.each(STATEMENTS)(
    '%s reads little',
    async (_, ask) => {
      const plans: Node[][] = [];
      await ask(explaining(plans));
      expect(plans.length).toBeGreaterThan(0);
      for (const nodes of plans) {
        const whole = nodes.filter(({ kind, table }) => kind === 'Seq Scan' && large.has(table));
        expect(whole).toEqual([]);
        const days = nodes.flatMap(({ table }) => (table.startsWith('message_2') ? table : []));
        expect(new Set(days).size).toBeLessThanOrEqual(DAYS_MAX);
      }
    },
    120_000,
  );

  it('the doctor comes to an end', async () => {
    // Cut short above.
    for (const [table, column] of [
      ['operation', 'id'],
      ['operation_task', 'operation_id'],
      ['operation_chunk', 'operation_id'],
      ['dispatch_batch', 'operation_id'],
    ])
      await client.query(`delete from ${table} where ${column} = any($1)`, [big]);
    const audit = openAudit(url);
    const found = await audit.look({
      since: new Date(),
      operationId: null,
      patienceMs: 3_600_000,
      carriers: ['line'],
      senders: [],
      folder: null,
    });
    await audit.close();
    // As it was filled in, and with the day that is gone.
    expect(new Set(found.map(({ what }) => what))).toEqual(
      new Set([
        `${ROWS / DAYS} parked receipts for messages that do not exist.`,
        `${ROWS} batches of operations that do not exist.`,
      ]),
    );
  }, 600_000);
});
