/** Messages over SMPP through the whole server: receipts that name the SMSC's ids, in its spelling and in any order. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Pdu } from '../src/carriers/smpp/pdu.ts';
import { encodePdu } from '../src/carriers/smpp/writer.ts';
import {
  recipients,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
} from './support/fanfare.ts';
import {
  deliverSm,
  receiptFor,
  startSmsc,
  submitAnswer,
  type Smsc,
  type SmscScript,
} from './support/smsc.ts';

async function beginSmsc(script: SmscScript = {}): Promise<Smsc> {
  const smsc = await startSmsc(script);
  onTestFinished(() => smsc.close());
  return smsc;
}

/** A server that sends over this SMSC. */
function configFor(port: number, fields: object = {}) {
  return {
    carriers: {
      smsc: {
        kind: 'smpp',
        host: '127.0.0.1',
        port,
        systemId: 'fanfare',
        password: 'secret',
        reconnectMinMs: 10,
        reconnectMaxMs: 50,
        responseTimeoutMs: 2_000,
        ...fields,
      },
    },
    senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'smsc' }],
    retry: { delayMs: 10 },
  };
}

/** The SMSC, and the server on it, of tests that do not depend on how it spells ids; each gives it a script and an account. */
let sharedSmsc: Smsc;
beforeAll(async () => {
  sharedSmsc = await startSmsc();
});
afterAll(() => sharedSmsc.close());

async function beginShared(script: SmscScript): Promise<{ smsc: Smsc; fanfare: FanfareClient }> {
  sharedSmsc.script = script;
  const fanfare = await useFanfare({
    config: configFor(sharedSmsc.port, { windowPerBind: 5 }),
  });
  return { smsc: sharedSmsc, fanfare };
}

/** A receipt that comes from where the message went. */
const on = (pdu: { destination: { address: string } }, id: string, stat = 'DELIVRD') =>
  receiptFor(id, stat, '000', pdu.destination.address);

const delivered = (count: number) => (operation: Record<string, any>) =>
  operation['stats'].delivered === count;

