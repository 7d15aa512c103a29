/** How many things of each kind an account may have: exact under concurrent requests, and counted as they are. */
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeTypeId, uuidLowerBound } from '../src/domain/ids.ts';
import { newKeySid } from '../src/lib/secrets.ts';
import { auditQuotas } from '../src/store/audit/quotas.ts';
import { openDatabase } from '../src/store/database.ts';
import { readMigrations } from '../src/store/migrate.ts';
import { dropOldPoolOperations } from '../src/store/sender-pools.ts';
import { QUOTAS } from '../src/store/quotas.ts';
import {
  createDatabase,
  dropDatabase,
  recipients,
  text,
  useFanfare,
  type Answer,
  type FanfareClient,
} from './support/fanfare.ts';

const NIL = '00000000-0000-0000-0000-000000000000';

let fanfare: FanfareClient;
let accountId: number;
let poolId: string;
let senderIds: string[];
beforeAll(async () => {
  fanfare = await useFanfare();
  const { rows } = await fanfare.database.query('select id from account where sid = $1', [
    fanfare.sid,
  ]);
  accountId = rows[0].id;
  senderIds = await Promise.all(
    [...Array(6).keys()].map(async () => (await createSender()).body['id']),
  );
  await fanfare.request('POST', '/v1/SenderPools', { name: 'full' });
  poolId = (await fanfare.get('/v1/SenderPools')).body['senderPools'][0].id;
});

let last = 0;
const number = () => `+1500557${String((last += 1)).padStart(4, '0')}`;
const createSender = () =>
  fanfare.request('POST', '/v1/Senders', { address: number(), channel: 'SMS' });

interface Kind {
  readonly resource: keyof typeof QUOTAS;
  readonly owner?: () => string;
  readonly make: (i: number) => Promise<Answer>;
  /** Takes away what was made, where something can. */
  readonly undo?: (made: Answer) => Promise<Answer>;
  /** Status and words of the refusal. */
  readonly refused: readonly [number, string];
}

const KINDS: readonly Kind[] = [
  {
    resource: 'sender',
    make: createSender,
    undo: ({ body }) => fanfare.request('DELETE', `/v1/Senders/${body['id']}`),
    refused: [409, 'An account has at most 50,000 senders: delete some'],
  },
  {
    resource: 'sender_pool',
    make: () => fanfare.request('POST', '/v1/SenderPools', {}),
    undo: async ({ body }) => {
      const path = `/v1/SenderPools?operationId=${body['operationId']}`;
      const { id } = (await fanfare.get(path)).body['senderPools'][0];
      return fanfare.request('DELETE', `/v1/SenderPools/${id}`);
    },
    refused: [409, 'An account has at most 1,000 sender pools: delete some'],
  },
  {
    resource: 'sender_pool_member',
    owner: () => decodeTypeId('comms_senderpool', poolId) ?? '',
    make: (i) =>
      fanfare.request('POST', `/v1/SenderPools/${poolId}/Senders`, [{ senderId: senderIds[i] }]),
    refused: [409, 'A sender pool has at most 10,000 members: take some out'],
  },
  {
    resource: 'content_template',
    make: () => fanfare.request('POST', '/v1/Content', { types: { 'twilio/text': { body: 'x' } } }),
    undo: ({ body }) => fanfare.request('DELETE', `/v1/Content/${body['id']}`),
    refused: [409, 'An account has at most 1,000 content templates: delete some'],
  },
  {
    resource: 'subscription',
    make: () => fanfare.request('POST', '/v1/Subscriptions', { url: 'https://example.com/hook' }),
    undo: ({ body }) => fanfare.request('DELETE', `/v1/Subscriptions/${body['id']}`),
    refused: [409, 'An account has at most 100 subscriptions: delete one'],
  },
  {
    resource: 'callback',
    make: (i) =>
      fanfare.request('POST', '/v1/Messages', {
        to: recipients(1),
        content: text('Hi'),
        statusCallback: `https://example.com/${i}-${(last += 1)}`,
      }),
    refused: [400, 'An account has at most 10,000 callback URLs: delete some'],
  },
  {
    resource: 'suppression',
    make: () => fanfare.request('POST', '/v1/Suppressions', { address: number() }),
    undo: ({ body }) => fanfare.request('DELETE', `/v1/Suppressions/${body['id']}`),
    refused: [409, 'An account has at most 10,000,000 suppressions: remove some'],
  },
];

