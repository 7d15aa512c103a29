/** One row that PostgreSQL never takes, among many: everything else is written, and it is said once. */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
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
    // Once it can be written it is in doubt, as what was handed over and is not on record, until its receipt is applied.
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
      expect(linesOf(fanfare, "without its carrier's words")).toHaveLength(1);
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
    await until(async () => linesOf(fanfare, "without its carrier's words").length === 1);
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
