/** The SMPP carrier against an SMSC with a script, over real sockets. */
import * as fc from 'fast-check';
import { pino } from 'pino';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { InboundMessage, Receipt } from '../../src/carriers/carrier.ts';
import { createSmppCarrier } from '../../src/carriers/smpp/smpp.ts';
import { reconnectDelayMs } from '../../src/carriers/smpp/link.ts';
import type { SmppOptions } from '../../src/carriers/smpp/options.ts';
import { createOutstanding, type Answer } from '../../src/carriers/smpp/outstanding.ts';
import type { MessageBody, PduOf } from '../../src/carriers/smpp/pdu.ts';
import { createPool } from '../../src/carriers/smpp/pool.ts';
import { composeMessages } from '../../src/carriers/smpp/messages.ts';
import { Session } from '../../src/carriers/smpp/session.ts';
import { encodePdu } from '../../src/carriers/smpp/writer.ts';
import {
  aSubmission,
  describeCarrier,
  type Act,
  type FarSide,
} from '../support/carrier-conformance.ts';
import { makeCertificate } from '../support/certificate.ts';
import {
  deliverSm,
  receiptFor,
  startSmsc,
  submitAnswer,
  type SmscScript,
  type SmscSession,
} from '../support/smsc.ts';
import { optionsFor } from '../support/smpp-options.ts';
import { until } from '../support/until.ts';

async function startFarSide(): Promise<FarSide & { readonly port: number }> {
  const plan: Act[] = [];
  const submissions: { to: string; text: string; act: Act }[] = [];
  const held: (() => void)[] = [];
  let open = 0;
  let concurrentMax = 0;

  function perform(act: Act, pdu: PduOf<'submit_sm'>, session: SmscSession, id: string): void {
    const answer = (status = 0) => {
      open -= 1;
      session.send(submitAnswer(pdu, status === 0 ? id : '', status));
    };
    switch (act) {
      case 'accept':
        // A turn later, so that a window fills.
        setImmediate(answer);
        return;
      case 'refuse':
        answer(0x0b);
        return;
      case 'throttle':
        answer(0x58);
        return;
      case 'drop-before-answer':
        session.cut();
        return;
      case 'drop-after-answer':
        answer();
        session.end();
        return;
      case 'late':
        held.push(answer);
        return;
      case 'silent':
        return;
      case 'answer-twice':
        answer();
        answer();
        return;
      case 'receipt-first':
        session.send(receiptFor(id, 'DELIVRD'));
        answer();
        return;
      case 'garbage':
        session.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
        return;
    }
  }

  const smsc = await startSmsc({
    submit(pdu, session) {
      const { address } = pdu.destination;
      const act = plan.shift() ?? 'accept';
      submissions.push({ to: `+${address}`, text: pdu.shortMessage.toString('latin1'), act });
      open += 1;
      concurrentMax = Math.max(concurrentMax, open);
      perform(act, pdu, session, `id${submissions.length - 1}`);
    },
  });
  return {
    port: smsc.port,
    submissions,
    get concurrentMax() {
      return concurrentMax;
    },
    plan: (...acts) => void plan.push(...acts),
    release() {
      for (const answer of held.splice(0)) answer();
    },
    receipt: (index, status) =>
      smsc.session.send(
        receiptFor(
          `id${index}`,
          status === 'DELIVERED' ? 'DELIVRD' : 'UNDELIV',
          status === 'DELIVERED' ? '000' : '027',
        ),
      ),
    close: () => smsc.close(),
  };
}

describeCarrier('SMPP', async (responseTimeoutMs) => {
  const far = await startFarSide();
  return { far, carrier: createSmppCarrier(optionsFor(far.port, { responseTimeoutMs })) };
});

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function begin(script: SmscScript = {}, fields: Partial<SmppOptions> = {}) {
  const smsc = await startSmsc(script);
  const carrier = createSmppCarrier(optionsFor(smsc.port, fields));
  stops.push(
    () => smsc.close(),
    () => carrier.stop(),
  );
  const receipts: Receipt[] = [];
  const messages: InboundMessage[] = [];
  await carrier.start(
    async (some) => void receipts.push(...some),
    async (some) => void messages.push(...some),
  );
  return { smsc, carrier, receipts, messages };
}

