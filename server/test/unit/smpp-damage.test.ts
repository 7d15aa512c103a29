/** Damaged PDUs of an SMSC: contained, answered, logged once, counted; everything around them continues. */
import * as fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { InboundMessage, Receipt } from '../../src/carriers/carrier.ts';
import { COMMAND_IDS } from '../../src/carriers/smpp/commands.ts';
import { NO_TLVS, type Pdu } from '../../src/carriers/smpp/pdu.ts';
import { createSmppCarrier } from '../../src/carriers/smpp/smpp.ts';
import { encodePdu } from '../../src/carriers/smpp/writer.ts';
import { aSubmission } from '../support/carrier-conformance.ts';
import { optionsFor } from '../support/smpp-options.ts';
import {
  deliverSm,
  receiptFor,
  startSmsc,
  submitAnswer,
  type Smsc,
  type SmscScript,
} from '../support/smsc.ts';
import { until } from '../support/until.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function begin(scriptOf: (smsc: () => Smsc) => SmscScript = () => ({})) {
  const smsc: Smsc = await startSmsc(scriptOf(() => smsc));
  const log: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  let damaged = 0;
  const carrier = createSmppCarrier(
    optionsFor(smsc.port, { logger, onDamage: () => void (damaged += 1), windowPerBind: 100 }),
  );
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
  await until(() => carrier.state?.().connected === 1);
  const warnings = () => log.filter((line) => line['msg'] === 'The SMSC sent a damaged PDU');
  return { smsc, carrier, receipts, messages, log, warnings, damaged: () => damaged };
}

/** A PDU with this body, whatever it is. */
function frame(command: number, sequence: number, body: Buffer, status = 0): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(16 + body.length);
  header.writeUInt32BE(command, 4);
  header.writeUInt32BE(status, 8);
  header.writeUInt32BE(sequence, 12);
  return Buffer.concat([header, body]);
}

/** A sequence number that nothing else has here. */
const OWN = 0x70000;
const bodyOf = (pdu: Pdu) => encodePdu(pdu).subarray(16);
const STOP = bodyOf(deliverSm({ text: 'STOP' }));
const RECEIPT = bodyOf(receiptFor('77', 'DELIVRD'));
const DATA = bodyOf({
  command: 'data_sm',
  status: 0,
  sequence: 1,
  serviceType: '',
  source: { ton: 1, npi: 1, address: '4917012345' },
  destination: { ton: 1, npi: 1, address: '15005550100' },
  esmClass: 0,
  registeredDelivery: 0,
  dataCoding: 0,
  tlvs: new Map([[0x0424, Buffer.from('STOP')]]),
});
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const { deliver_sm, data_sm } = COMMAND_IDS;

