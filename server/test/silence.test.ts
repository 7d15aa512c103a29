/** Connections to PostgreSQL that fall silent: nobody closes them, nothing arrives any more. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../src/store/database.ts';
import { listen } from '../src/store/maintenance.ts';
import { createDatabase } from './support/fanfare.ts';
import { startFaultyPostgres } from './support/faulty-postgres.ts';

async function open(connectionsMax = 2) {
  const postgres = await startFaultyPostgres(await createDatabase('empty'));
  const database = openDatabase({ url: postgres.url, connectionsMax, name: 'fanfare-test' });
  onTestFinished(async () => {
    postgres.close();
    await database.close();
  });
  /** The next statement, and all that follows it on its connection, is lost. */
  const silenceNext = () => postgres.inject({ kind: 'silence' }, 1, 1);
  return { postgres, database, silenceNext };
}

describe.concurrent('a connection that has fallen silent', () => {
  it('is given up long before its deadline, and another one serves', async () => {
    const { postgres, database, silenceNext } = await open();
    silenceNext();
    const lost = database.query('select 1').catch((error: unknown) => error);
    await expect.poll(() => postgres.failed).toBe(1);
    postgres.heal();
    // By its deadline it would be a read timeout.
    expect(await lost).toMatchObject({
      name: 'DatabaseUnavailable',
      message: 'Connection terminated unexpectedly',
    });
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('is given up within a transaction too, of which nothing is done', async () => {
    const { postgres, database, silenceNext } = await open(1);
    await database.query('create table t (n int)');
    const lost = database
      .transact(async (client) => {
        await client.query('insert into t values ($1)', [1]);
        silenceNext();
        const answer = client.query('insert into t values ($1)', [2]);
        await expect.poll(() => postgres.failed).toBe(1);
        postgres.heal();
        await answer;
      })
      .catch((error: unknown) => error);
    expect(await lost).toMatchObject({ name: 'DatabaseUnavailable' });
    expect((await database.query('select * from t')).rows).toEqual([]);
  });

  it('is not one that PostgreSQL works on', async () => {
    const { database } = await open();
    const { rows } = await database.query('select pg_sleep(8)::text as slept');
    expect(rows).toEqual([{ slept: '' }]);
  });

  it('is found where it only listens', async () => {
    const { postgres, database, silenceNext } = await open();
    let losses = 0;
    const lost = new Promise<Error>((resolve) => {
      void listen(
        database,
        'work',
        () => undefined,
        (error) => {
          losses += 1;
          resolve(error);
        },
      ).then(silenceNext);
    });
    expect((await lost).message).toContain('timeout');
    expect(losses).toBe(1);
    postgres.heal();
  });
});

describe('a transaction of which a statement has failed', () => {
  it('is not taken for done where its failure was ignored', async () => {
    const { database } = await open();
    await expect(
      database.transact(async (client) => {
        await client.query('select 1 / 0').catch(() => undefined);
      }),
    ).rejects.toThrow('A transaction went on after it had failed.');
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
