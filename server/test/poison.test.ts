/** One row that PostgreSQL never takes, among many: everything else is written, and it is said once. */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attemptReference, decodeTypeId, messageUuid } from '../src/domain/ids.ts';
import { createReports } from '../src/intake/reports.ts';
import { createLogger } from '../src/lib/log.ts';
import { openStore } from '../src/store/store.ts';
import {
  QUICK,
  recipients,
  smsOnly,
  special,
  startFanfare,
  text,
  until,
  type Fanfare,
} from './support/fanfare.ts';

const POISONED = recipients(1, 7)[0]?.['address'];
const TOTAL = 60;

/** Refuses changes of messages of which `condition` holds, as constraints and broken rows do. */
async function poison({ database }: Fanfare, condition: string, state: string): Promise<void> {
  await database.query(`
    create function refuse() returns trigger language plpgsql as $$ begin
      if ${condition} then raise exception 'refused' using errcode = '${state}'; end if;
      return new;
    end $$;
    create trigger refuse before update on message for each row execute function refuse();`);
}

const linesOf = (fanfare: Fanfare, words: string) =>
  fanfare
    .errors()
    .split('\n')
    .filter((line) => line.includes(words));

async function countRefused(fanfare: Fanfare, what: string): Promise<number> {
  const { body } = await fanfare.get('/metrics');
  const found = new RegExp(
    `^fanfare_refused_by_database_total\\{what="${what}"\\} (\\d+)`,
    'm',
  ).exec(body['text']);
  return Number(found?.[1] ?? 0);
}

async function start(config: object = {}) {
  const fanfare = await startFanfare({ config: { dispatch: { leaseMs: 2_000 }, ...config } });
  return fanfare;
}

describe('an outcome that PostgreSQL refuses', () => {
  it.each(['22021', '23514'])('keeps no other from being written (%s)', async (state) => {
    const fanfare = await start();
    await poison(fanfare, `new.address = '${POISONED}' and new.attempt > old.attempt`, state);
    const id = await fanfare.send({ to: recipients(TOTAL), content: text('Hi'), ...smsOnly });
    const { stats } = await fanfare.watch(id, (now) => now['stats'].delivered === TOTAL - 1);
    expect(stats).toMatchObject({ queued: 1, attempts: TOTAL - 1 });
    await until(async () => linesOf(fanfare, 'An outcome cannot be settled').length === 1);
    expect(await countRefused(fanfare, 'outcome')).toBeGreaterThan(0);
    // Once it can be written it is in doubt, as a submitted message without an outcome, until its receipt is applied.
    await fanfare.database.query('drop trigger refuse on message');
    await fanfare.watch(id, (now) => now['stats'].delivered === TOTAL);
  });

  it.each(['hold', 'resend'])(
    'is written without its words where those are the reason, and sent once (%s)',
    async (ambiguous) => {
      const fanfare = await startFanfare();
      const journalFile = join(fanfare.folder, 'journal.ndjson');
      await fanfare.terminate();
      await fanfare.restart({ carriers: { simulator: { ...QUICK, ambiguous, journalFile } } });
      await poison(fanfare, `new.error_detail like 'Landline%'`, '22021');
      const id = await fanfare.send({
        to: [...recipients(TOTAL), special(1)],
        content: text('Hi'),
        ...smsOnly,
      });
      const { stats } = await fanfare.watch(
        id,
        (now) => now['stats'].delivered === TOTAL && now['stats'].failed === 1,
      );
      expect(stats).toMatchObject({ total: TOTAL + 1, attempts: TOTAL + 1 });
      expect(linesOf(fanfare, "without the carrier's data")).toHaveLength(1);
      expect(await countRefused(fanfare, 'outcome')).toBe(1);
      expect((await readFile(journalFile, 'utf8')).trim().split('\n')).toHaveLength(TOTAL + 1);
    },
  );
});