describe('a damaged PDU', () => {
  it.each([
    ['a byte behind the message', deliver_sm, Buffer.concat([STOP, hex('00')])],
    ['a tag without a length', deliver_sm, Buffer.concat([STOP, hex('001e')])],
    ['a parameter cut off', deliver_sm, Buffer.concat([STOP, hex('001e 0008 4142')])],
    ['a good parameter and half of one', deliver_sm, Buffer.concat([STOP, hex('0427 0001 02 04')])],
    ['data_sm with a byte behind its parameters', data_sm, Buffer.concat([DATA, hex('ff')])],
  ])('is taken as far as it can be read: %s', async (_, command, body) => {
    const { smsc, messages, warnings, damaged } = await begin();
    const bytes = frame(command, OWN, body);
    smsc.session.raw(bytes);
    await until(
      () => smsc.received(command === data_sm ? 'data_sm_resp' : 'deliver_sm_resp').length > 0,
    );
    expect(messages.map(({ text }) => text)).toEqual(['STOP']);
    expect([damaged(), smsc.sessions.length, warnings().length]).toEqual([1, 1, 1]);
    expect(warnings()[0]).toMatchObject({
      carrier: 'smsc',
      reason: 'An optional parameter is cut off',
      octets: bytes.toString('hex'),
    });
  });

  it('may be a receipt', async () => {
    const { smsc, receipts } = await begin();
    smsc.session.raw(frame(deliver_sm, OWN, Buffer.concat([RECEIPT, hex('00')])));
    await until(() => smsc.received('deliver_sm_resp').length === 1);
    expect(receipts).toMatchObject([{ status: 'DELIVERED' }]);
    expect(smsc.received('deliver_sm_resp')).toMatchObject([{ status: 0, sequence: OWN }]);
  });

  const empty = bodyOf(deliverSm({}));
  const withLength = (body: Buffer, length: number) => {
    const changed = Buffer.from(body);
    changed[changed.length - 5] = length;
    return changed;
  };
  it.each<[string, number, Buffer, Pdu['command'] | null, number]>([
    ['no body', deliver_sm, hex(''), 'deliver_sm_resp', 0x02],
    ['a string without its end', deliver_sm, hex('ff'), 'deliver_sm_resp', 0x02],
    ['half of its fields', deliver_sm, STOP.subarray(0, 20), 'deliver_sm_resp', 0x02],
    ['sm_length beyond its end', deliver_sm, withLength(STOP, 200), 'deliver_sm_resp', 0x01],
    [
      'no message, and a payload cut off',
      deliver_sm,
      Buffer.concat([empty, hex('0424 00ff 41')]),
      'deliver_sm_resp',
      0xc0,
    ],
    ['data_sm without a body', data_sm, hex(''), 'data_sm_resp', 0x02],
    ['data_sm whose payload is cut off', data_sm, DATA.subarray(0, -1), 'data_sm_resp', 0xc0],
    ['an unknown command', 0x00000077, hex('0102'), 'generic_nack', 0x03],
    ['a vendor’s command', 0x00010200, hex(''), 'generic_nack', 0x03],
    ['query_sm', 0x00000003, hex('00'), 'generic_nack', 0x03],
    ['submit_sm', COMMAND_IDS.submit_sm, STOP, 'generic_nack', 0x03],
    [
      'submit_sm with a byte behind it',
      COMMAND_IDS.submit_sm,
      Buffer.concat([STOP, hex('00')]),
      'generic_nack',
      0x03,
    ],
    ['a bind', COMMAND_IDS.bind_receiver, hex('00 00 00 34 00 00 00'), 'generic_nack', 0x03],
    ['a bind without a body', COMMAND_IDS.bind_transceiver, hex(''), 'generic_nack', 0x03],
    ['alert_notification without a body', COMMAND_IDS.alert_notification, hex(''), null, 0],
    [
      'alert_notification with half a parameter',
      COMMAND_IDS.alert_notification,
      hex('010131000101320004'),
      null,
      0,
    ],
    ['outbind without a body', COMMAND_IDS.outbind, hex(''), null, 0],
    ['an unknown answer', 0x80000077, hex('01'), null, 0],
    [
      'submit_sm_resp to nothing, without its end',
      COMMAND_IDS.submit_sm_resp,
      hex('4141'),
      null,
      0,
    ],
    [
      'bind_transceiver_resp that nobody waits for',
      COMMAND_IDS.bind_transceiver_resp,
      hex('41'),
      null,
      0,
    ],
    ['deliver_sm_resp with half a parameter', COMMAND_IDS.deliver_sm_resp, hex('00 04'), null, 0],
  ])('is answered, and nothing else is harmed: %s', async (_, command, body, answer, status) => {
    const { smsc, carrier, receipts, warnings, damaged } = await begin();
    const bytes = frame(command, OWN, body);
    // Around it in one write: what must not be lost.
    smsc.session.raw(
      Buffer.concat([
        encodePdu(receiptFor('1', 'DELIVRD')),
        bytes,
        encodePdu(receiptFor('2', 'UNDELIV')),
        encodePdu({ command: 'enquire_link', status: 0, sequence: 10 }),
      ]),
    );
    await until(() => smsc.received('enquire_link_resp').length === 1 && receipts.length === 2);
    await until(() => smsc.received('deliver_sm_resp').length >= 2);
    const others = ['deliver_sm_resp', 'data_sm_resp', 'generic_nack'] as const;
    const answers = others
      .flatMap((each) => smsc.received(each))
      .filter((pdu) => pdu.sequence === OWN);
    expect(answers.map((pdu) => [pdu.command, pdu.status])).toEqual(
      answer === null ? [] : [[answer, status]],
    );
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
    expect([damaged(), smsc.sessions.length, warnings().length]).toEqual([1, 1, 1]);
    expect(warnings()[0]).toMatchObject({ octets: bytes.toString('hex'), length: bytes.length });
  });

  it('may be an answer: its meaning is in its header', async () => {
    const ids = COMMAND_IDS;
    const { smsc, carrier } = await begin((own) => ({
      bind({ sequence }) {
        own().sessions[0]?.raw(frame(ids.bind_transceiver_resp, sequence, hex('41 42')));
        return null;
      },
    }));
    const answerWith = (body: Buffer, status = 0): SmscScript => ({
      submit: (pdu, session) => session.raw(frame(ids.submit_sm_resp, pdu.sequence, body, status)),
    });
    smsc.script = answerWith(Buffer.from('id-7'));
    expect(await carrier.send(aSubmission())).toEqual({ kind: 'accepted', providerId: 'id-7' });
    smsc.script = answerWith(hex('41 00 00 1e ff'));
    expect(await carrier.send(aSubmission())).toMatchObject({ kind: 'accepted' });
    smsc.script = answerWith(hex('ff'), 0x0b);
    expect(await carrier.send(aSubmission())).toMatchObject({ kind: 'rejected', code: 21211 });
    expect(smsc.sessions).toHaveLength(1);
  });

  it('is shown up to a bound', async () => {
    const { smsc, warnings } = await begin();
    smsc.session.raw(frame(0x77, OWN, Buffer.alloc(60_000, 0xaa)));
    await until(() => warnings().length === 1);
    expect(warnings()[0]).toMatchObject({ length: 60_016 });
    expect(String(warnings()[0]?.['octets'])).toMatch(/^[0-9a-f]{512}…$/);
  });
});