const isUp = (carrier: { state?(): { connected: number; connections: number } }) => () =>
  carrier.state?.().connected === carrier.state?.().connections;

describe('a bind', () => {
  it('sends the credentials', async () => {
    const { smsc, carrier } = await begin({}, { systemType: 'A', addressRange: '^49' });
    await until(isUp(carrier));
    expect(smsc.received('bind_transceiver')).toMatchObject([
      {
        systemId: 'fanfare',
        password: 'secret',
        systemType: 'A',
        interfaceVersion: 0x34,
        addressRange: { ton: 0, npi: 0, address: '^49' },
      },
    ]);
    expect(carrier.state?.()).toEqual({ connections: 1, connected: 1, detail: null });
  });

  it('that is refused is tried again, in the end with success; submissions wait', async () => {
    const statuses = [0x08, 0x0d, 0];
    const { smsc, carrier } = await begin({ bind: () => statuses.shift() ?? 0 });
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
    expect(smsc.sessions).toHaveLength(3);
  });

  it('with a wrong password is described in words, and submissions are throttled', async () => {
    const { carrier, smsc } = await begin(
      { bind: () => 0x0e },
      { unboundWaitMs: 20, reconnectMaxMs: 60_000, throttledMs: 77 },
    );
    await until(() => carrier.state?.().detail?.startsWith('The SMSC') === true);
    expect(await carrier.send(aSubmission())).toEqual({ kind: 'throttled', afterMs: 77 });
    expect(carrier.state?.()).toEqual({
      connections: 1,
      connected: 0,
      detail: 'The SMSC refused the bind: ESME_RINVPASWD (0x0e): invalid password',
    });
    expect(smsc.sessions).toHaveLength(1);
  });

  it('that is refused is logged once for each reason, with the status by name', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    let status = 0x08;
    const { smsc, carrier } = await begin({ bind: () => status }, { logger });
    const tries = () => smsc.received('bind_transceiver').length;
    await until(() => tries() >= 5);
    status = 0x0e;
    const before = tries();
    await until(() => tries() >= before + 5);
    status = 0;
    await until(isUp(carrier));
    // As Pino counts levels: info, warn, error.
    const said = lines.filter((line) => Number(line['level']) >= 30);
    expect(said.map((line) => [line['level'], line['reason'] ?? line['msg']])).toEqual([
      [40, 'The SMSC refused the bind: ESME_RSYSERR (0x08): system error'],
      [50, 'The SMSC refused the bind: ESME_RINVPASWD (0x0e): invalid password'],
      [30, 'Bound to the SMSC'],
    ]);
  });

  it('that is never answered is given up and tried again', async () => {
    let binds = 0;
    const { carrier } = await begin(
      { bind: () => (++binds < 3 ? null : 0) },
      { bindTimeoutMs: 100 },
    );
    await until(isUp(carrier));
    expect(binds).toBeGreaterThanOrEqual(3);
  });

  it('is opened as often as configured, and all share the window', async () => {
    const { smsc, carrier } = await begin(
      { submit: () => undefined },
      { binds: 3, windowPerBind: 4 },
    );
    expect(carrier.windowMax).toBe(12);
    await until(isUp(carrier));
    const sends = Array.from({ length: 20 }, () => carrier.send(aSubmission()));
    await until(() => smsc.received('submit_sm').length === 12);
    await nextTurn();
    const counts = smsc.sessions.map(
      (each) => each.received.filter((pdu) => pdu.command === 'submit_sm').length,
    );
    expect(counts).toEqual([4, 4, 4]);
    smsc.script = {};
    expect((await Promise.all(sends)).filter((each) => each.kind === 'unknown')).toHaveLength(12);
  });

  it('may be a pair: one to transmit, one to receive', async () => {
    const { smsc, carrier, receipts } = await begin({}, { bindMode: 'pair' });
    await until(isUp(carrier));
    expect(carrier.state?.().connections).toBe(2);
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
    const [sender, receiver] = ['bind_transmitter', 'bind_receiver'].map((boundAs) =>
      smsc.sessions.find((each) => each.boundAs === boundAs),
    );
    expect(sender?.received.map((pdu) => pdu.command)).toEqual(['bind_transmitter', 'submit_sm']);
    receiver?.send(receiptFor('m1', 'DELIVRD'));
    await until(() => receipts.length === 1);
  });

  it('works over TLS with the right certificate and not with another', async () => {
    const tls = makeCertificate('smsc.test');
    const smsc = await startSmsc({}, tls);
    const trust = { ca: tls.cert, servername: 'smsc.test', rejectUnauthorized: true };
    const carriers = [
      trust,
      { ca: null, servername: null, rejectUnauthorized: false },
      { ...trust, servername: 'other.test' },
      { ...trust, ca: null },
    ].map((each) => createSmppCarrier(optionsFor(smsc.port, { tls: each })));
    stops.push(() => smsc.close(), ...carriers.map((carrier) => () => carrier.stop()));
    for (const carrier of carriers) await carrier.start(async () => undefined);
    const [good, blind, misnamed, untrusted] = carriers;
    expect((await good?.send(aSubmission()))?.kind).toBe('accepted');
    expect((await blind?.send(aSubmission()))?.kind).toBe('accepted');
    const detailOf = (carrier: typeof good) => carrier?.state?.().detail ?? '';
    await until(() => /^The connection failed: .*smsc\.test/.test(detailOf(misnamed)));
    await until(() => /^The connection failed: .*self.signed/.test(detailOf(untrusted)));
    expect(smsc.received('bind_transceiver')).toHaveLength(2);
  });

  it.each([
    [0, false, 0.5, 500],
    [3, false, 0.5, 4_000],
    [30, false, 1, 60_000],
    [2_000, false, 0, 0],
    [0, true, 0, 30_000],
    [0, true, 1, 60_000],
  ])('comes again after failure %d (refused: %s)', (failures, isRefused, random, expected) => {
    const times = { reconnectMinMs: 1_000, reconnectMaxMs: 60_000, random: () => random };
    expect(reconnectDelayMs(times, failures, isRefused)).toBe(expected);
  });
});