/** Makes the account look as if it had so many, and puts it back. */
async function withUsed<Result>(
  { resource, owner = () => NIL }: Pick<Kind, 'resource' | 'owner'>,
  used: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const key = [accountId, resource, owner()];
  const add = async (n: number) =>
    fanfare.database.query(
      `insert into quota_usage as q values ($1, $2, $3, $4) on conflict (account_id, resource, owner_id)
       do update set used = q.used + excluded.used`,
      [...key, n],
    );
  const { rows } = await fanfare.database.query(
    'select used from quota_usage where account_id = $1 and resource = $2 and owner_id = $3',
    key,
  );
  const pretended = used - (rows[0]?.used ?? 0);
  await add(pretended);
  try {
    return await work();
  } finally {
    await fanfare.database.query(
      'update quota_usage set used = used - $4 where account_id = $1 and resource = $2 and owner_id = $3',
      [...key, pretended],
    );
  }
}

describe('the maximum of an account', () => {
  it.each(KINDS)('holds for each $resource, however many come at once', async (kind) => {
    await withUsed(kind, QUOTAS[kind.resource].max - 2, async () => {
      const answers = await Promise.all([...Array(6).keys()].map((i) => kind.make(i)));
      const [made, refused] = [200, 400].map((from) =>
        answers.filter(({ status }) => status >= from && status < from + 200),
      ) as [Answer[], Answer[]];
      expect([made.length, refused.length]).toEqual([2, 4]);
      const [status, words] = kind.refused;
      for (const each of refused) {
        expect([each.status, each.body['message']]).toEqual([
          status,
          expect.stringContaining(words),
        ]);
        if (status === 409) expect(each.body['code']).toBe(20414);
      }
      if (kind.undo === undefined) return;
      expect((await kind.undo(made[0] as Answer)).status).toBeLessThan(300);
      expect((await kind.make(0)).status).toBeLessThan(300);
      expect((await kind.make(0)).status).toBe(status);
    });
  });

  it('holds for what comes together, as a whole or not at all', async () => {
    const addresses = [number(), number(), number()];
    const ask = () => fanfare.request('POST', '/v1/Suppressions/Import', { addresses });
    await withUsed({ resource: 'suppression' }, QUOTAS.suppression.max - 2, async () => {
      expect((await ask()).status).toBe(409);
    });
    expect((await ask()).body).toEqual({ total: 3, created: 3 });
    await withUsed({ resource: 'suppression' }, QUOTAS.suppression.max, async () => {
      expect((await ask()).body).toEqual({ total: 3, created: 0 });
    });
    const pool = { name: 'too many', senders: senderIds.map((senderId) => ({ senderId })) };
    await withUsed({ resource: 'sender_pool' }, QUOTAS.sender_pool.max, async () => {
      expect((await fanfare.request('POST', '/v1/SenderPools', pool)).status).toBe(409);
    });
    expect((await fanfare.request('POST', '/v1/SenderPools', pool)).status).toBe(202);
  });

  it('is 100 API keys; those that are good for nothing make room, the oldest first', async () => {
    const make = () => fanfare.request('POST', '/v1/ApiKeys', {});
    const kept = await make();
    await fanfare.database.query(
      `insert into api_key (sid, account_id, secret_hash, revoked_at, expires_at)
       select sid, $1, '', case when i = 1 then now() - interval '2 days' end,
         case when i = 2 then now() - interval '1 day' end from unnest($2::text[]) with ordinality as s(sid, i)`,
      [accountId, [...Array(98).keys()].map(() => newKeySid())],
    );
    const statuses = (await Promise.all([make(), make(), make(), make(), make()])).map(
      ({ status }) => status,
    );
    expect(statuses.toSorted()).toEqual([201, 201, 201, 409, 409]);
    const { body } = await make();
    expect(body['message']).toBe(
      'An account has at most 100 API keys: revoke one that is not used any more.',
    );
    expect((await fanfare.request('DELETE', `/v1/ApiKeys/${kept.body['sid']}`)).status).toBe(204);
    expect((await make()).status).toBe(201);
    const keys = (await fanfare.get('/v1/ApiKeys')).body['apiKeys'];
    expect([keys.length, keys.filter((each: any) => each.revokedAt !== null).length]).toEqual([
      100, 0,
    ]);
  });

  it('is of each account', async () => {
    const other = await useFanfare();
    await withUsed({ resource: 'sender' }, QUOTAS.sender.max, async () => {
      expect((await createSender()).status).toBe(409);
      const body = { address: number(), channel: 'SMS' };
      expect((await other.request('POST', '/v1/Senders', body)).status).toBe(201);
    });
  });
});