/** Damages a body: bits, octets too many or too few, lengths. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({
    kind: fc.constant('append' as const),
    octets: fc.uint8Array({ minLength: 1, maxLength: 9 }),
  }),
  fc.record({
    kind: fc.constant('set' as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 1, 0x7f, 0xfe, 0xff),
  }),
  fc.record({ kind: fc.constant('replace' as const), octets: fc.uint8Array({ maxLength: 80 }) }),
);
type Damage = typeof damage extends fc.Arbitrary<infer Each> ? Each : never;

function apply(body: Buffer, each: Damage): Buffer {
  switch (each.kind) {
    case 'cut':
      return body.subarray(0, each.at % (body.length + 1));
    case 'append':
      return Buffer.concat([body, each.octets]);
    case 'replace':
      return Buffer.from(each.octets);
    default: {
      if (body.length === 0) return body;
      const changed = Buffer.from(body);
      const at = each.at % body.length;
      changed[at] = each.kind === 'set' ? each.value : (changed[at] ?? 0) ^ (1 << each.bit);
      return changed;
    }
  }
}

describe('any damage to bodies', () => {
  const address = { ton: 1, npi: 1, address: '4917012345' };
  const bodies: readonly (readonly [number, Buffer])[] = [
    [deliver_sm, STOP],
    [deliver_sm, RECEIPT],
    [deliver_sm, bodyOf(deliverSm({ esmClass: 0x40, shortMessage: hex('050003010201 41') }))],
    [
      deliver_sm,
      bodyOf(
        deliverSm({
          esmClass: 4,
          tlvs: new Map([
            [0x427, hex('02')],
            [0x1e, hex('4100')],
          ]),
        }),
      ),
    ],
    [data_sm, DATA],
    [COMMAND_IDS.submit_sm_resp, hex('413100')],
    [COMMAND_IDS.bind_transceiver_resp, hex('4100 0210 0001 34')],
    [COMMAND_IDS.generic_nack, hex('')],
    [COMMAND_IDS.enquire_link_resp, hex('')],
    [COMMAND_IDS.unbind_resp, hex('')],
    [COMMAND_IDS.submit_sm, STOP],
    [COMMAND_IDS.outbind, hex('4100 4200')],
    [0x00000099, hex('0102')],
    [0x80000099, hex('0102')],
    [
      COMMAND_IDS.alert_notification,
      bodyOf({
        command: 'alert_notification',
        status: 0,
        sequence: 1,
        source: address,
        esme: address,
        tlvs: NO_TLVS,
      }),
    ],
  ];

  it('ends no session and loses none of the PDUs around', async () => {
    const { smsc, carrier, receipts } = await begin();
    const { session } = smsc;
    let sequence = 0x1000;
    let good = 0;
    let answers: Damage[] = [];
    // Answers to submissions are damaged, too.
    smsc.script = {
      submit(pdu, to) {
        const body = answers.reduce(apply, bodyOf(submitAnswer(pdu, 'm1')));
        to.raw(frame(COMMAND_IDS.submit_sm_resp, pdu.sequence, body));
      },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.constantFrom(...bodies), fc.array(damage, { minLength: 1, maxLength: 3 })),
          { minLength: 1, maxLength: 12 },
        ),
        fc.array(damage, { maxLength: 2 }),
        async (some, ofAnswers) => {
          answers = ofAnswers;
          const sent = carrier.send(aSubmission());
          const stream: Buffer[] = [];
          const from = good;
          for (const [[command, body], damages] of some) {
            sequence += 1;
            good += 1;
            stream.push(
              frame(command, sequence, damages.reduce(apply, body)),
              encodePdu(receiptFor(`good-${good}`, 'DELIVRD')),
            );
          }
          sequence += 1;
          const last = sequence;
          stream.push(encodePdu({ command: 'enquire_link', status: 0, sequence: last }));
          session.raw(Buffer.concat(stream));
          await until(() =>
            smsc.received('enquire_link_resp').some((pdu) => pdu.sequence === last),
          );
          expect((await sent).kind).toBe('accepted');
          const wanted = Array.from({ length: good - from }, (_, i) => `good-${from + i + 1}`);
          const has = (id: string) => receipts.some((each) => each.providerIds?.includes(id));
          await until(() => wanted.every(has));
          expect(smsc.sessions).toHaveLength(1);
        },
      ),
      { numRuns: 150 },
    );
    expect(carrier.state?.().connected).toBe(1);
  });
});

describe('a message to us', () => {
  it('is read where it can be, and else contained, counted and logged once', async () => {
    const { smsc, messages, log, damaged } = await begin();
    const texts = [
      [0x04, '53544f50'],
      [0x04, 'ff00'],
      [0x06, 'e1e2dedf'],
    ] as const;
    for (const [dataCoding, octets] of texts) {
      const body = bodyOf(deliverSm({ dataCoding, shortMessage: hex(octets) }));
      smsc.session.raw(frame(deliver_sm, OWN, body));
    }
    await until(() => smsc.received('deliver_sm_resp').length === 3);
    expect(smsc.received('deliver_sm_resp').map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(messages.map(({ text }) => text)).toEqual(['STOP', 'стоп']);
    expect(damaged()).toBe(1);
    expect(log.filter(({ octets }) => octets === 'ff00')).toHaveLength(1);
  });
});

describe('a session with an SMSC that does not keep to the order of things', () => {
  const empty = (command: number, sequence: number, status = 0) =>
    frame(command, sequence, hex(''), status);
  /** Answers to nothing, again and again, and requests with one number. */
  const nonsense = (sequence: number) => [
    empty(COMMAND_IDS.submit_sm_resp, sequence),
    empty(COMMAND_IDS.submit_sm_resp, 0),
    empty(COMMAND_IDS.submit_sm_resp, 0xffffffff, 0xff),
    empty(COMMAND_IDS.bind_transceiver_resp, sequence),
    empty(COMMAND_IDS.bind_transceiver_resp, 1, 0x0d),
    empty(COMMAND_IDS.bind_receiver_resp, 1),
    empty(COMMAND_IDS.unbind_resp, sequence),
    empty(COMMAND_IDS.unbind_resp, 1),
    empty(COMMAND_IDS.enquire_link_resp, sequence),
    empty(COMMAND_IDS.generic_nack, 0, 3),
    empty(COMMAND_IDS.generic_nack, sequence, 3),
    frame(COMMAND_IDS.deliver_sm_resp, sequence, hex('00')),
    empty(0xdeadbeef, sequence),
    empty(COMMAND_IDS.enquire_link, 0),
    empty(COMMAND_IDS.enquire_link, 0xffffffff),
  ];

  it.each([1, 7, 65_536])('continues, and loses nothing, in chunks of %i octets', async (size) => {
    const { smsc, carrier, receipts, messages, damaged } = await begin(() => ({
      submit(pdu, to) {
        // Twice, and then as if it had failed.
        to.raw(encodePdu(submitAnswer(pdu, 'm1')));
        to.raw(encodePdu(submitAnswer(pdu, 'm2')));
        to.raw(empty(COMMAND_IDS.submit_sm_resp, pdu.sequence, 0x08));
        to.raw(empty(COMMAND_IDS.generic_nack, pdu.sequence, 3));
      },
    }));
    const stream = Buffer.concat([
      ...nonsense(0x5000),
      frame(deliver_sm, OWN, STOP),
      frame(deliver_sm, OWN, RECEIPT),
      ...nonsense(OWN),
      frame(0x00000099, OWN, hex('0102')),
      frame(deliver_sm, OWN, STOP),
    ]);
    for (let at = 0; at < stream.length; at += size)
      smsc.session.raw(stream.subarray(at, at + size));
    await until(() => smsc.received('deliver_sm_resp').length === 3);
    expect(await carrier.send(aSubmission())).toMatchObject({
      kind: 'accepted',
      providerId: 'm1',
    });
    await until(() => smsc.received('enquire_link_resp').length === 4);
    expect(messages.map(({ text }) => text)).toEqual(['STOP', 'STOP']);
    expect(receipts).toHaveLength(1);
    expect(smsc.received('generic_nack')).toHaveLength(1);
    // The unknown answers and the unknown request, each once.
    expect(damaged()).toBe(3);
    expect([smsc.sessions.length, carrier.state?.().connected]).toEqual([1, 1]);
  });

  it.each([
    ['0', '00000000'],
    ['15', '0000000f'],
    ['4 GB', 'ffffffff'],
    ['64 kB and one', '00010001'],
  ])('takes the PDUs before a length of %s, and binds again', async (_, length) => {
    const { smsc, carrier, messages, damaged } = await begin();
    smsc.session.raw(
      Buffer.concat([frame(deliver_sm, OWN, STOP), hex(length), frame(deliver_sm, OWN, STOP)]),
    );
    await until(() => smsc.sessions.length === 2 && carrier.state?.().connected === 1);
    expect(messages.map(({ text }) => text)).toEqual(['STOP']);
    expect(damaged()).toBe(1);
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
  });

  it('is asked and sent to before it is bound, and unbound in the middle of a PDU', async () => {
    const { smsc, carrier, messages } = await begin((self) => ({
      bind(pdu) {
        const to = self().sessions.at(-1);
        to?.raw(empty(COMMAND_IDS.enquire_link, 5));
        to?.raw(empty(COMMAND_IDS.bind_transceiver_resp, pdu.sequence + 1));
        to?.raw(empty(COMMAND_IDS.bind_receiver_resp, pdu.sequence));
        // The right one follows.
        return 0;
      },
    }));
    expect(smsc.sessions).toHaveLength(1);
    smsc.session.raw(frame(deliver_sm, OWN, STOP));
    await until(() => messages.length === 1);
    expect(smsc.received('enquire_link_resp')).toHaveLength(1);
    smsc.session.raw(
      Buffer.concat([empty(COMMAND_IDS.unbind, 9), frame(deliver_sm, OWN, STOP).subarray(0, 30)]),
    );
    await until(() => smsc.sessions.length === 2 && carrier.state?.().connected === 1);
    expect(smsc.received('unbind_resp')).toHaveLength(1);
    smsc.session.raw(frame(deliver_sm, OWN, STOP));
    await until(() => messages.length === 2);
    expect((await carrier.send(aSubmission())).kind).toBe('accepted');
  });
});