describe('a session', () => {
  it('answers enquire_link and unbind, and comes back', async () => {
    const { smsc, carrier } = await begin();
    await until(isUp(carrier));
    smsc.session.send({ command: 'enquire_link', status: 0, sequence: 77 });
    smsc.session.send({ command: 'unbind', status: 0, sequence: 78 });
    await until(() => smsc.received('unbind_resp').length === 1);
    expect(smsc.received('enquire_link_resp')).toMatchObject([{ sequence: 77 }]);
    expect(smsc.received('unbind_resp')).toMatchObject([{ sequence: 78 }]);
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
  });

  it('takes the answers that are still to come before it answers the SMSC’s unbind', async () => {
    const open: PduOf<'submit_sm'>[] = [];
    const { smsc, carrier, receipts } = await begin(
      { submit: (pdu) => void open.push(pdu) },
      { windowPerBind: 500 },
    );
    const sent = Array.from({ length: 500 }, () => carrier.send(aSubmission()));
    await until(() => open.length === 500);
    const { session } = smsc;
    session.send({ command: 'unbind', status: 0, sequence: 78 });
    session.send({ command: 'enquire_link', status: 0, sequence: 79 });
    await until(() => smsc.received('enquire_link_resp').length === 1);
    expect(smsc.received('unbind_resp')).toEqual([]);
    // Meanwhile nothing more goes there.
    const later = carrier.send(aSubmission({ text: 'Later' }));
    // Before the last answer: what follows it may be read no more.
    session.send(receiptFor('u1', 'DELIVRD'));
    for (const [i, pdu] of open.entries()) session.send(submitAnswer(pdu, `u${i}`));
    smsc.script = {};
    expect((await Promise.all(sent)).every((each) => each.kind === 'accepted')).toBe(true);
    await until(() => smsc.received('unbind_resp').length === 1);
    expect(smsc.received('unbind_resp')).toMatchObject([{ sequence: 78 }]);
    await until(() => receipts.length === 1);
    expect(session.received.at(-1)?.command).toBe('unbind_resp');
    expect(session.received.filter((pdu) => pdu.command === 'submit_sm')).toHaveLength(500);
    expect((await later).kind).toBe('accepted');
  });

  it('answers the SMSC’s unbind after a time where answers do not come', async () => {
    const { smsc, carrier } = await begin({ submit: () => undefined }, { stopTimeoutMs: 50 });
    const sent = carrier.send(aSubmission());
    await until(() => smsc.received('submit_sm').length === 1);
    smsc.session.send({ command: 'unbind', status: 0, sequence: 78 });
    await until(() => smsc.received('unbind_resp').length === 1);
    expect((await sent).kind).toBe('unknown');
    await until(isUp(carrier));
  });

  it('asks after silence whether the SMSC is there, and goes when it is not', async () => {
    let dumb = false;
    const { smsc, carrier } = await begin(
      {
        submit: () => undefined,
        enquireLink(pdu, session) {
          if (!dumb)
            session.send({ command: 'enquire_link_resp', status: 0, sequence: pdu.sequence });
        },
      },
      { enquireLinkMs: 20, responseTimeoutMs: 500 },
    );
    await until(() => smsc.received('enquire_link').length > 2);
    expect(smsc.sessions).toHaveLength(1);
    dumb = true;
    await until(() => smsc.sessions.length === 2);
    dumb = false;
    await until(isUp(carrier));
  });

  it('refuses unknown commands, but no unknown answers', async () => {
    const { smsc, carrier } = await begin();
    await until(isUp(carrier));
    smsc.session.raw(Buffer.from('00000010800000770000000000000008', 'hex'));
    smsc.session.raw(Buffer.from('00000010000000770000000000000009', 'hex'));
    smsc.session.send({ command: 'enquire_link', status: 0, sequence: 10 });
    await until(() => smsc.received('enquire_link_resp').length === 1);
    expect(smsc.received('generic_nack')).toMatchObject([{ status: 0x03, sequence: 9 }]);
    expect(smsc.sessions).toHaveLength(1);
  });

  it.each([
    ['a huge length', 'ffffffff'],
    ['a tiny length', '0000000f'],
  ])('ends with a reason after %s', async (_, bytes) => {
    const { smsc, carrier } = await begin();
    await until(isUp(carrier));
    smsc.session.raw(Buffer.from(bytes, 'hex'));
    await until(() => smsc.received('generic_nack').length === 1);
    expect(smsc.received('generic_nack')).toMatchObject([{ status: 0x02, sequence: 0 }]);
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
    expect(smsc.sessions).toHaveLength(2);
  });

  it('ignores PDUs without a use', async () => {
    const { smsc, carrier } = await begin({
      submit(pdu, session) {
        const address = { ton: 0, npi: 0, address: '1' };
        const none = new Map<number, Buffer>();
        session.send({ command: 'outbind', status: 0, sequence: 1, systemId: '', password: '' });
        session.send({
          command: 'alert_notification',
          status: 0,
          sequence: 2,
          source: address,
          esme: address,
          tlvs: none,
        });
        session.send(submitAnswer({ sequence: pdu.sequence + 1000 }, 'other'));
        session.send({ command: 'enquire_link_resp', status: 0, sequence: pdu.sequence });
        session.send({ command: 'generic_nack', status: 3, sequence: 0 });
        session.send(submitAnswer(pdu, '00AB'));
      },
    });
    expect(await carrier.send(aSubmission())).toEqual({ kind: 'accepted', providerId: '00AB' });
    expect(smsc.sessions).toHaveLength(1);
  });

  it('survives whatever is sent to it', async () => {
    const { smsc, carrier } = await begin({}, { reconnectMaxMs: 5 });
    const pdus = [
      deliverSm({ text: 'Hello' }),
      deliverSm({ esmClass: 0x40, shortMessage: Buffer.from([5, 0, 3, 1, 2, 1, 65]) }),
      receiptFor('77', 'DELIVRD'),
      submitAnswer({ sequence: 1 }, 'a'),
      { command: 'enquire_link', status: 0, sequence: 3 } as const,
      { command: 'unbind', status: 0, sequence: 4 } as const,
    ].map(encodePdu);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...pdus), { minLength: 1, maxLength: 5 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 5 }),
        async (some, flips) => {
          const bytes = Buffer.concat(some);
          for (const [at, bit] of flips)
            bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
          await until(isUp(carrier));
          const { session } = smsc;
          session.raw(bytes);
          session.end();
          await until(() => smsc.sessions.at(-1) !== session);
        },
      ),
      { numRuns: 100 },
    );
    await until(isUp(carrier));
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
  });

  it('reports requests that were never written as unsent, not as lost', async () => {
    const smsc = await startSmsc();
    stops.push(() => smsc.close());
    const options = optionsFor(smsc.port);
    const answers: Answer[] = [];
    const [body] = composeMessages(aSubmission(), options, () => 0, 0) as never[];
    const closed = new Promise<void>((resolve) => {
      const session = new Session(
        options,
        'bind_transceiver',
        {
          onBound() {
            session.submit(body!, (answer) => answers.push(answer));
            smsc.script = { submit: () => undefined };
          },
          onRoom: () => undefined,
          onDelivery() {
            session.submit(body!, (answer) => answers.push(answer));
            return true;
          },
          onDamage: () => undefined,
          onClosed: () => resolve(),
        },
        options.logger,
      );
      session.open();
    });
    await until(() => smsc.received('submit_sm').length === 1);
    // In one chunk: at the end of the turn there is no session any more.
    smsc.session.raw(Buffer.concat([encodePdu(deliverSm({})), Buffer.from('ffffffff', 'hex')]));
    await closed;
    expect(answers.map((each) => each.kind)).toEqual(['lost', 'unsent']);
    expect(smsc.received('submit_sm')).toHaveLength(1);
  });

  it('numbers requests up to the end and begins again, around those that wait', () => {
    const outstanding = createOutstanding(() => 0, 0x7ffffffe);
    expect([1, 2, 3, 4].map(() => outstanding.enter('enquire_link'))).toEqual([
      0x7ffffffe, 0x7fffffff, 1, 2,
    ]);
    const again = createOutstanding(() => 0, 0x7fffffff);
    again.enter('enquire_link');
    again.enter('submit_sm', () => undefined);
    expect(again.submits).toBe(1);
    expect(again.take(1, 'enquire_link')).toBeUndefined();
    expect(again.take(1, 'submit_sm')?.command).toBe('submit_sm');
    expect(again.submits).toBe(0);
  });

  it('stops within its time when answers do not come', async () => {
    const { smsc, carrier } = await begin(
      { submit: () => undefined, unbind: () => undefined },
      { stopTimeoutMs: 20, responseTimeoutMs: 60_000 },
    );
    const sent = carrier.send(aSubmission());
    await until(() => smsc.received('submit_sm').length === 1);
    smsc.script = {};
    await carrier.stop();
    expect((await sent).kind).toBe('unknown');
    expect(smsc.received('unbind')).toHaveLength(1);
    await carrier.stop();
  });
});

