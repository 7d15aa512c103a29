/** Several nodes on one PostgreSQL: roles apart, work shared, a dead node's work taken over, one told to stop. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  launchFanfare,
  QUICK,
  recipients,
  runProgram,
  smsOnly,
  startFanfare,
  text,
  until,
  type Fanfare,
} from './support/fanfare.ts';

/** A further node on the database of another. */
async function addNode(first: Fanfare, config: object): Promise<Fanfare> {
  const node = await launchFanfare({ config, env: { DATABASE_URL: first.databaseUrl } });
  onTestFinished(() => node.stop().then(() => undefined));
  return node;
}

describe('roles', () => {
  it('may be apart: what one node accepts another sends', async () => {
    const api = await startFanfare({ config: { roles: ['api'] } });
    const id = await api.send({ to: recipients(500), content: text('Hello'), ...smsOnly });
    expect((await api.operation(id))['stats'].queued).toBe(500);
    const worker = await addNode(api, { roles: ['dispatch'] });
    await api.watch(id, ({ stats }) => stats.delivered === 500);

    // The worker answers those who look after it, and nobody else.
    expect((await worker.get('/readyz')).body).toEqual({ status: 'ready' });
    expect((await worker.get('/metrics')).body['text']).toMatch(/fanfare_submissions_total 500/);
    expect((await worker.get('/v1/Messages')).status).toBe(404);
    expect((await worker.get('/openapi.json')).status).toBe(404);
    expect((await api.get('/metrics')).body['text']).not.toMatch(/fanfare_submissions_total/);
  });

  it('are checked, and come from the file, the environment or the command line', async () => {
    const wrong = await runProgram(['config', 'print'], {
      DATABASE_URL: 'postgres://x/y',
      FANFARE_ROLES: 'api,sender',
    });
    expect(wrong.err).toContain('must be one of api, dispatch, events');
    const alone = await runProgram(['start', '--roles', 'api'], {});
    expect(alone.err).toContain('set DATABASE_URL to split them');
    const shown = await runProgram(['config', 'print'], {
      DATABASE_URL: 'postgres://x/y',
      FANFARE_ROLES: 'api, dispatch',
    });
    expect(JSON.parse(shown.out).roles).toEqual(['api', 'dispatch']);
  });

  it('do not matter for what a provider reports', async () => {
    const carriers = {
      simulator: QUICK,
      web: {
        kind: 'http',
        channels: ['SMS'],
        preset: 'classic',
        settings: { baseUrl: 'http://127.0.0.1:9', accountSid: 'AC1', authToken: 'signs' },
      },
    };
    const senders = [{ address: '+15005550100', channel: 'SMS', carrier: 'web' }];
    const publicUrl = 'https://fanfare.example';
    const api = await startFanfare({ config: { roles: ['api'], carriers, senders, publicUrl } });
    const path = '/carriers/web/receipts';
    const form = { Body: 'STOP', From: '+4917012345678', MessageSid: 'SM1', To: '+15005550100' };
    const signed = `${publicUrl}${path}${Object.entries(form).flat().join('')}`;
    const answer = await api.request('POST', path, new URLSearchParams(form).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': createHmac('sha1', 'signs').update(signed).digest('base64'),
    });
    expect(answer.status).toBe(200);
    expect((await api.get('/v1/Messages?status=INBOUND')).body['messages']).toHaveLength(1);
    expect((await api.get('/v1/Suppressions')).body['suppressions']).toHaveLength(1);
  });
});

describe('three nodes', () => {
  it('share the work; what a killed one had is taken over, and nothing is sent twice', async () => {
    const journals: string[] = [];
    const configFor = (folder: string, name: string, roles: string[]) => {
      const journalFile = join(folder, `${name}.jsonl`);
      journals.push(journalFile);
      return {
        roles,
        dispatch: { leaseMs: 2_000, batchesPerLaneMax: 2, unsettledMax: 50 },
        carriers: {
          simulator: {
            windowMax: 20,
            answerDelayMs: { min: 5, max: 15 },
            receiptDelayMs: { min: 0, max: 5 },
            journalFile,
          },
        },
      };
    };
    const first = await startFanfare({ config: { roles: ['api'] } });
    const nodes: Fanfare[] = [];
    for (const name of ['a', 'b', 'c'])
      nodes.push(await addNode(first, configFor(first.folder, name, ['dispatch'])));
    const id = await first.send({ to: recipients(6_000), content: text('Hello'), ...smsOnly });
    const linesOf = async (file: string) =>
      (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
    // Each of them has begun.
    await until(async () =>
      (await Promise.all(journals.map(linesOf))).every((lines) => lines.length > 0),
    );
    await nodes[0]?.kill();
    const done = await first.watch(
      id,
      ({ status, stats }) => status === 'COMPLETED' && stats.sent === 0,
    );
    const sent = (await Promise.all(journals.map(linesOf)))
      .flat()
      .map((line) => JSON.parse(line).to);
    expect(new Set(sent).size).toBe(sent.length);
    const { delivered, undelivered } = done['stats'];
    expect(delivered + undelivered).toBe(6_000);
    // Held is what was past the dead node's frontiers, at its carrier, or answered and not written.
    expect(undelivered).toBeLessThanOrEqual(20 * 2 + 20 + (50 + 20));
    expect(sent.length).toBeGreaterThanOrEqual(delivered);
  });
});

describe('a migration', () => {
  it('lets go of what it waits for, so that nobody waits behind it, and a newer schema is refused', async () => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    const { database } = fanfare;
    // As if the last migration were still to come.
    await database.query('drop function take_turns, next_batch');
    await database.query('drop index dispatch_batch_turns');
    await database.query('alter table dispatch_batch drop column turn');
    await database.query(`create index dispatch_batch_due on dispatch_batch (lane)`);
    await database.query(`create index dispatch_batch_paced on dispatch_batch (lane)`);
    await database.query("delete from migration where name like '0011-%'");
    const holder = await database.connect();
    await holder.query('begin');
    await holder.query('select 1 from dispatch_batch');
    const second = addNode(fanfare, { roles: ['api'] });
    await until(async () => {
      const { rowCount } = await database.query(
        "select 1 from pg_locks where not granted and relation = 'dispatch_batch'::regclass",
      );
      return rowCount === 1;
    });
    // It stands behind the migration in the queue for the lock, and passes when that lets go.
    const id = await fanfare.send({ to: recipients(1), content: text('Hello') });
    expect((await fanfare.operation(id))['stats'].queued).toBe(1);
    await holder.query('commit');
    holder.release();
    await second;

    await database.query("insert into migration (name) values ('9999-from-the-future.sql')");
    await fanfare.terminate();
    await expect(fanfare.restart()).rejects.toThrow(/migrated by a newer Fanfare/);
  }, 60_000);
});

describe('a node that is told to stop', () => {
  it('is not ready first, and answers meanwhile', async () => {
    const fanfare = await startFanfare({ config: { shutdownDelayMs: 1_500 } });
    const ended = fanfare.terminate();
    await until(async () => (await fanfare.get('/readyz')).status === 503);
    const id = await fanfare.send({ to: recipients(1), content: text('Hello') });
    expect(id).toMatch(/^comms_operation_/);
    await ended;
  });
});