describe('over SMPP', () => {
  it('sends, and takes receipts that come before the answer', async () => {
    let count = 0;
    const { smsc, fanfare } = await beginShared({
      submit(pdu, session) {
        count += 1;
        // Every other receipt overtakes the answer.
        if (count % 2 === 0) session.send(on(pdu, `m${count}`));
        session.send(submitAnswer(pdu, `m${count}`));
        if (count % 2 === 1) session.send(on(pdu, `m${count}`));
      },
    });
    const id = await fanfare.send({ to: recipients(500), content: text('Hello') });
    const { stats } = await fanfare.watch(id, delivered(500));
    expect(stats).toMatchObject({ total: 500, delivered: 500, attempts: 500 });
    expect([count, smsc.received('submit_sm').length]).toEqual([500, 500]);
    // Nothing is left waiting.
    await until(async () => {
      const { rows } = await fanfare.database.query('select 1 from parked_carrier_receipt');
      return rows.length === 0;
    });
  });

  it.each([
    ['decimal answers, hexadecimal receipts', (n: number) => `${n}`, (n: number) => n.toString(16)],
    [
      'hexadecimal answers, decimal receipts with zeros',
      (n: number) => n.toString(16).toUpperCase(),
      (n: number) => `${n}`.padStart(10, '0'),
    ],
  ])('matches ids: %s', async (_name, inAnswer, inReceipt) => {
    // So dense that an id in one spelling is another message's in the other.
    let next = 100;
    const smsc = await beginSmsc({
      submit(pdu, session) {
        next += 1;
        const own = next;
        session.send(submitAnswer(pdu, inAnswer(own)));
        const status = own % 10 === 0 ? 'UNDELIV' : 'DELIVRD';
        session.send(on(pdu, inReceipt(own), status));
      },
    });
    const fanfare = await startFanfare({ config: configFor(smsc.port) });
    const id = await fanfare.send({ to: recipients(500), content: text('Hello') });
    const { stats } = await fanfare.watch(
      id,
      ({ stats: now }) => now.delivered + now.undelivered === 500,
    );
    expect(stats).toMatchObject({ delivered: 450, undelivered: 50 });
    const wrong = await fanfare.database.query<{ provider_id: string; status: string }>(
      'select provider_id, status from message',
    );
    expect(wrong.rows).toHaveLength(500);
    const numbers = new Map([...Array(500).keys()].map((i) => [inAnswer(101 + i), 101 + i]));
    for (const { provider_id: given, status } of wrong.rows) {
      const number = numbers.get(given);
      expect([number, status]).toEqual([number, number! % 10 === 0 ? 'UNDELIVERED' : 'DELIVERED']);
    }
  });

  it('matches opaque ids that differ in case only, in receipts of any coding, over either of two carriers', async () => {
    const base62 = (n: number) => ['aB', 'Ab', 'AB', 'ab'][n % 4]! + Math.floor(n / 4);
    let count = 0;
    const smsc = await beginSmsc({
      submit(pdu, session) {
        const own = count;
        count += 1;
        session.send(submitAnswer(pdu, base62(own)));
        // Whichever bind the SMSC likes.
        const others = smsc.sessions.filter((each) => each.boundAs !== null);
        const dataCoding = [0, 4, 8][own % 3]!;
        others[own % others.length]?.send({
          ...on(pdu, base62(own), own % 10 === 0 ? 'UNDELIV' : 'DELIVRD'),
          dataCoding,
        });
      },
    });
    const { carriers } = configFor(smsc.port);
    const config = {
      carriers: { smsc: carriers.smsc, twin: { ...carriers.smsc } },
      senders: ['smsc', 'twin'].map((carrier, i) => ({
        address: `+1500555010${i}`,
        channel: 'SMS',
        carrier,
      })),
    };
    const fanfare = await startFanfare({ config });
    const ended = ({ stats }: Record<string, any>) => stats.delivered + stats.undelivered === 200;
    for (const sender of config.senders) {
      const from = { address: sender.address, channel: 'SMS' };
      const id = await fanfare.send({ from, to: recipients(200), content: text('Hello') });
      expect((await fanfare.watch(id, ended))['stats']).toMatchObject({ undelivered: 20 });
    }
    const { rows } = await fanfare.database.query<{ provider_id: string; status: string }>(
      'select provider_id, status from message',
    );
    const ids = Array.from({ length: 400 }, (_, i) => base62(i));
    for (const { provider_id: given, status } of rows)
      expect([given, status]).toEqual([
        given,
        ids.indexOf(given) % 10 === 0 ? 'UNDELIVERED' : 'DELIVERED',
      ]);
  });

  it('reads an unmarked receipt as a message, and a damaged STOP as STOP', async () => {
    const smsc = await beginSmsc({
      submit: (pdu, session) => session.send(submitAnswer(pdu, '7')),
    });
    const fanfare = await startFanfare({ config: configFor(smsc.port) });
    const id = await fanfare.send({ to: recipients(1), content: text('Hello') });
    await fanfare.watch(id, ({ stats }) => stats.sent === 1);
    const [submitted] = smsc.received('submit_sm');
    const destination = submitted!.destination;
    const forged = { ...on({ destination }, '7', 'UNDELIV'), esmClass: 0 };
    const intermediate = { ...on({ destination }, '7', 'UNDELIV'), esmClass: 0x20 };
    const foreign = receiptFor('7', 'UNDELIV', '000', '4917099999999');
    for (const pdu of [forged, intermediate, foreign]) smsc.session.send(pdu);
    const stop = Buffer.concat([
      encodePdu(deliverSm({ text: 'STOP', source: { ton: 1, npi: 1, address: '4917055555555' } })),
      Buffer.from([0]),
    ]);
    stop.writeUInt32BE(stop.length);
    smsc.session.raw(stop);
    await until(async () => smsc.received('deliver_sm_resp').length === 4);
    const { body } = await fanfare.get('/v1/Suppressions');
    expect(JSON.stringify(body)).toContain('+4917055555555');
    expect((await fanfare.operation(id))['stats']).toMatchObject({ sent: 1, undelivered: 0 });
    smsc.session.send(on({ destination }, '7'));
    await fanfare.watch(id, delivered(1));
    const inbound = await fanfare.database.query('select 1 from inbound_message');
    expect(inbound.rows).toHaveLength(2);
    expect(smsc.sessions).toHaveLength(1);
    const { body: metrics } = await fanfare.get('/metrics');
    expect(metrics['text']).toContain('fanfare_carrier_damaged_total{carrier="smsc"} 1');
    expect(metrics['text']).toContain('fanfare_carrier_connected{carrier="smsc"} 1');
  });

  it('combines the receipts of a long message', async () => {
    let count = 0;
    const { smsc, fanfare } = await beginShared({
      submit(pdu, session) {
        count += 1;
        session.send(submitAnswer(pdu, `p${count}`));
      },
    });
    const send = () => fanfare.send({ to: recipients(1), content: text('a'.repeat(400)) });
    const first = await send();
    await fanfare.watch(first, ({ stats }) => stats.sent === 1);
    expect(count).toBe(3);
    const to = smsc.received('submit_sm').at(-1);
    const of = (part: string, stat = 'DELIVRD') => on(to!, part, stat);
    smsc.session.send(of('p3'));
    smsc.session.send(of('p1'));
    smsc.session.send(of('p1'));
    await until(async () => {
      const { rows } = await fanfare.database.query(
        "select 1 from carrier_message where provider_id in ('p1', 'p2', 'p3') and status = 'DELIVERED'",
      );
      return rows.length === 2;
    });
    expect((await fanfare.operation(first))['stats'].sent).toBe(1);
    smsc.session.send(of('p2'));
    await fanfare.watch(first, delivered(1));

    const second = await send();
    await fanfare.watch(second, ({ stats }) => stats.sent === 1);
    smsc.session.send(of('p4'));
    smsc.session.send(of('p5', 'UNDELIV'));
    await fanfare.watch(second, ({ stats }) => stats.undelivered === 1);
    smsc.session.send(of('p6'));
    await until(async () => {
      const { rows } = await fanfare.database.query(
        "select 1 from carrier_message where provider_id = 'p6' and status = 'DELIVERED'",
      );
      return rows.length === 1;
    });
    expect((await fanfare.operation(second))['stats'].undelivered).toBe(1);
  });

  it('holds messages that the SMSC may have when the connection breaks, and sends the others; unmatched receipts change nothing', async () => {
    let count = 0;
    const submitted: string[] = [];
    const { fanfare } = await beginShared({
      submit(pdu, session) {
        submitted.push(pdu.destination.address);
        count += 1;
        if (count === 50) {
          session.cut();
          return;
        }
        session.send(submitAnswer(pdu, `k${count}`));
        session.send(receiptFor(`unmatched${count}`, 'DELIVRD'));
        session.send(on(pdu, `k${count}`));
      },
    });
    const id = await fanfare.send({ to: recipients(200), content: text('Hello') });
    const done = await fanfare.watch(id, ({ stats, status }) => {
      const { delivered: good, undelivered } = stats;
      return status === 'COMPLETED' && good + undelivered === 200;
    });
    // What reached the SMSC was sent once, whatever became of the answer.
    expect(submitted.length).toBeGreaterThanOrEqual(50);
    expect(new Set(submitted).size).toBe(submitted.length);
    expect(done['stats'].undelivered).toBeGreaterThanOrEqual(1);
    expect(done['stats'].undelivered).toBeLessThanOrEqual(5);
    const { body } = await fanfare.get('/v1/Messages?status=UNDELIVERED');
    const held = await fanfare.get(`/v1/Messages/${body['messages'][0].id}`);
    expect(held.body['error'].code).toBe(30050);
  });

  it('loses nothing when the SMSC is killed and started again in mid-send', async () => {
    let total = 0;
    let kill = () => {};
    const killed = new Promise<void>((resolve) => (kill = resolve));
    const receipts: Pdu[] = [];
    let lost: readonly Pdu[] = [];
    const script: SmscScript = {
      submit(pdu, session) {
        total += 1;
        const own = total;
        const receipt = on(pdu, `r${own}`);
        receipts.push(receipt);
        session.send(submitAnswer(pdu, `r${own}`));
        session.send(receipt);
        if (own === 500) kill();
        // What was not acknowledged is sent again, as SMSCs do.
        for (const each of lost) session.send(each);
        lost = [];
      },
    };
    const first = await beginSmsc(script);
    const fanfare = await startFanfare({ config: configFor(first.port) });
    const id = await fanfare.send({ to: recipients(1_500), content: text('Hello') });
    await killed;
    await first.close();
    const before = first.received('submit_sm').map((pdu) => pdu.destination.address);
    const { port } = first;
    const acknowledged = new Set(first.received('deliver_sm_resp').map((pdu) => pdu.sequence));
    lost = receipts.filter((each) => !acknowledged.has(each.sequence));
    expect((await fanfare.operation(id))['status']).toBe('PROCESSING');
    const second = await startSmsc(script, undefined, port);
    onTestFinished(() => second.close());
    const done = await fanfare.watch(id, ({ stats }) => stats.queued === 0 && stats.sent === 0);
    const to = [...before, ...second.received('submit_sm').map((pdu) => pdu.destination.address)];
    // Every message ended, and none was submitted twice.
    expect(new Set(to).size).toBe(to.length);
    const { delivered: good, undelivered } = done['stats'];
    expect(good + undelivered).toBe(1_500);
    expect(undelivered).toBeLessThanOrEqual(50);
    expect(to.length).toBeGreaterThanOrEqual(good);
  });
});