describe('the pool', () => {
  /** A link that holds what it is given. */
  function fakeLink(room: number) {
    const held: ((answer: Answer) => void)[] = [];
    const link = {
      start: () => undefined,
      isOpen: true,
      isBound: true,
      get room() {
        return link.isBound ? room - held.length : 0;
      },
      detail: null,
      submit: (_: unknown, done: (answer: Answer) => void) => void held.push(done),
      resume: () => undefined,
      stop: async () => undefined,
    };
    return { link, held };
  }
  const body = {} as MessageBody;
  const taken: Answer = { kind: 'answered', status: 0, messageId: '1' };
  const unsent: Answer = { kind: 'unsent', detail: 'gone' };

  it('passes unsent requests to another link', async () => {
    const [a, b] = [fakeLink(2), fakeLink(1)];
    const pool = createPool([a.link, b.link], 1_000);
    const answer = pool.submit(body);
    expect([a.held.length, b.held.length]).toEqual([1, 0]);
    a.link.isBound = false;
    a.held.pop()?.(unsent);
    pool.onDown();
    expect([a.held.length, b.held.length]).toEqual([0, 1]);
    b.held.pop()?.(taken);
    expect(await answer).toEqual(taken);
    pool.stop();
  });

  it('keeps the order of those that wait', async () => {
    const { link, held } = fakeLink(1);
    const pool = createPool([link], 1_000);
    const order: number[] = [];
    const answers = [1, 2, 3].map(async (i) => {
      await pool.submit(body);
      order.push(i);
    });
    for (let i = 0; i < 3; i += 1) {
      held.pop()?.(taken);
      pool.onRoom();
    }
    await Promise.all(answers);
    expect(order).toEqual([1, 2, 3]);
    pool.stop();
  });

  it('ends waiting submissions when it stops, and takes none afterwards', async () => {
    const pool = createPool([], 1_000);
    const waiting = pool.submit(body);
    pool.stop();
    expect((await waiting).kind).toBe('unsent');
    expect((await pool.submit(body)).kind).toBe('unsent');
  });
});

