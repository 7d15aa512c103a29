/** Requests that read an operation of several sections: reports, errors, exports; and rows of requests that are not accepted yet. */
import { appendFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FanfareClient } from '@fanfare/client';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeTypeId, messageUuid, newOperationUuid } from '../src/domain/ids.ts';
import { openAudit } from '../src/store/audit/audit.ts';
import {
  recipients,
  runProgram,
  smsOnly,
  text,
  useFanfare,
  type FanfareClient as Server,
  type Json,
} from './support/fanfare.ts';
import { makeLargeOperation, type LargeOperation } from './support/large-operation.ts';

/** Three stretches: two whole ones, and a part. */
const RECIPIENTS = 36_000;
const QUEUED = 300;

let fanfare: Server;
beforeAll(async () => {
  fanfare = await useFanfare();
});

const pathOf = ({ id }: LargeOperation, rest = '') => `/v1/Messages/Operations/${id}${rest}`;

/** What the messages say, counted without sections. */
async function countAll({ accountId, uuid }: LargeOperation): Promise<Json> {
  const range = [accountId, uuid, messageUuid(uuid, RECIPIENTS)];
  const { rows: statuses } = await fanfare.database.query(
    `select status, count(*)::int from message where account_id = $1 and id > $2 and id < $3 group by 1 order by 1`,
    range,
  );
  const { rows: errors } = await fanfare.database.query(
    `select error_code as code, count(*)::int from message
     where account_id = $1 and id > $2 and id < $3 and status in ('FAILED', 'UNDELIVERED') and error_code is not null
     group by 1 union all
     select code, count(*)::int from unaddressable where account_id = $1 and id > $2 and id < $3 group by 1
     order by 2 desc, 1`,
    range,
  );
  const { rows: time } = await fanfare.database.query(
    `select count(*)::int as submitted, (count(*) filter (where status in ('DELIVERED', 'READ', 'UNDELIVERED')))::int as settled
     from message where account_id = $1 and id > $2 and id < $3 and attempted_at is not null`,
    range,
  );
  return { statuses, errors, time: time[0] };
}

async function report(operation: LargeOperation): Promise<Json> {
  const { status, body } = await fanfare.get(pathOf(operation, '/Report'));
  expect(status).toBe(200);
  return body;
}

const sum = (buckets: Json[], name: string) =>
  buckets.reduce((all: number, each: Json) => all + each[name], 0);

async function expectExactReport(operation: LargeOperation): Promise<void> {
  const { senders, errors, buckets } = await report(operation);
  const counted = await countAll(operation);
  expect(senders).toHaveLength(1);
  expect(senders[0].statuses).toEqual(counted['statuses']);
  expect(errors.map(({ code, count }: Json) => ({ code, count }))).toEqual(counted['errors']);
  expect({ submitted: sum(buckets, 'submitted'), settled: sum(buckets, 'settled') }).toEqual(
    counted['time'],
  );
}

