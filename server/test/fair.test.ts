/** Turns: nobody's many messages hold up another's few, neither of another account nor of another operation. */
import { expect, it } from 'vitest';
import { recipients, smsOnly, startFanfare, text, until } from './support/fanfare.ts';

const OTHER = { sid: `AC${'0'.repeat(31)}2`, token: 'token-of-the-other-account' };

it('serves accounts and their operations in turns', async () => {
  const fanfare = await startFanfare({
    config: {
      dispatch: { batchesPerLaneMax: 2 },
      carriers: {
        simulator: {
          windowMax: 50,
          answerDelayMs: { min: 0, max: 2 },
          receiptDelayMs: { min: 0, max: 2 },
          throughputPerSecond: 1_500,
        },
      },
    },
  });
  await fanfare.database.query(
    "insert into account (sid, token_hash) values ($1, sha256(convert_to($2, 'UTF8')))",
    [OTHER.sid, OTHER.token],
  );
  const many = { to: recipients(5_000), content: text('Many'), ...smsOnly };
  const few = { to: recipients(10), content: text('Few'), ...smsOnly };
  const crowd: string[] = [];
  for (let i = 0; i < 4; i += 1) crowd.push(await fanfare.send(many));
  await until(async () => (await fanfare.operation(crowd[0] ?? ''))['stats'].sent > 0);

  const authorization = `Basic ${Buffer.from(`${OTHER.sid}:${OTHER.token}`).toString('base64')}`;
  const asOther = { authorization };
  const others = await fanfare.request('POST', '/v1/Messages', few, asOther);
  const own = await fanfare.send(few);
  await fanfare.watch(own, ({ status }) => status === 'COMPLETED');
  const path = `/v1/Messages/Operations/${others.body['operationId']}`;
  await until(
    async () =>
      (await fanfare.request('GET', path, undefined, asOther)).body['status'] === 'COMPLETED',
  );
  // Both are done while most of the crowd still waits, and all of the crowd have had some turns.
  const left = await Promise.all(crowd.map(async (id) => (await fanfare.operation(id))['stats']));
  expect(left.reduce((sum, { queued }) => sum + queued, 0)).toBeGreaterThan(10_000);
  await until(async () => {
    const now = await Promise.all(crowd.map(async (id) => (await fanfare.operation(id))['stats']));
    const open = now.filter(({ queued }) => queued > 0).length;
    // They end together: none is done before all have begun.
    if (open < 4) expect(now.every(({ queued }) => queued < 5_000)).toBe(true);
    return open === 0;
  }, 60_000);
}, 90_000);
