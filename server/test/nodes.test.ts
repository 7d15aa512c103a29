/** Several nodes on one PostgreSQL: roles apart, work shared, a dead node's work taken over, a stop. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from './support/command-host.ts';
import {
  launchFanfare,
  QUICK,
  recipients,
  SID,
  smsOnly,
  startFanfare,
  text,
  TOKEN,
  until,
  useFanfare,
  type Fanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { startSmsc, submitAnswer } from './support/smsc.ts';

/** A further node on the database of another. */
async function addNode(first: FanfareClient, config: object): Promise<Fanfare> {
  const node = await launchFanfare({ config, env: { DATABASE_URL: first.databaseUrl } });
  onTestFinished(() => node.stop().then(() => undefined));
  return node;
}

/** A node that accepts, with a provider that reports to it. */
const PROVIDED = {
  config: {
    roles: ['api'],
    publicUrl: 'https://fanfare.example',
    carriers: {
      simulator: QUICK,
      web: {
        kind: 'http',
        channels: ['SMS'],
        preset: 'classic',
        settings: { baseUrl: 'http://127.0.0.1:9', accountSid: 'AC1', authToken: 'signs' },
      },
    },
    senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'web' }],
  },
};

describe('roles', () => {
  it('can be separate: one node accepts messages that another sends', async () => {
    const api = await startFanfare({ config: { roles: ['api'] } });
    const id = await api.send({ to: recipients(200), content: text('Hello'), ...smsOnly });
    expect((await api.operation(id))['stats'].queued).toBe(200);
    const worker = await addNode(api, { roles: ['dispatch'] });
    await api.watch(id, ({ stats }) => stats.delivered === 200);

    // The worker answers those who look after it, and nobody else.
    expect((await worker.get('/readyz')).body).toEqual({ status: 'ready' });
    expect((await worker.get('/metrics')).body['text']).toMatch(/fanfare_submissions_total 200/);
    expect((await worker.get('/v1/Messages')).status).toBe(404);
    expect((await worker.get('/openapi.json')).status).toBe(404);
    expect((await api.get('/metrics')).body['text']).not.toMatch(/fanfare_submissions_total/);
  });

  it('are checked, and come from the file, the environment or the command line', async () => {
    const DATABASE_URL = 'postgres://x/y';
    const [wrong, shown] = await Promise.all([
      runCommand(['config', 'print'], { DATABASE_URL, FANFARE_ROLES: 'api,sender' }),
      runCommand(['config', 'print'], { DATABASE_URL, FANFARE_ROLES: 'api, dispatch' }),
    ]);
    expect(wrong.err).toContain('must be one of api, dispatch, events');
    expect(JSON.parse(shown.out).roles).toEqual(['api', 'dispatch']);
  });

  it('do not matter for carrier callbacks', async () => {
    const { publicUrl } = PROVIDED.config;
    const api = await useFanfare(PROVIDED);
    // Senders of the configuration are everybody's, and what is sent to them is the first account's.
    const authorization = `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`;
    const list = async (path: string) =>
      (await api.request('GET', path, undefined, { authorization })).body;
    const path = '/carriers/web/receipts';
    const form = { Body: 'STOP', From: '+4917012345678', MessageSid: 'SM1', To: '+15005550100' };
    const signed = `${publicUrl}${path}${Object.entries(form).flat().join('')}`;
    const answer = await api.request('POST', path, new URLSearchParams(form).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': createHmac('sha1', 'signs').update(signed).digest('base64'),
    });
    expect(answer.status).toBe(200);
    expect((await list('/v1/Messages?status=INBOUND'))['messages']).toHaveLength(1);
    expect((await list('/v1/Suppressions'))['suppressions']).toHaveLength(1);
  });
});

describe('a node that is killed', () => {
  const SLOW = {
    // Answers wait to be written for longer than it takes to get a window of them.
    dispatch: { leaseMs: 60_000, settleDelayMs: 100 },
    carriers: { simulator: { windowMax: 20, answerDelayMs: { min: 20, max: 40 } } },
  };
  const IN_DOUBT_MAX = 2 * SLOW.carriers.simulator.windowMax;

  async function killWhileSending(dispatching: Fanfare, id: string): Promise<void> {
    await dispatching.watch(id, ({ stats }) => stats.sent + stats.delivered > 0);
    await dispatching.kill();
  }

  async function expectDone(fanfare: FanfareClient, id: string): Promise<void> {
    // Long before the leases end.
    const { stats } = await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    expect(stats.undelivered).toBeLessThanOrEqual(IN_DOUBT_MAX);
    expect(stats.sent + stats.delivered + stats.undelivered).toBe(1_000);
  }

  it('leaves its batches to another one at once, and few messages in doubt', async () => {
    const first = await startFanfare({ config: SLOW });
    const id = await first.send({ to: recipients(1_000), content: text('Hi'), ...smsOnly });
    const second = await addNode(first, SLOW);
    await killWhileSending(first, id);
    await expectDone(second, id);
  });

  it('continues with its own batches at once after a restart', async () => {
    const fanfare = await startFanfare({ config: SLOW });
    const id = await fanfare.send({ to: recipients(1_000), content: text('Hi'), ...smsOnly });
    await killWhileSending(fanfare, id);
    await fanfare.restart();
    await expectDone(fanfare, id);
  });
});