describe('an answer', () => {
  it.each([
    [0x0b, 'rejected', 21211, 'ESME_RINVDSTADR (0x0b): invalid destination address'],
    [0x0a, 'rejected', 21606, 'ESME_RINVSRCADR (0x0a): invalid source address'],
    [0x45, 'rejected', 30006, 'ESME_RSUBMITFAIL (0x45): submission failed'],
    [0x01, 'rejected', 30008, 'ESME_RINVMSGLEN (0x01): message length is invalid'],
    [0x401, 'rejected', 30008, '0x00000401: a status of the SMSC’s own'],
    [0x08, 'retry', 30008, 'ESME_RSYSERR (0x08): system error'],
    [0x64, 'retry', 30008, 'ESME_RX_T_APPN (0x64): temporary application error'],
  ])('with status %d is %s', async (status, kind, code, detail) => {
    const { carrier } = await begin({
      submit: (pdu, session) => session.send(submitAnswer(pdu, '', status)),
    });
    expect(await carrier.send(aSubmission())).toEqual({ kind, code, detail });
  });

  it.each([0x58, 0x14])('with status %d throttles', async (status) => {
    const { carrier } = await begin(
      { submit: (pdu, session) => session.send(submitAnswer(pdu, '', status)) },
      { throttledMs: 77 },
    );
    expect(await carrier.send(aSubmission())).toEqual({ kind: 'throttled', afterMs: 77 });
  });

  it('may be a generic_nack', async () => {
    const { carrier } = await begin({
      submit: (pdu, session) =>
        session.send({ command: 'generic_nack', status: 0x03, sequence: pdu.sequence }),
    });
    expect(await carrier.send(aSubmission())).toMatchObject({ kind: 'rejected', code: 30008 });
  });

  it('is not needed for messages that cannot be sent', async () => {
    const { smsc, carrier } = await begin();
    expect(await carrier.send(aSubmission({ text: null }))).toMatchObject({ kind: 'rejected' });
    expect(smsc.received('submit_sm')).toEqual([]);
  });
});