it('counts what there is, also after all that goes with something else', async () => {
  const pools = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const senders = senderIds.map((senderId) => ({ senderId }));
      const { body } = await fanfare.request('POST', '/v1/SenderPools', { name, senders });
      const path = `/v1/SenderPools?operationId=${body['operationId']}`;
      return (await fanfare.get(path)).body['senderPools'][0].id as string;
    }),
  );
  for (const senderPoolId of pools)
    await fanfare.request('POST', '/v1/Suppressions', { address: number(), senderPoolId });
  await fanfare.request('POST', '/v1/Suppressions', { address: number(), senderId: senderIds[0] });
  const answers = await Promise.all([
    fanfare.request('DELETE', `/v1/SenderPools/${pools[0]}`),
    ...senderIds.slice(0, 3).map((id) => fanfare.request('DELETE', `/v1/Senders/${id}`)),
    fanfare.request('DELETE', `/v1/SenderPools/${pools[1]}/Senders/${senderIds[4]}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([202, 204, 204, 204, 202]);
  const database = openDatabase({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
  try {
    expect(await auditQuotas(database)).toEqual([]);
  } finally {
    await database.close();
  }
});

it('forgets operations on pools that are older than the retention', async () => {
  const day = 86_400_000;
  const ids = [1, 3].map((days) => uuidLowerBound(Date.now() - days * day));
  for (const id of ids)
    await fanfare.database.query(
      'insert into sender_pool_operation (account_id, id, pool_id, total, created, failed) values ($1, $2, $2, 0, 0, 0)',
      [accountId, id],
    );
  const database = openDatabase({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
  try {
    expect(await dropOldPoolOperations(database, 2)).toBe(false);
  } finally {
    await database.close();
  }
  const { rows } = await fanfare.database.query(
    'select id from sender_pool_operation where account_id = $1 and id = any($2)',
    [accountId, ids],
  );
  expect(rows.map(({ id }) => id)).toEqual(ids.slice(0, 1));
});

it('counts what was there before it counted', async () => {
  const url = await createDatabase('empty');
  const database = openDatabase({ url, connectionsMax: 1, name: 'test' });
  try {
    const migrations = await readMigrations();
    const counting = migrations.findIndex(({ name }) => name.startsWith('0020'));
    for (const { sql } of migrations.slice(0, counting)) await database.query(sql);
    await database.query(`
      insert into account (sid, token_hash) values ('a', ''), ('b', '');
      insert into sender (id, account_id, channel, address, carrier)
        select gen_random_uuid(), case when i < 9 then 1 + i % 2 end, 'SMS', i::text, 'x' from generate_series(1, 9) i;
      insert into sender_pool (account_id, id, name) values (1, gen_random_uuid(), 'p');
      insert into sender_pool_member select 1, p.id, s.id from sender_pool p, sender s;
      insert into api_key (sid, account_id, secret_hash) values ('k', 2, '');
      insert into suppression (account_id, id, address) values (1, gen_random_uuid(), '1');
      insert into subscription (account_id, id, kind, target, types, names, batch_size, batch_delay_ms, secret)
        select 1, gen_random_uuid(), k::subscription_kind, k, '{}', '{}', 1, 1, '' from unnest('{CALLBACK,SINK}'::text[]) k;`);
    for (const { sql } of migrations.slice(counting)) await database.query(sql);
    const { rows } = await database.query<{ n: number }>(
      'select count(*)::int as n from quota_usage',
    );
    expect(rows[0]?.n).toBe(8);
    expect(await auditQuotas(database)).toEqual([]);
  } finally {
    await database.close();
    await dropDatabase(url);
  }
});