describe('a receipt that PostgreSQL refuses', () => {
  it('keeps no other from being applied', async () => {
    const fanfare = await start();
    await poison(fanfare, `new.address = '${POISONED}' and new.status = 'DELIVERED'`, '23514');
    const id = await fanfare.send({ to: recipients(TOTAL), content: text('Hi'), ...smsOnly });
    const { stats } = await fanfare.watch(id, (now) => now['stats'].delivered === TOTAL - 1);
    expect(stats).toMatchObject({ sent: 1 });
    await until(async () => (await countRefused(fanfare, 'receipt')) > 0);
    expect(linesOf(fanfare, 'A receipt cannot be applied')).toHaveLength(1);
    // Others go on behind it.
    const next = await fanfare.send({ to: recipients(5, 100), content: text('Hi'), ...smsOnly });
    await fanfare.watch(next, (now) => now['stats'].delivered === 5);
  });

  it('is applied without its words where those are the reason', async () => {
    const fanfare = await start();
    await poison(fanfare, `new.status = 'UNDELIVERED' and new.error_code is not null`, '22003');
    const id = await fanfare.send({
      to: [...recipients(TOTAL), special(2)],
      content: text('Hi'),
      ...smsOnly,
    });
    await fanfare.watch(
      id,
      (now) => now['stats'].delivered === TOTAL && now['stats'].undelivered === 1,
    );
    await until(async () => linesOf(fanfare, "without the carrier's data").length === 1);
  });
});

describe('a message from a person that PostgreSQL does not keep', () => {
  it.each(['23514', '57014'])('keeps none behind it from being kept (%s)', async (state) => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    await fanfare.database.query(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if new.text = 'poison' then raise exception 'refused' using errcode = '${state}'; end if;
        return new;
      end $$;
      create trigger refuse before insert on inbound_message for each row execute function refuse();`);
    const store = await openStore({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
    onTestFinished(() => store.close());
    let refused = 0;
    const nobody = { onApplied: () => undefined, carriersOf: (carrier: string) => [carrier] };
    const { inbound } = createReports({
      store,
      log: createLogger('fatal'),
      receipts: { flushDelayMs: 1, batchMax: 10, bufferMax: 10 },
      inbound: { keywords: false, scope: 'account', languages: {} },
      outcomesWritten: async () => undefined,
      onRefused: () => (refused += 1),
      ...nobody,
    });
    const sms = {
      channel: 'SMS',
      from: '+15005560001',
      to: '+15005550100',
      providerId: null,
    } as const;
    const bring = (...texts: string[]) =>
      inbound.take(
        'simulator',
        texts.map((words) => ({ ...sms, text: words, receivedAt: new Date() })),
      );
    await expect(bring('one', 'poison', 'two')).rejects.toThrow('refused');
    const { rows } = await fanfare.database.query('select text from inbound_message order by text');
    expect(rows).toEqual([{ text: 'one' }, { text: 'two' }]);
    expect(refused).toBe(1);
  });
});

describe('a complaint about a message that PostgreSQL does not change', () => {
  it('is counted once', async () => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    const id = await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
    await fanfare.database.query(
      "update message set attempt = 1, status = 'SENT', attempt_status = 'SENT'",
    );
    await fanfare.database.query('update operation set queued = 0, sent = 1');
    await poison(fanfare, 'true', '23514');
    await fanfare.database.query('alter table suppression rename to broken');
    const store = await openStore({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
    onTestFinished(() => store.close());
    const counts = { refused: 0, unmatched: 0 };
    const { receipts } = createReports({
      store,
      log: createLogger('fatal'),
      receipts: { flushDelayMs: 1, batchMax: 10, bufferMax: 10 },
      inbound: { keywords: false, scope: 'account', languages: {} },
      outcomesWritten: async () => undefined,
      onApplied: ({ unmatched }) => (counts.unmatched += unmatched),
      carriersOf: (carrier) => [carrier],
      onRefused: () => (counts.refused += 1),
    });
    const reference = attemptReference(
      1,
      messageUuid(decodeTypeId('comms_operation', id) ?? '', 0),
      1,
    );
    await receipts.take('simulator', [{ reference, status: 'DELIVERED', complaint: true }]);
    expect(counts).toEqual({ refused: 1, unmatched: 1 });
  });
});

describe('a statement that PostgreSQL gives up on again and again', () => {
  it('is made smaller, until nobody waits for what it cannot write', async () => {
    const fanfare = await start();
    await poison(fanfare, `new.address = '${POISONED}' and new.attempt > old.attempt`, '57014');
    const id = await fanfare.send({ to: recipients(TOTAL), content: text('Hi'), ...smsOnly });
    const { stats } = await fanfare.watch(id, (now) => now['stats'].delivered === TOTAL - 1);
    expect(stats).toMatchObject({ queued: 1 });
  });
});
