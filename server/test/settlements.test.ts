/** Statements that change the same messages at once: outcomes of two nodes, and a cancel beside a wake. */
import { describe, expect, it } from 'vitest';
import { holdInDoubt } from '../src/dispatch/triage.ts';
import type { Database } from '../src/store/database.ts';
import { wakeDueBatches } from '../src/store/due-batches.ts';
import { openStore, type Batch, type Settlement, type Store } from '../src/store/store.ts';
import { runCommand } from './support/command-host.ts';
import {
  recipients,
  smsOnly,
  startFanfare,
  text,
  until,
  type FanfareClient,
} from './support/fanfare.ts';

const COUNT = 6;

/** Accepts messages that nobody sends but the test. */
async function begin() {
  const fanfare = await startFanfare({ config: { roles: ['api'] } });
  const store = await openStore({ url: fanfare.databaseUrl, connectionsMax: 2, name: 'test' });
  const id = await fanfare.send({ to: recipients(COUNT), content: text('Hi'), ...smsOnly });
  return { fanfare, store, id };
}

/** As a node leases, after the lease of another has run out. */
async function lease(fanfare: FanfareClient, store: Store, node: string): Promise<Batch> {
  await fanfare.database.query("update dispatch_batch set leased_until = now() - interval '1 s'");
  const [batch] = await store.batches.leaseBatches(
    { carrier: 'simulator', leasedBy: node, leaseMs: 10_000, limit: 1 },
    { messages: 100, served: { accounts: {}, operations: {} } },
  );
  if (batch === undefined) throw new Error('Nothing to lease');
  return batch;
}

async function planOf(store: Store, { accountId, operationId }: Batch) {
  const [found] = await store.operations.fetchDispatchables([{ accountId, operationId }]);
  if (!found) throw new Error('No operation');
  return found.plan;
}

/** What B says of all that A may have submitted, and A of what it has: one refused, the others taken. */
async function outcomes(store: Store, batch: Batch) {
  const { accountId, operationId, ordinals } = batch;
  const plan = await planOf(store, batch);
  const [messages = new Map()] = await store.batches.loadMessages([
    { accountId, operationId, ordinals },
  ]);
  const held = [...messages.values()].map((message) => holdInDoubt(message, batch, plan));
  const known = held.map((each): Settlement =>
    each.ordinal === 0
      ? { ...each, outcome: 'FAILED', errorCode: 30006 }
      : { ...each, outcome: 'SENT', errorCode: null, providerId: `id-${each.ordinal}` },
  );
  return { held, known };
}

async function newsOf(fanfare: FanfareClient): Promise<string[]> {
  const { rows } = await fanfare.database.query(
    'select name, cardinality(ordinals) as n from event_outbox where ordinals is not null order by seq',
  );
  return rows.map(({ name, n }) => `${name} ${n}`);
}

describe('a cancel that waits for messages to be woken', () => {
  it.each([
    ['of the operation', 'CANCELED', { canceled: COUNT, queued: 0 }],
    ['of one message', 'PROCESSING', { canceled: 1, queued: COUNT - 1 }],
  ])('counts from what the wake has counted: %s', async (what, status, stats) => {
    const fanfare = await startFanfare({ config: { roles: ['api'] } });
    const sendAt = [new Date(Date.now() + 3_600_000).toISOString()];
    const id = await fanfare.send({
      to: recipients(COUNT),
      content: text('Hi'),
      schedule: { sendAt },
      ...smsOnly,
    });
    const [message] = (await fanfare.get(`/v1/Messages?operationId=${id}`)).body['messages'];
    await fanfare.database.query("update dispatch_batch set due_at = now() - interval '1 s'");

    const waker = await fanfare.database.connect();
    await waker.query('begin');
    const onFailed = (_id: string, error: unknown) => expect(error).toBeNull();
    const woken = await wakeDueBatches(waker as unknown as Database, { except: [], onFailed });
    expect(woken).toBe(1);
    const canceling = fanfare.request(
      'POST',
      what === 'of one message'
        ? `/v1/Messages/${message.id}/Cancel`
        : `/v1/Messages/Operations/${id}/Cancel`,
    );
    await until(async () => {
      const { rowCount } = await fanfare.database.query('select from pg_locks where not granted');
      return rowCount !== 0;
    });
    await waker.query('commit');
    waker.release();

    expect((await canceling).status).toBe(200);
    expect(await fanfare.operation(id)).toMatchObject({ status, stats });
  });
});

describe('an outage longer than a lease', () => {
  it.each(['held first', 'known first'])('ends with the known outcome: %s', async (order) => {
    const { fanfare, store, id } = await begin();
    const a = await lease(fanfare, store, 'a');
    const b = await lease(fanfare, store, 'b');
    expect(b.inDoubtMark).toBe(COUNT);
    const { held, known } = await outcomes(store, b);
    const settleHeld = () => store.settlements.settle(b.accountId, held, [b]);
    // Twice, as a node does whose answer from the database got lost.
    const settleKnown = async () => {
      await store.settlements.settle(a.accountId, known, [a]);
      await store.settlements.settle(a.accountId, known, [a]);
    };
    if (order === 'held first') await settleHeld();
    await settleKnown();
    if (order === 'known first') await settleHeld();
    await store.close();

    const isHeldFirst = order === 'held first';
    // Who was refused was not sent either way; it is not known to whoever came first.
    expect(await fanfare.operation(id)).toMatchObject({
      status: 'COMPLETED',
      stats: {
        sent: COUNT - 1,
        undelivered: isHeldFirst ? 1 : 0,
        failed: isHeldFirst ? 0 : 1,
        attempts: COUNT,
      },
    });
    const { rows } = await fanfare.database.query(
      `select distinct attempt_status, error_code, provider_id like 'id-%' as named from message where status = 'SENT'`,
    );
    expect(rows).toEqual([{ attempt_status: 'SENT', error_code: null, named: true }]);
    expect((await newsOf(fanfare)).slice(1)).toEqual(
      isHeldFirst
        ? [`message.undelivered ${COUNT}`, `message.sent ${COUNT - 1}`]
        : [`message.sent ${COUNT - 1}`, 'message.failed 1'],
    );
    const doctor = await runCommand(['doctor'], { DATABASE_URL: fanfare.databaseUrl });
    expect([doctor.code, doctor.err]).toEqual([0, '']);
  });

  it('keeps a receipt that came meanwhile, and an outcome in doubt of its own', async () => {
    const { fanfare, store, id } = await begin();
    const a = await lease(fanfare, store, 'a');
    const b = await lease(fanfare, store, 'b');
    const { held, known } = await outcomes(store, b);
    await store.settlements.settle(b.accountId, held, [b]);
    await fanfare.database.query(
      `update message set attempt_status = 'UNDELIVERED', error_code = 30003 where error_code = 30050 and ordinal_of(id) = 1`,
    );
    await store.settlements.settle(a.accountId, known.slice(1, 4), []);
    await store.close();
    expect((await fanfare.operation(id))['stats']).toMatchObject({
      sent: 2,
      undelivered: COUNT - 2,
      attempts: COUNT,
    });
  });
});
