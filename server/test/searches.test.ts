/** Slow searches: they end with advice, and no other request waits for them. */
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { startFanfare } from './support/fanfare.ts';

it('keep neither health checks nor others from being answered, and end with advice', async () => {
  const fanfare = await startFanfare({ config: { roles: ['api'] } });
  const holder = new pg.Client({ connectionString: fanfare.databaseUrl });
  await holder.connect();
  onTestFinished(() => holder.end());
  // As long as this lasts, what reads messages takes for ever.
  await holder.query('begin');
  await holder.query('lock table message in access exclusive mode');
  const searches = Promise.all(
    Array.from({ length: 12 }, (_, i) => fanfare.get(`/v1/Messages?channel=SMS&pageSize=${i + 1}`)),
  );
  let isOver = false;
  void searches.then(() => (isOver = true));
  for (let i = 0; i < 5; i += 1) {
    expect((await fanfare.get('/readyz')).status).toBe(200);
    expect((await fanfare.get('/v1/Senders')).status).toBe(200);
  }
  expect(isOver).toBe(false);
  for (const { status, body, headers } of await searches) {
    expect(status).toBe(503);
    expect(body['code']).toBe(20505);
    expect(body['errors'][0]['message']).toBe('The search takes too long.');
    expect(headers.get('retry-after')).toBe('5');
  }
  await holder.query('commit');
  expect((await fanfare.get('/v1/Messages?channel=SMS')).status).toBe(200);
}, 60_000);