describe('a report on an operation of several sections', () => {
  it('is exact at first, and after each change of a message', async () => {
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS, {
      queued: QUEUED,
    });
    await expectExactReport(operation);
    const first = await report(operation);
    expect(first['errors'][0].examples).toHaveLength(3);
    expect(first['errors'].find((each: Json) => each.code === 21612).examples[0]).toEqual({
      messageId: null,
      address: '+15005000500',
    });
    expect(first['buckets'].length).toBeLessThanOrEqual(120);
    // A message of the last stretch is canceled, one of the first and one of the second are erased.
    const message = (ordinal: number) =>
      `/v1/Messages/${encodeTypeId('comms_message', messageUuid(operation.uuid, ordinal))}`;
    expect((await fanfare.request('POST', `${message(RECIPIENTS - 1)}/Cancel`)).status).toBe(200);
    await expectExactReport(operation);
    for (const ordinal of [7, 16_407])
      expect((await fanfare.request('DELETE', message(ordinal))).status).toBe(204);
    await expectExactReport(operation);
    const { errors } = await report(operation);
    const addresses = errors.flatMap(({ examples }: Json) => examples.map((e: Json) => e.address));
    expect(addresses).not.toContain('+15005000007');
    expect((await fanfare.request('POST', pathOf(operation, '/Cancel'))).status).toBe(200);
    await expectExactReport(operation);
    expect((await fanfare.request('DELETE', pathOf(operation))).status).toBe(204);
    expect((await report(operation))['errors'].flatMap(({ examples }: Json) => examples)).toEqual(
      [],
    );
    await expectExactReport(operation);
  });

  it('misses no change that is made while it counts', async () => {
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS, {
      queued: QUEUED,
    });
    let isOver = false;
    const asking = Array.from({ length: 2 }, async () => {
      while (!isOver) {
        const { senders } = await report(operation);
        expect(senders[0].total).toBe(RECIPIENTS * 0.999);
      }
    });
    for (let ordinal = RECIPIENTS - QUEUED; ordinal < RECIPIENTS; ordinal += 10) {
      const id = encodeTypeId('comms_message', messageUuid(operation.uuid, ordinal));
      await fanfare.request('POST', `/v1/Messages/${id}/Cancel`);
    }
    isOver = true;
    await Promise.all(asking);
    await expectExactReport(operation);
    const { body } = await fanfare.get(pathOf(operation));
    expect(body['stats'].canceled).toBe(QUEUED / 10);
  });

  it('counts only sections that have changed', async () => {
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS, {
      queued: QUEUED,
    });
    await report(operation);
    const versions = async () => {
      const { rows } = await fanfare.database.query(
        'select version, counts is not null as counted from operation_section where operation_id = $1 order by section',
        [operation.uuid],
      );
      return rows;
    };
    const fresh = { version: 1, counted: true };
    expect(await versions()).toEqual([fresh, fresh, fresh]);
    const id = encodeTypeId('comms_message', messageUuid(operation.uuid, RECIPIENTS - 1));
    await fanfare.request('POST', `/v1/Messages/${id}/Cancel`);
    await report(operation);
    await report(operation);
    expect(await versions()).toEqual([fresh, fresh, { version: 2, counted: true }]);
  });

  it('counts each sender of a pool', async () => {
    const senders = ['+15005550711', '+15005550712'];
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS, {
      senders,
    });
    const counted = (await report(operation))['senders'];
    expect(counted.map(({ address }: Json) => address).toSorted()).toEqual(senders);
    expect(sum(counted, 'total')).toBe(RECIPIENTS * 0.999);
  });
});

describe('recipients without success', () => {
  it('are listed in order over all pages, also when stretches without them are passed over', async () => {
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS);
    const range = [operation.accountId, operation.uuid];
    await fanfare.database.query(
      `update message set status = 'DELIVERED', error_code = null
       where account_id = $1 and id between message_of($2, 16384) and message_of($2, 32767)`,
      range,
    );
    await fanfare.database.query(
      `delete from unaddressable where account_id = $1 and id between message_of($2, 16384) and message_of($2, 32767)`,
      range,
    );
    const client = new FanfareClient({
      accountId: fanfare.sid,
      authToken: fanfare.token,
      baseUrl: fanfare.url,
    });
    const readAll = async () => {
      const contexts: string[] = [];
      for await (const { context } of client.messages.listOperationErrors(operation.id, {
        pageSize: 150,
      }))
        contexts.push(context);
      return contexts;
    };
    const before = await readAll();
    const isBad = (n: number) => n % 100 === 7 || n % 1000 === 500;
    const wanted = Array.from({ length: RECIPIENTS }, (_, n) => n)
      .filter((n) => isBad(n) && (n < 16_384 || n > 32_767))
      .map((n) => `$.to[${n}]`);
    expect(before).toEqual(wanted);
    await report(operation);
    expect(await readAll()).toEqual(wanted);
  });
});