it('a break of all connections leaves every lease with its node, and nothing in doubt', async () => {
  const simulator = { windowMax: 20, answerDelayMs: { min: 20, max: 40 } };
  const config = { carriers: { simulator } };
  const first = await startFanfare({ config });
  const second = await addNode(first, config);
  const id = await first.send({ to: recipients(3_000), content: text('Hi'), ...smsOnly });
  for (let breaks = 1; breaks <= 3; breaks += 1) {
    // From the database: reads over HTTP are refused for the moment of a break.
    await until(async () => {
      const { rows } = await first.database.query(
        "select count(*)::int as submitted from message where status in ('SENT', 'DELIVERED')",
      );
      return rows[0].submitted >= breaks * 400;
    });
    await first.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'fanfare%'`,
    );
  }
  await until(async () => {
    const { rows } = await first.database.query(
      'select count(*)::int as present from node where free_since is null',
    );
    return rows[0].present === 2;
  });
  const { stats } = await second.watch(id, ({ status }) => status === 'COMPLETED');
  expect(stats).toMatchObject({ attempts: 3_000, undelivered: 0, failed: 0 });
  expect(`${first.errors()}${second.errors()}`).not.toContain('Took over');
});

describe('three nodes', () => {
  it('share the work; batches of a killed node are taken over, and nothing is sent twice', async () => {
    const journals: string[] = [];
    const configFor = (folder: string, name: string, roles: string[]) => {
      const journalFile = join(folder, `${name}.jsonl`);
      journals.push(journalFile);
      return {
        roles,
        dispatch: { leaseMs: 2_000, batchesPerCarrierMax: 2, unsettledMax: 50 },
        carriers: {
          simulator: {
            windowMax: 20,
            // Receipts come well before the answers: what is answered is rarely without one.
            answerDelayMs: { min: 30, max: 60 },
            receiptDelayMs: { min: 0, max: 5 },
            journalFile,
          },
        },
      };
    };
    const first = await startFanfare({ config: { roles: ['api'] } });
    const [killed] = await Promise.all(
      ['a', 'b', 'c'].map((name) => addNode(first, configFor(first.folder, name, ['dispatch']))),
    );
    const id = await first.send({ to: recipients(4_000), content: text('Hello'), ...smsOnly });
    const linesOf = async (file: string) =>
      (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
    // Each of them has begun.
    await until(async () =>
      (await Promise.all(journals.map(linesOf))).every((lines) => lines.length > 0),
    );
    await killed?.kill();
    const taken = new Set(
      (await linesOf(journals[0] ?? '')).map((line): string => JSON.parse(line).to),
    );
    await first.watch(id, ({ status }) => status === 'COMPLETED');
    // The killed one's simulator has taken receipts with it that were not applied yet: of what it took, and of nothing else.
    await until(async () => {
      const { body } = await first.get(
        `/v1/Messages?operationId=${id}&status=SENT&pageSize=${taken.size + 1}`,
      );
      return body['messages'].every((each: Json) => taken.has(each['to'][0].address));
    });
    const done = await first.operation(id);
    const sent = (await Promise.all(journals.map(linesOf)))
      .flat()
      .map((line) => JSON.parse(line).to);
    expect(new Set(sent).size).toBe(sent.length);
    const { delivered, undelivered, sent: waiting } = done['stats'];
    expect(delivered + undelivered + waiting).toBe(4_000);
    // In doubt is what was below the dead node's high-water marks, at its carrier, or answered and not written.
    expect(undelivered).toBeLessThanOrEqual(20 * 2 + 20 + (50 + 20));
    expect(sent.length).toBeGreaterThanOrEqual(delivered + waiting);
  });
});

describe('binds that all nodes share', () => {
  it('are never more than allowed, are shared evenly, and come to those that are left', async () => {
    let most = 0;
    const smsc = await startSmsc({
      bind() {
        most = Math.max(most, smsc.bound + 1);
        return 0;
      },
      submit: (pdu, session) => session.send(submitAnswer(pdu, `id-${pdu.sequence}`)),
    });
    onTestFinished(() => smsc.close());
    const carriers = {
      simulator: QUICK,
      smsc: {
        kind: 'smpp',
        host: '127.0.0.1',
        port: smsc.port,
        systemId: 'one',
        password: 'secret',
        binds: 3,
        bindsMax: 3,
        reconnectMinMs: 100,
        reconnectMaxMs: 200,
      },
    };
    const config = {
      roles: ['dispatch'],
      dispatch: { leaseMs: 2_000 },
      carriers,
      senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'smsc' }],
    };
    const first = await startFanfare({ config: { ...config, roles: ['api', 'dispatch'] } });
    const allowed = async () =>
      (
        await first.database.query<{ allowed: number }>(
          'select allowed from connection_share order by allowed',
        )
      ).rows.map((row) => row.allowed);
    await until(async () => smsc.bound === 3);
    const second = await addNode(first, config);
    await until(async () => (await allowed()).join() === '1,2' && smsc.bound === 3);
    const id = await first.send({ to: recipients(200), content: text('Hello'), ...smsOnly });
    await first.watch(id, ({ status }) => status === 'COMPLETED');
    await second.kill();
    await until(async () => (await allowed()).join() === '3' && smsc.bound === 3);
    expect(most).toBe(3);
  });
});

describe('a node whose database is not there yet', () => {
  it('waits for it, as long as configured', async () => {
    const first = await useFanfare(PROVIDED);
    const target = new URL(first.databaseUrl);
    let refusals = 0;
    let refusalsMax = Infinity;
    const proxy = createServer((socket) => {
      socket.on('error', () => undefined);
      if (refusals < refusalsMax) {
        refusals += 1;
        socket.destroy();
        return;
      }
      const onward = connect(Number(target.port), target.hostname);
      onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket
        .on('close', () => onward.destroy())
        .pipe(onward)
        .pipe(socket);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void proxy.close());
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const env = { DATABASE_URL: Object.assign(new URL(target), { port: String(port) }).href };

    await expect(
      launchFanfare({ config: { roles: ['dispatch'], databaseWaitMs: 0 }, env }),
    ).rejects.toThrow('It ended with 1');
    refusalsMax = refusals + 2;
    const node = await launchFanfare({ config: { roles: ['dispatch'] }, env });
    onTestFinished(() => node.stop().then(() => undefined));
    expect(refusals).toBe(refusalsMax);
    expect((await node.get('/readyz')).status).toBe(200);
  });
});

describe('a migration', () => {
  it('gives up a wait for a lock, so that requests do not wait behind it, and a newer schema is refused', async () => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    const { database } = fanfare;
    const sender = { channel: 'SMS', address: '+15005550877', carrier: 'simulator' };
    const { body } = await fanfare.request('POST', '/v1/Senders', sender);
    // As if this migration were still to come: it adds triggers to senders.
    await database.query('drop function count_quota, renew_pool_versions cascade');
    await database.query('drop table quota_usage');
    await database.query("delete from migration where name like '0006-%'");
    const holder = await database.connect();
    await holder.query('begin');
    await holder.query('lock table sender in row exclusive mode');
    const second = addNode(fanfare, { roles: ['api'] });
    await until(async () => {
      const { rowCount } = await database.query(
        "select 1 from pg_locks where not granted and relation = 'sender'::regclass",
      );
      return rowCount === 1;
    });
    // It stands behind the migration in the queue for the lock, and passes when that gives up.
    const changed = await fanfare.request('PATCH', `/v1/Senders/${body['id']}`, { dailyCap: 7 });
    expect([changed.status, changed.body['dailyCap']]).toEqual([200, 7]);
    await holder.query('commit');
    holder.release();
    await second;

    await database.query(
      "insert into migration (name, digest) values ('9999-from-the-future.sql', '')",
    );
    await fanfare.terminate();
    await expect(fanfare.restart()).rejects.toThrow(/migrated by a newer Fanfare/);
  }, 60_000);

  it('refuses the database of a pre-release version, with the action to take', async () => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    const refusal =
      /pre-release version of Fanfare, which cannot be upgraded\. Set DATABASE_URL to an empty database/;
    await fanfare.database.query(
      "update migration set digest = md5(digest) where name like '0003-%'",
    );
    await fanfare.terminate();
    await expect(fanfare.restart()).rejects.toThrow(refusal);
    // Older ones recorded the names alone, of files that are gone or have other contents.
    await fanfare.database.query('alter table migration drop column digest');
    await expect(fanfare.restart()).rejects.toThrow(refusal);
  });
});

describe('a node at its stop', () => {
  it('is not ready first, and answers meanwhile', async () => {
    const fanfare = await startFanfare({ config: { shutdownDelayMs: 1_000 } });
    const attempt = async (delayMs: number): Promise<void> => {
      const toldAt = performance.now();
      const ended = fanfare.terminate();
      try {
        await until(async () => (await fanfare.get('/readyz')).status === 503);
        const id = await fanfare.send({ to: recipients(1), content: text('Hello') });
        expect(id).toMatch(/^comms_operation_/);
      } catch (error) {
        // A machine too slow to ask within the time gets more of it.
        if (performance.now() - toldAt < delayMs || delayMs > 10_000) throw error;
        await ended;
        await fanfare.restart({ shutdownDelayMs: delayMs * 2 });
        return attempt(delayMs * 2);
      }
      await ended;
      expect(performance.now() - toldAt).toBeGreaterThan(delayMs - 20);
    };
    await attempt(1_000);
  });

  it('waits for no connection that asks for nothing', async () => {
    const fanfare = await startFanfare();
    const { hostname, port } = new URL(fanfare.url);
    const silent = connect(Number(port), hostname);
    silent.on('error', () => undefined);
    onTestFinished(() => void silent.destroy());
    await once(silent, 'connect');
    await fanfare.get('/healthz');
    // Not 1, which is what it ends with when it could not stop in time.
    expect(await fanfare.stop()).toBe(0);
  });
});
