import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { startBreakingProxy } from './support/breaking-proxy.ts';
import {
  launchFanfare,
  QUICK,
  recipients,
  smsOnly,
  startFanfare,
  text,
  until,
  useFanfare,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';
import { runs } from './support/runs.ts';

const TOTAL = 1_500;
const KILLS = runs(2, 3);
const WINDOW = 20;
const BATCHES = 4;
const UNSETTLED = 50;
/** What one kill may leave in doubt: below the high-water marks, at the carrier, answered but not written. */
const IN_DOUBT_MAX = WINDOW * BATCHES + WINDOW + (UNSETTLED + WINDOW);

/** Where carriers write their journals: known before a server has started. */
const folder = await mkdtemp(join(tmpdir(), 'fanfare-recovery-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** At most 500 messages a second: it is in mid-send for much longer than it takes to see that it is. */
function configWith(ambiguous: 'hold' | 'resend', journalFile: string) {
  return {
    dispatch: { leaseMs: 2_000, batchesPerCarrierMax: BATCHES, unsettledMax: UNSETTLED },
    carriers: {
      simulator: {
        ambiguous,
        journalFile,
        windowMax: WINDOW,
        answerDelayMs: { min: 20, max: 60 },
        receiptDelayMs: { min: 0, max: 20 },
      },
    },
  };
}

/** How often each number was submitted, from the carrier's own journal. */
async function readJournal(file: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await readFile(file, 'utf8')).split('\n').filter(Boolean)) {
    const { to } = JSON.parse(line) as { to: string };
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
}

async function listAll(fanfare: Fanfare, id: string): Promise<Json[]> {
  const messages: Json[] = [];
  for (let token = ''; token !== null;) {
    const { body } = await fanfare.get(
      `/v1/Messages?operationId=${id}&pageSize=1000${token && `&pageToken=${token}`}`,
    );
    messages.push(...body['messages']);
    token = body['pagination'].next;
  }
  return messages;
}

/** Sends, kills in mid-send as often as asked, and resolves when all has come to an end. */
async function sendThroughKills(ambiguous: 'hold' | 'resend', kills: number) {
  const journal = join(folder, `${ambiguous}.ndjson`);
  const fanfare = await startFanfare({ config: configWith(ambiguous, journal) });
  const id = await fanfare.send({ to: recipients(TOTAL), content: text('Hi'), ...smsOnly });
  for (let kill = 1; kill <= kills; kill += 1) {
    await fanfare.watch(id, ({ stats }) => stats.attempts > kill * 250);
    await fanfare.kill();
    await fanfare.restart();
  }
  const last = await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
  return { fanfare, id, last, journal: await readJournal(journal) };
}

describe('kill -9 in mid-send', () => {
  it(
    'loses nothing and doubles nothing where ambiguous messages are held',
    { tags: ['property'] },
    async () => {
      const { fanfare, id, last, journal } = await sendThroughKills('hold', KILLS);
      const messages = await listAll(fanfare, id);
      expect(messages).toHaveLength(TOTAL);
      expect([...journal.values()].every((times) => times === 1)).toBe(true);
      const ambiguous = messages.filter((each) => each['status'] === 'UNDELIVERED');
      expect(last['stats'].undelivered).toBe(ambiguous.length);
      expect(ambiguous.length).toBeGreaterThan(0);
      expect(ambiguous.length).toBeLessThanOrEqual(KILLS * IN_DOUBT_MAX);
      // Messages reported as sent were sent; the others are reported as in doubt.
      for (const each of messages)
        if (each['status'] !== 'UNDELIVERED') expect(journal.get(each['to'][0].address)).toBe(1);
      const [first] = ambiguous;
      expect((await fanfare.get(`/v1/Messages/${first?.['id']}`)).body['error'].code).toBe(30050);
    },
  );

  it(
    'loses nothing and doubles at most a window where they are sent again',
    { tags: ['property'] },
    async () => {
      const { last, journal } = await sendThroughKills('resend', KILLS);
      expect(last['stats']).toMatchObject({ undelivered: 0, failed: 0, total: TOTAL });
      expect(journal.size).toBe(TOTAL);
      const doubled = [...journal.values()].reduce((sum, times) => sum + times - 1, 0);
      expect(doubled).toBeLessThanOrEqual(KILLS * IN_DOUBT_MAX);
    },
  );
});

describe('SIGTERM in mid-send', () => {
  it('requeues unsubmitted messages, and none is in doubt', async () => {
    const journal = join(folder, 'terminated.ndjson');
    // A lease that a machine cannot be too slow for: one that runs out would leave messages in doubt as well.
    const dispatch = { batchesPerCarrierMax: BATCHES, unsettledMax: UNSETTLED };
    const fanfare = await startFanfare({ config: { ...configWith('hold', journal), dispatch } });
    const id = await fanfare.send({ to: recipients(TOTAL), content: text('Hi'), ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.attempts > 300);
    await fanfare.terminate();
    const { rows } = await fanfare.database.query(
      'select count(*)::int as n from dispatch_batch where leased_until is not null',
    );
    expect(rows[0].n).toBe(0);
    await fanfare.restart();
    const last = await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    expect(last['stats']).toMatchObject({ undelivered: 0, failed: 0 });
    const counts = await readJournal(journal);
    expect(counts.size).toBe(TOTAL);
    expect([...counts.values()].every((times) => times === 1)).toBe(true);
  });
});

describe('a database that breaks its connections', () => {
  it('is waited for: nothing accepted is lost', async () => {
    const fanfare = await startFanfare({
      config: {
        carriers: {
          simulator: {
            windowMax: 50,
            answerDelayMs: { min: 5, max: 20 },
            receiptDelayMs: { min: 0, max: 20 },
          },
        },
      },
    });
    const id = await fanfare.send({ to: recipients(2_000), content: text('Hi'), ...smsOnly });
    const admin = new pg.Client({ connectionString: fanfare.databaseUrl });
    await admin.connect();
    for (let times = 0; times < 10; times += 1) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'fanfare%'`,
      );
      const answers = await Promise.all(
        Array.from({ length: 4 }, () =>
          fanfare.request('POST', '/v1/Messages', { to: recipients(2), content: text('Hi') }),
        ),
      );
      for (const answer of answers) expect([202, 503]).toContain(answer.status);
    }
    await admin.end();
    const last = await until(async () => {
      const answer = await fanfare.get(`/v1/Messages/Operations/${id}`);
      return answer.status === 200 &&
        answer.body['stats'].delivered + answer.body['stats'].undelivered === 2_000
        ? answer.body
        : null;
    });
    expect(last['stats'].attempts).toBe(2_000);
    await until(async () => (await fanfare.get('/readyz')).status === 200);
  });

  /** Sends 300 messages by a node whose connections break at these words. Resolves when all is over. */
  async function sendThroughBreaks(
    breaks: { words: string; when: 'before' | 'after'; times?: number },
    config: { dispatch?: object; simulator?: object } = {},
  ) {
    const api = await useFanfare({ config: { roles: ['api'] } });
    const id = await api.send({ to: recipients(300), content: text('Hi'), ...smsOnly });
    const proxy = await startBreakingProxy(api.databaseUrl, breaks);
    const journalFile = join(folder, `${id}.ndjson`);
    const simulator = { ...QUICK, windowMax: 20, journalFile, ...config.simulator };
    const node = await launchFanfare({
      config: {
        roles: ['dispatch'],
        dispatch: config.dispatch ?? {},
        carriers: { simulator },
      },
      env: { DATABASE_URL: proxy.url },
    });
    onTestFinished(() => node.stop().then(() => undefined));
    const { stats } = await api.watch(id, ({ status }) => status === 'COMPLETED');
    expect(proxy.broken()).toBe(breaks.times ?? 1);
    return { stats, journal: await readJournal(journalFile) };
  }

  it.each([
    [
      'its lease was written and not answered',
      'high_water_mark = least(b.high_water_mark',
      'after',
    ],
    ['its operation is read', 'scheduled_for, expire_at from operation', 'before'],
    ['its messages are read', 'may_be_suppressed\n     from message', 'before'],
    ['its high-water mark was raised and not answered', 'set high_water_mark = case', 'after'],
  ] as const)('leaves nothing of a batch in doubt when %s', async (_, words, when) => {
    const { stats, journal } = await sendThroughBreaks({ words, when });
    expect(stats).toMatchObject({ attempts: 300, undelivered: 0, failed: 0 });
    expect(journal.size).toBe(300);
    expect([...journal.values()].every((times) => times === 1)).toBe(true);
  });

  it('loses no lease when renewals fail for a part of it', async () => {
    const { stats, journal } = await sendThroughBreaks(
      { words: 'set leased_until = now()', when: 'before', times: 2 },
      {
        dispatch: { leaseMs: 6_000 },
        simulator: { answerDelayMs: { min: 450, max: 500 } },
      },
    );
    expect(stats).toMatchObject({ attempts: 300, undelivered: 0, failed: 0 });
    expect(journal.size).toBe(300);
  });
});