describe('a request that sends a large operation again', () => {
  it('has all recipients with the statuses, in order', async () => {
    const operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS);
    const { status, body } = await fanfare.get(pathOf(operation, '/Request?statuses=UNDELIVERED'));
    expect(status).toBe(200);
    expect(body['to']).toEqual(
      Array.from({ length: RECIPIENTS / 100 }, (_, i) => ({
        address: `+1500${5_000_007 + i * 100}`,
        channel: 'PHONE',
      })),
    );
    expect(body['content']).toEqual({ text: 'Hello' });
    const none = await fanfare.get(pathOf(operation, '/Request?statuses=READ'));
    expect(none.body['to']).toEqual([]);
  });
});

describe('an export', () => {
  let operation: LargeOperation;
  beforeAll(async () => {
    operation = await makeLargeOperation(fanfare.database, fanfare.sid, RECIPIENTS, {
      queued: QUEUED,
    });
  });

  const ask = async (query: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${fanfare.url}${pathOf(operation, `/Export${query}`)}`, {
      headers: { authorization: `Basic ${btoa(`${fanfare.sid}:${fanfare.token}`)}`, ...headers },
    });
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: await answer.text(),
    };
  };
  const parse = (body: string): Json[] =>
    body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it('has all recipients in order, as NDJSON', async () => {
    const { status, type, body } = await ask('');
    expect([status, type]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const rows = parse(body);
    expect(rows.map(({ ordinal }) => ordinal)).toEqual(
      Array.from({ length: RECIPIENTS }, (_, i) => i),
    );
    expect(rows[7]).toEqual({
      ordinal: 7,
      address: '+15005000007',
      channel: 'SMS',
      status: 'UNDELIVERED',
      from: '+15005550100',
      errorCode: 30004,
      error: 'said 1',
      attempts: 1,
      attemptedAt: expect.stringMatching(/^20.*Z$/),
      updatedAt: expect.stringMatching(/^20.*Z$/),
      id: encodeTypeId('comms_message', messageUuid(operation.uuid, 7)),
      variables: null,
      pageToken: expect.stringMatching(/^[\w-]{23}$/),
    });
    expect(rows[500]).toMatchObject({
      address: '+15005000500',
      channel: 'WHATSAPP',
      status: 'UNADDRESSABLE',
      errorCode: 21612,
      from: null,
      id: null,
    });
    expect(rows[50]).toMatchObject({ variables: { name: '=N50' } });
    expect(rows.at(-1)).toMatchObject({ status: 'QUEUED', attempts: 0, attemptedAt: null });
  });

  it('continues behind any line', async () => {
    const rows = (await ask('')).body.split('\n');
    for (const at of [0, 500, 16_382, 16_383, 16_384, RECIPIENTS - 2, RECIPIENTS - 1]) {
      const { pageToken } = JSON.parse(rows[at] ?? '');
      expect((await ask(`?pageToken=${pageToken}`)).body).toBe(rows.slice(at + 1).join('\n'));
    }
  });

  it('has the same rows as CSV, in which no cell is a formula', async () => {
    await fanfare.database.query(
      `update message set error_detail = '=cmd' where account_id = $1 and id = $2`,
      [operation.accountId, messageUuid(operation.uuid, 107)],
    );
    const { type, body } = await ask('?format=csv');
    expect(type).toBe('text/csv; charset=utf-8');
    const [header = '', ...lines] = body.split('\r\n');
    expect(header).toBe(
      'ordinal,address,channel,status,from,errorCode,error,attempts,attemptedAt,updatedAt,id,variables,pageToken',
    );
    expect(lines.length - 1).toBe(RECIPIENTS);
    expect(lines[107]).toContain(`,30005,'=cmd,1,`);
    expect(lines[50]).toContain(`"{""name"":""=N50""}"`);
    const byAccept = await ask('', { accept: 'text/csv' });
    expect(byAccept.body).toBe(body);
    const token = lines[9]?.split(',').at(-1);
    const rest = await ask(`?format=csv&pageToken=${token}`);
    expect(rest.body).toBe(lines.slice(10).join('\r\n'));
  });

  it('has some statuses only, and says which there are', async () => {
    const rows = parse((await ask('?statuses=UNADDRESSABLE,SENT')).body);
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['UNADDRESSABLE', 'SENT']));
    expect(rows).toHaveLength((2 * RECIPIENTS) / 1_000);
    expect(parse((await ask('?statuses=READ')).body)).toEqual([]);
    const wrong = await ask('?statuses=NOPE');
    expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining('UNADDRESSABLE')]);
    const other = newOperationUuid(Date.now());
    const token = Buffer.from(`01${other.replaceAll('-', '')}`, 'hex').toString('base64url');
    expect((await ask(`?pageToken=${token}`)).status).toBe(400);
    expect((await ask('?format=xml')).status).toBe(400);
  });

  it('is read by the client row by row, and continues after a broken connection', async () => {
    let requests = 0;
    const client = new FanfareClient({
      accountId: fanfare.sid,
      authToken: fanfare.token,
      baseUrl: fanfare.url,
      // The first answer breaks in a line.
      fetch: async (...request) => {
        const answer = await fetch(...request);
        requests += 1;
        if (requests > 1 || answer.body === null) return answer;
        let taken = 0;
        const broken = answer.body.pipeThrough(
          new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
              taken += chunk.length;
              if (taken < 1_000_000) controller.enqueue(chunk);
              else {
                controller.enqueue(chunk.subarray(0, 1_001));
                controller.error(new Error('broken'));
              }
            },
          }),
        );
        return new Response(broken, answer);
      },
    });
    let next = 0;
    for await (const { ordinal, updatedAt } of client.messages.exportOperation(operation.id)) {
      if (ordinal !== next) expect(ordinal).toBe(next);
      if (ordinal === 0) expect(updatedAt).toBeInstanceOf(Date);
      next += 1;
    }
    expect(next).toBe(RECIPIENTS);
    expect(requests).toBe(2);
    const few: number[] = [];
    for await (const { ordinal } of client.messages.exportOperation(operation.id, {
      statuses: ['UNADDRESSABLE'],
    })) {
      few.push(ordinal);
      if (few.length === 2) break;
    }
    expect(few).toEqual([500, 1_500]);
    await expect(client.messages.exportOperation('comms_operation_x').next()).rejects.toThrow(
      'no such operation',
    );
  });

  it('is written to a file and continued by the command line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanfare-export-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const env = {
      FANFARE_BASE_URL: fanfare.url,
      FANFARE_ACCOUNT_SID: fanfare.sid,
      FANFARE_AUTH_TOKEN: fanfare.token,
    };
    for (const name of ['results.csv', 'results.ndjson']) {
      const file = join(folder, name);
      const command = ['operations', 'export', operation.id, '--output', file];
      expect(await runProgram(command, env)).toMatchObject({
        code: 0,
        err: expect.stringContaining('36,000 recipients exported'),
      });
      const whole = await readFile(file, 'utf8');
      const served = await ask(`?format=${name.split('.')[1]}`);
      expect(whole).toBe(served.body);
      expect((await runProgram(command, env)).code).toBe(2);
      await truncate(file, 2_000_001);
      expect((await runProgram([...command, '--resume'], env)).code).toBe(0);
      expect(await readFile(file, 'utf8')).toBe(whole);
      await appendFile(file, 'x\n');
      expect((await runProgram([...command, '--resume'], env)).code).toBe(2);
    }
    const printed = await runProgram(
      ['operations', 'export', operation.id, '--status', 'SENT', '--format', 'csv'],
      env,
    );
    expect(printed.out.split('\r\n')).toHaveLength(2 + RECIPIENTS / 1_000);
  });
});