describe('a long message', () => {
  const long = aSubmission({ text: 'a'.repeat(400) });

  /** Answers each submit_sm by its place in `statuses`; null: the line is cut. */
  const inTurn = (statuses: (number | null)[]): SmscScript => ({
    submit(pdu, session) {
      const status = statuses.shift() ?? 0;
      if (statuses.length === 0 || status !== null)
        session.send(submitAnswer(pdu, `P${pdu.shortMessage[5] ?? 0}`, status ?? 0));
      else session.cut();
    },
  });

  it('is accepted with the ids of its parts, and asks for its life and receipts', async () => {
    const { smsc, carrier } = await begin();
    const expireAt = new Date(Date.now() + 3_700_000);
    expect(await carrier.send({ ...long, expireAt })).toEqual({
      kind: 'accepted',
      providerId: 'm1',
      partIds: ['m1', 'm2', 'm3'],
    });
    for (const pdu of smsc.received('submit_sm')) {
      expect(pdu.validity).toMatch(/^0000000101\d\d000R$/);
      expect(pdu.registeredDelivery).toBe(1);
    }
  });

  it.each([0x58, 0x0b])('is nothing when its first part is not taken (%d)', async (status) => {
    const { smsc, carrier } = await begin(inTurn([status]));
    const { kind } = await carrier.send(long);
    expect(kind).toBe(status === 0x58 ? 'throttled' : 'rejected');
    expect(smsc.received('submit_sm')).toHaveLength(1);
  });

  it('names the accepted parts when a later part is refused', async () => {
    const { carrier } = await begin(inTurn([0, 0x0b, 0]));
    expect(await carrier.send(long)).toEqual({
      kind: 'rejected',
      code: 21211,
      detail:
        'part 2 of 3 refused (ESME_RINVDSTADR (0x0b): invalid destination address); parts 1, 3 were taken',
    });
  });

  it('tries a later part again itself', async () => {
    const { smsc, carrier } = await begin(inTurn([0, 0x58, 0, 0x08, 0]));
    expect(await carrier.send(long)).toMatchObject({ partIds: ['P1', 'P2', 'P3'] });
    expect(smsc.received('submit_sm').map((pdu) => pdu.shortMessage[5])).toEqual([1, 2, 3, 2, 2]);
  });

  it('gives a later part up in the end', async () => {
    const { carrier } = await begin(
      {
        submit: (pdu, session) =>
          session.send(submitAnswer(pdu, 'x', pdu.shortMessage[5] === 2 ? 0x58 : 0)),
      },
      { partRetryMs: 250 },
    );
    expect(await carrier.send(long)).toMatchObject({
      kind: 'rejected',
      detail: expect.stringMatching(/^part 2 of 3 refused \(ESME_RTHROTTLED/),
    });
  });

  it('is unknown when the line is cut under a later part', async () => {
    const { carrier } = await begin({
      submit(pdu, session) {
        if (pdu.shortMessage[5] === 1) session.send(submitAnswer(pdu, 'x'));
        else session.cut();
      },
    });
    expect(await carrier.send(long)).toMatchObject({
      kind: 'unknown',
      detail: expect.stringMatching(/^part 2 of 3 without an answer .*; part 1 was taken$/),
    });
  });
});

describe('a delivery of the SMSC', () => {
  it('is a message to us, whole, and answered', async () => {
    const { smsc, carrier, messages } = await begin();
    await until(isUp(carrier));
    const part = (number: number, text: string) =>
      deliverSm({
        esmClass: 0x40,
        dataCoding: 8,
        shortMessage: Buffer.concat([
          Buffer.from([5, 0, 3, 9, 2, number]),
          Buffer.from(text, 'utf16le').swap16(),
        ]),
      });
    smsc.session.send(deliverSm({ text: 'STOP' }));
    smsc.session.send(part(2, 'вет'));
    smsc.session.send(part(1, 'При'));
    smsc.session.send(
      deliverSm({
        source: { ton: 5, npi: 0, address: 'Bank' },
        tlvs: new Map([[0x0424, Buffer.from([0x00, 0x1b, 0x65])]]),
      }),
    );
    await until(() => smsc.received('deliver_sm_resp').length === 4);
    expect(smsc.received('deliver_sm_resp').every((each) => each.status === 0)).toBe(true);
    expect(messages.map(({ from, text }) => [from, text])).toEqual([
      ['+4917012345', 'STOP'],
      ['+4917012345', 'Привет'],
      ['Bank', '@€'],
    ]);
    expect(messages[0]).toEqual({
      channel: 'SMS',
      from: '+4917012345',
      to: '+15005550100',
      text: 'STOP',
      providerId: null,
      receivedAt: expect.any(Date),
    });
  });

  it('may come as data_sm', async () => {
    const { smsc, carrier, receipts } = await begin();
    await until(isUp(carrier));
    smsc.session.send({
      command: 'data_sm',
      status: 0,
      sequence: 5,
      serviceType: '',
      source: { ton: 1, npi: 1, address: '1' },
      destination: { ton: 1, npi: 1, address: '2' },
      esmClass: 4,
      registeredDelivery: 0,
      dataCoding: 0,
      tlvs: new Map([
        [0x001e, Buffer.from('00FF\0')],
        [0x0427, Buffer.from([2])],
      ]),
    });
    await until(() => smsc.received('data_sm_resp').length === 1);
    expect(receipts).toEqual([
      { providerIds: ['00FF', 'ff', '255', ''], recipients: ['1', '2'], status: 'DELIVERED' },
    ]);
  });

  it('is answered when it was taken, and not before', async () => {
    const smsc = await startSmsc();
    const carrier = createSmppCarrier(optionsFor(smsc.port));
    stops.push(
      () => smsc.close(),
      () => carrier.stop(),
    );
    const calls: { count: number; done: () => void; fail: (error: Error) => void }[] = [];
    await carrier.start(
      (some) =>
        new Promise((done, fail) => {
          calls.push({ count: some.length, done, fail });
        }),
    );
    await until(isUp(carrier));
    smsc.session.send(receiptFor('1', 'DELIVRD'));
    await until(() => calls.length === 1);
    smsc.session.send(receiptFor('2', 'DELIVRD'));
    smsc.session.send(receiptFor('3', 'ENROUTE'));
    await until(() => smsc.received('deliver_sm_resp').length === 1);
    calls[0]?.done();
    await until(() => calls.length === 2);
    await until(() => smsc.received('deliver_sm_resp').length === 2);
    calls[1]?.fail(new Error('No room'));
    await until(() => smsc.received('deliver_sm_resp').length === 3);
    expect(smsc.received('deliver_sm_resp').map((each) => each.status)).toEqual([0, 0, 0x64]);
  });

  it('is read no further beyond a bound, and no answer is an error or late for it', async () => {
    const smsc = await startSmsc({ submit: () => undefined });
    const carrier = createSmppCarrier(
      optionsFor(smsc.port, { responseTimeoutMs: 6_000, enquireLinkMs: 1_000 }),
    );
    let take = () => {};
    const room = new Promise<void>((resolve) => (take = resolve));
    stops.push(
      () => smsc.close(),
      () => carrier.stop(),
    );
    const receipts: Receipt[] = [];
    await carrier.start(async (some) => {
      await room;
      receipts.push(...some);
    });
    await until(isUp(carrier));
    const sent = carrier.send(aSubmission());
    await until(() => smsc.received('submit_sm').length === 1);
    const [submitted] = smsc.received('submit_sm');
    const count = 2_600;
    const flood = Array.from({ length: count }, (_, i) => encodePdu(receiptFor(`${i}`, 'DELIVRD')));
    // Behind all of them the answer to the submission.
    smsc.session.raw(Buffer.concat([...flood, encodePdu(submitAnswer(submitted!, 'm1'))]));
    // Longer than an answer may take: nobody reads it.
    await sleep(7_000);
    expect(smsc.received('deliver_sm_resp')).toEqual([]);
    take();
    expect(await sent).toEqual({ kind: 'accepted', providerId: 'm1' });
    await until(() => smsc.received('deliver_sm_resp').length === count);
    expect(smsc.received('deliver_sm_resp').every((each) => each.status === 0)).toBe(true);
    expect(receipts.map((each) => each.providerIds?.[0])).toEqual(flood.map((_, i) => `${i}`));
    expect(smsc.sessions).toHaveLength(1);
  });

  it('is answered and dropped without a sink for messages', async () => {
    const smsc = await startSmsc();
    const carrier = createSmppCarrier(optionsFor(smsc.port));
    stops.push(
      () => smsc.close(),
      () => carrier.stop(),
    );
    await carrier.start(async () => undefined);
    await until(isUp(carrier));
    smsc.session.send(deliverSm({ text: 'Hello' }));
    await until(() => smsc.received('deliver_sm_resp').length === 1);
    expect(smsc.received('deliver_sm_resp')).toMatchObject([{ status: 0 }]);
  });
});