describe('messages of a request that is not accepted', () => {
  it('are in no list, and do not shorten it', async () => {
    const own = fanfare;
    const sent = await own.send({ to: recipients(60), content: text('Hi'), ...smsOnly });
    await own.watch(sent, ({ stats }) => stats.delivered === 60);
    const hidden = await makeLargeOperation(own.database, own.sid, 3_000, { isAccepted: false });
    const later = await own.send({ to: recipients(3), content: text('Hi'), ...smsOnly });
    const list = async (query: string) => (await own.get(`/v1/Messages?${query}`)).body;
    const first = await list('pageSize=50');
    const operationOf = ({ related }: Json) => related[0].id;
    expect(first['messages'].map(operationOf)).toEqual([
      ...Array.from({ length: 3 }, () => later),
      ...Array.from({ length: 47 }, () => sent),
    ]);
    const second = await list(`pageSize=13&pageToken=${first['pagination'].next}`);
    expect(second['messages'].map(operationOf)).toEqual(Array.from({ length: 13 }, () => sent));
    expect((await list(`operationId=${hidden.id}`))['messages']).toEqual([]);
    const search = await own.request('POST', '/v1/Messages/Search', { address: '+15005000001' });
    expect(search.body['messages'].map(operationOf)).not.toContain(hidden.id);
    const inside = Buffer.from(
      `01${messageUuid(hidden.uuid, 99).replaceAll('-', '')}`,
      'hex',
    ).toString('base64url');
    expect((await list(`pageSize=2&pageToken=${inside}`))['messages'].map(operationOf)).toEqual([
      sent,
      sent,
    ]);
    const uuid = messageUuid(hidden.uuid, 1);
    const attempt = `SM${uuid.replaceAll('-', '').slice(0, 12)}1${uuid.replaceAll('-', '').slice(13)}`;
    for (const path of [
      `/v1/Messages/${encodeTypeId('comms_message', uuid)}`,
      `/v1/Messages/${encodeTypeId('comms_message', uuid)}/Receipts`,
      `/v1/Messages/Seek/${attempt}`,
      pathOf(hidden),
      ...['/Report', '/Errors', '/Export', '/Request', '/Stream'].map((each) =>
        pathOf(hidden, each),
      ),
    ])
      expect([path, (await own.get(path)).status]).toEqual([path, 404]);
    for (const [method, path] of [
      ['DELETE', `/v1/Messages/${encodeTypeId('comms_message', uuid)}`],
      ['POST', `/v1/Messages/${encodeTypeId('comms_message', uuid)}/Cancel`],
      ['DELETE', pathOf(hidden)],
      ['POST', pathOf(hidden, '/Cancel')],
    ] as const)
      expect([path, (await own.request(method, path)).status]).toEqual([path, 404]);
    const { body } = await own.get('/v1/Messages/Operations');
    expect(body['operations'].map(({ id }: Json) => id)).not.toContain(hidden.id);
  });
});

describe('the audit', () => {
  it('does not miss batches that are still to come, and counts all parts of an operation', async () => {
    const { database, sid } = fanfare;
    const { id, uuid, accountId } = await makeLargeOperation(database, sid, 140_000, {
      queued: 2_000,
    });
    const audit = openAudit(fanfare.databaseUrl);
    onTestFinished(() => audit.close());
    const look = async () => {
      const found = await audit.look({
        since: new Date(Date.now() - 60_000),
        operationId: uuid,
        patienceMs: 3_600_000,
        carriers: ['simulator'],
        senders: [],
        folder: null,
      });
      return found.filter(({ where }) => where === id).map(({ check, what }) => [check, what]);
    };
    expect(await look()).toEqual([]);
    await database.query('delete from dispatch_batch where operation_id = $1', [uuid]);
    await database.query(
      `insert into operation_chunk (account_id, operation_id, number, batches)
       select $1, $2, 0, jsonb_build_array(jsonb_build_object('ordinals', (
         select array_agg(ordinal_of(id))::text from message where account_id = $1 and operation_of(id) = $2)))`,
      [accountId, uuid],
    );
    expect(await look()).toEqual([]);
    await database.query('delete from operation_chunk where operation_id = $1', [uuid]);
    expect(await look()).toEqual([['orphans', '1998 unsent messages in no batch.']]);
  });
});
