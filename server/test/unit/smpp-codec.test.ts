/** The codec of SMPP: vectors, an independent implementation both ways, and everything that is not SMPP at all. */
import * as fc from 'fast-check';
import smpp from 'smpp';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText, splitText } from '../../src/carriers/smpp/alphabet.ts';
import { fromSmppAddress, toSmppAddress } from '../../src/carriers/smpp/addresses.ts';
import { createFrameDecoder, PDU_LENGTH_MAX } from '../../src/carriers/smpp/frames.ts';
import { composeMessages, formatValidity } from '../../src/carriers/smpp/messages.ts';
import { SMPP_DEFAULTS, type SmppOptions } from '../../src/carriers/smpp/options.ts';
import { NO_TLVS, PduError, type Pdu, type Tlvs } from '../../src/carriers/smpp/pdu.ts';
import { readPdu } from '../../src/carriers/smpp/reader.ts';
import { createReassembly, readPart } from '../../src/carriers/smpp/reassembly.ts';
import { encodePdu, PduWriter } from '../../src/carriers/smpp/writer.ts';
import { measureSms } from '../../src/domain/segments.ts';
import { aSubmission } from '../support/carrier-conformance.ts';
import { runs } from '../support/runs.ts';

const decode = (bytes: Buffer) => readPdu(bytes, 0, bytes.length);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

const word = (max: number) =>
  fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: max,
  });
const octet = fc.nat(255);
const octets = (max: number) =>
  fc.uint8Array({ maxLength: max, size: 'large' }).map((each) => Buffer.from(each));
const address = (max = 20) => fc.record({ ton: octet, npi: octet, address: word(max) });
const sequence = fc.integer({ min: 1, max: 0x7fffffff });
const tlvs: fc.Arbitrary<Tlvs> = fc
  .dictionary(fc.constantFrom('30', '1061', '1059', '524', '5121', '65535'), octets(40))
  .map((each) => new Map(Object.entries(each).map(([tag, value]) => [Number(tag), value])));

const header = { status: fc.constant(0), sequence };
const message = {
  serviceType: word(5),
  source: address(),
  destination: address(),
  // Without a header, and binary: the other implementation interprets both.
  esmClass: fc.nat(63),
  protocolId: octet,
  priority: octet,
  scheduledAt: fc.constant(''),
  validity: fc.constant(''),
  registeredDelivery: octet,
  replaceIfPresent: octet,
  dataCoding: fc.constant(4),
  defaultMessageId: octet,
  shortMessage: octets(254),
};

/** PDUs of every command, with the optional parameters that `tlvs_` makes. */
function pdus(tlvs_: fc.Arbitrary<Tlvs>): fc.Arbitrary<Pdu> {
  const statused = { status: fc.nat(0xff), sequence };
  return fc.oneof(
    fc.record({
      ...statused,
      command: fc.constantFrom(
        'generic_nack',
        'unbind',
        'unbind_resp',
        'enquire_link',
        'enquire_link_resp',
      ),
    }),
    fc.record({
      ...header,
      command: fc.constantFrom('bind_receiver', 'bind_transmitter', 'bind_transceiver'),
      systemId: word(15),
      password: word(8),
      systemType: word(12),
      interfaceVersion: octet,
      addressRange: address(40),
    }),
    fc.record({
      ...header,
      command: fc.constantFrom(
        'bind_receiver_resp',
        'bind_transmitter_resp',
        'bind_transceiver_resp',
      ),
      systemId: word(15),
      tlvs: tlvs_,
    }),
    fc.record({
      ...header,
      command: fc.constantFrom('submit_sm', 'deliver_sm'),
      ...message,
      tlvs: tlvs_,
    }),
    fc.record({
      ...header,
      command: fc.constantFrom('submit_sm_resp', 'deliver_sm_resp', 'data_sm_resp'),
      messageId: word(64),
      tlvs: tlvs_,
    }),
    fc.record({
      ...header,
      command: fc.constant('data_sm'),
      serviceType: word(5),
      source: address(64),
      destination: address(64),
      esmClass: fc.nat(63),
      registeredDelivery: octet,
      dataCoding: fc.constant(4),
      tlvs: tlvs_,
    }),
    fc.record({
      ...header,
      command: fc.constant('outbind'),
      systemId: word(15),
      password: word(8),
    }),
    fc.record({
      ...header,
      command: fc.constant('alert_notification'),
      source: address(64),
      esme: address(64),
      tlvs: tlvs_,
    }),
  ) as fc.Arbitrary<Pdu>;
}

/** The fields as the other implementation names them. */
const NAMES: Readonly<Record<string, string>> = {
  systemId: 'system_id',
  password: 'password',
  systemType: 'system_type',
  interfaceVersion: 'interface_version',
  serviceType: 'service_type',
  esmClass: 'esm_class',
  protocolId: 'protocol_id',
  priority: 'priority_flag',
  scheduledAt: 'schedule_delivery_time',
  validity: 'validity_period',
  registeredDelivery: 'registered_delivery',
  replaceIfPresent: 'replace_if_present_flag',
  dataCoding: 'data_coding',
  defaultMessageId: 'sm_default_msg_id',
  shortMessage: 'short_message',
  messageId: 'message_id',
};

function toTheirs(pdu: Pdu): Record<string, unknown> {
  const theirs: Record<string, unknown> = {
    command_status: pdu.status,
    sequence_number: pdu.sequence,
  };
  const put = (value: unknown, [ton, npi, digits]: readonly [string, string, string]) => {
    const each = value as { ton: number; npi: number; address: string };
    Object.assign(theirs, { [ton]: each.ton, [npi]: each.npi, [digits]: each.address });
  };
  for (const [key, value] of Object.entries(pdu)) {
    const name = NAMES[key];
    if (name !== undefined) theirs[name] = value;
    else if (key === 'addressRange') put(value, ['addr_ton', 'addr_npi', 'address_range']);
    else if (key === 'source') put(value, ['source_addr_ton', 'source_addr_npi', 'source_addr']);
    else if (key === 'destination')
      put(value, ['dest_addr_ton', 'dest_addr_npi', 'destination_addr']);
    else if (key === 'esme') put(value, ['esme_addr_ton', 'esme_addr_npi', 'esme_addr']);
    else if (key === 'tlvs') Object.assign(theirs, tlvsToTheirs(value as Tlvs));
  }
  return theirs;
}

function tlvsToTheirs(values: Tlvs): Record<string, unknown> {
  const id = values.get(0x001e);
  const state = values.get(0x0427);
  const network = values.get(0x0423);
  const total = values.get(0x020c);
  return {
    ...(id === undefined ? {} : { receipted_message_id: id.toString('latin1', 0, id.length - 1) }),
    ...(state === undefined ? {} : { message_state: state[0] }),
    ...(network === undefined ? {} : { network_error_code: network }),
    ...(total === undefined ? {} : { sar_msg_ref_num: total.readUInt16BE() }),
  };
}

/** Optional parameters that both know, as they must be. */
const commonTlvs: fc.Arbitrary<Tlvs> = fc
  .record(
    {
      id: word(20).map((text) => Buffer.from(`${text}\0`)),
      state: octets(1).filter((each) => each.length === 1),
      network: octets(3).filter((each) => each.length === 3),
      reference: fc.nat(0xffff).map((each) => Buffer.from([each >> 8, each & 255])),
    },
    { requiredKeys: [] },
  )
  .map(({ id, state, network, reference }) => {
    const pairs: [number, Buffer | undefined][] = [
      [0x001e, id],
      [0x0427, state],
      [0x0423, network],
      [0x020c, reference],
    ];
    return new Map(pairs.flatMap(([tag, value]) => (value ? [[tag, value] as const] : [])));
  });

const VECTORS: readonly (readonly [string, Pdu])[] = [
  ['00000010 00000015 00000000 00000001', { command: 'enquire_link', status: 0, sequence: 1 }],
  ['00000010 80000000 00000002 00000000', { command: 'generic_nack', status: 2, sequence: 0 }],
  [
    '00000014 80000004 00000000 7fffffff 61626300',
    {
      command: 'submit_sm_resp',
      status: 0,
      sequence: 0x7fffffff,
      messageId: 'abc',
      tlvs: NO_TLVS,
    },
  ],
  [
    '0000001d 00000009 00000000 00000001 666f6f00 62617200 00 34 00 00 00',
    {
      command: 'bind_transceiver',
      status: 0,
      sequence: 1,
      systemId: 'foo',
      password: 'bar',
      systemType: '',
      interfaceVersion: 0x34,
      addressRange: { ton: 0, npi: 0, address: '' },
    },
  ],
  [
    `00000041 00000004 00000000 00000002 00 0500 466f6f00 0101 343931373000 40 00 00 00
     3030303030313030303030303030305200 01 00 08 00 02 4869 1401 0002 beef`.replaceAll('\n', ''),
    {
      command: 'submit_sm',
      status: 0,
      sequence: 2,
      serviceType: '',
      source: { ton: 5, npi: 0, address: 'Foo' },
      destination: { ton: 1, npi: 1, address: '49170' },
      esmClass: 0x40,
      protocolId: 0,
      priority: 0,
      scheduledAt: '',
      validity: '000001000000000R',
      registeredDelivery: 1,
      replaceIfPresent: 0,
      dataCoding: 8,
      defaultMessageId: 0,
      shortMessage: Buffer.from('Hi'),
      tlvs: new Map([[0x1401, Buffer.from([0xbe, 0xef])]]),
    },
  ],
];

describe('the codec', () => {
  it.each(VECTORS)('writes and reads %s', (bytes, pdu) => {
    expect(encodePdu(pdu).toString('hex')).toBe(bytes.replaceAll(' ', ''));
    expect(decode(hex(bytes))).toEqual(pdu);
  });

  it('reads its own output', () => {
    fc.assert(
      fc.property(pdus(tlvs), (pdu) => {
        expect(decode(encodePdu(pdu))).toEqual(pdu);
      }),
    );
  });

  it('writes many behind each other, beyond the size of its buffer', () => {
    fc.assert(
      fc.property(fc.array(pdus(tlvs), { maxLength: 20 }), fc.nat(3000), (many, size) => {
        const writer = new PduWriter(size);
        const taken: Buffer[] = [];
        for (const pdu of many) {
          writer.write(pdu);
          if (pdu.sequence % 3 === 0) taken.push(writer.take());
        }
        expect(writer.length).toBe(Buffer.concat(many.map(encodePdu)).length - lengthOf(taken));
        taken.push(writer.take());
        expect(Buffer.concat(taken)).toEqual(Buffer.concat(many.map(encodePdu)));
      }),
    );
  });

  it('is read by another implementation', () => {
    fc.assert(
      fc.property(pdus(commonTlvs), (pdu) => {
        const theirs = new smpp.PDU(encodePdu(pdu));
        expect(theirs.command).toBe(pdu.command);
        const { short_message: octets_, ...expected } = toTheirs(pdu);
        expect(theirs).toMatchObject(expected);
        if (octets_ !== undefined) expect(theirs['short_message']).toEqual({ message: octets_ });
      }),
    );
  });

  it('reads another implementation', () => {
    fc.assert(
      fc.property(pdus(commonTlvs), (pdu) => {
        const bytes = new smpp.PDU(pdu.command, toTheirs(pdu)).toBuffer();
        // With an error theirs has no body.
        const bare = pdu.status !== 0 && 'messageId' in pdu ? { messageId: '', tlvs: NO_TLVS } : {};
        expect(decode(bytes)).toEqual({ ...pdu, ...bare });
      }),
    );
  });
});

const lengthOf = (many: readonly Buffer[]) => many.reduce((sum, each) => sum + each.length, 0);

/** All frames of a stream in chunks of these sizes, or the error. */
function cut(stream: Buffer, sizes: readonly number[]): (Pdu | null)[] | PduError {
  const found: (Pdu | null)[] = [];
  const decoder = createFrameDecoder((bytes, start, end) => found.push(readPdu(bytes, start, end)));
  try {
    for (let at = 0, i = 0; at < stream.length; i += 1) {
      const size = sizes.length === 0 ? stream.length : (sizes[i % sizes.length] ?? 1);
      decoder.push(stream.subarray(at, at + size));
      at += size;
    }
    return found;
  } catch (error) {
    if (error instanceof PduError) return error;
    throw error;
  }
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });

describe('a stream', () => {
  it('is cut into the same PDUs however it is chunked', () => {
    fc.assert(
      fc.property(fc.array(pdus(tlvs), { maxLength: 8 }), chunkSizes, (many, sizes) => {
        expect(cut(Buffer.concat(many.map(encodePdu)), sizes)).toEqual(many);
      }),
    );
  });

  it('of anything at all is read, or fails with the typed error', { tags: ['property'] }, () => {
    fc.assert(
      fc.property(octets(300), chunkSizes, (bytes, sizes) => {
        expect(cut(bytes, sizes)).toEqual(cut(bytes, []));
      }),
      { numRuns: runs(300, 2_000) },
    );
  });

  it(
    'of PDUs with flipped bits is read, or fails with the typed error',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(
          fc.array(pdus(tlvs), { minLength: 1, maxLength: 4 }),
          fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 6 }),
          chunkSizes,
          (many, flips, sizes) => {
            const bytes = Buffer.concat(many.map(encodePdu));
            for (const [at, bit] of flips)
              bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
            expect(cut(bytes, sizes)).toEqual(cut(bytes, []));
          },
        ),
        { numRuns: runs(300, 2_000) },
      );
    },
  );

  it('of PDUs cut short says so, or waits', () => {
    fc.assert(
      fc.property(pdus(tlvs), fc.nat(), (pdu, at) => {
        const bytes = encodePdu(pdu);
        const short = Buffer.from(bytes.subarray(0, Math.max(16, at % bytes.length)));
        expect(cut(bytes.subarray(0, at % bytes.length), [])).toEqual([]);
        short.writeUInt32BE(short.length);
        try {
          expect(decode(short)?.command).toBe(pdu.command);
        } catch (error) {
          expect(error).toMatchObject({ name: 'PduError', octets: short });
          expect([0x01, 0x02, 0xc0]).toContain((error as PduError).status);
        }
      }),
    );
  });

  it.each([0, 1, 15, PDU_LENGTH_MAX + 1, 0xffffffff])('refuses the length %d at once', (length) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32BE(length);
    for (const sizes of [[], [1], [3, 1]])
      expect(cut(bytes, sizes)).toMatchObject({ name: 'PduError', status: 2, pdu: null });
  });

  it('gives null for a command that it does not know', () => {
    expect(cut(hex('00000010 00000077 00000000 00000005'), [5])).toEqual([null]);
  });

  it.each([
    ['a string without its end', 0x02, '00000012 80000004 00000000 00000009 6161', '6161'],
    ['a parameter cut off', 0xc0, '00000013 80000004 00000000 00000009 61 00 1e', '61'],
    ['a parameter too long', 0xc0, '00000015 80000004 00000000 00000009 00 001e 0001', ''],
  ])('reads as much as there is of %s', (_, status, bytes, id) => {
    expect(cut(hex(bytes), [])).toMatchObject({
      name: 'PduError',
      status,
      pdu: { sequence: 9, messageId: hex(id).toString() },
    });
  });

  it.each([
    ['no body where one must be', 0x02, '00000010 00000005 00000000 00000009'],
    [
      'a message longer than its PDU',
      0x01,
      '00000022 00000005 00000000 00000009 00 000000 000000 000000 00 00 00000000 02 61',
    ],
  ])('refuses %s', (_, status, bytes) => {
    expect(cut(hex(bytes), [])).toMatchObject({ name: 'PduError', status, pdu: null });
  });
});

const options = (fields: Partial<SmppOptions> = {}) =>
  ({ ...SMPP_DEFAULTS, ...fields }) as SmppOptions;

function compose(text: string, fields: Partial<SmppOptions> = {}) {
  const bodies = composeMessages(aSubmission({ text }), options(fields), () => 0xabcd, 0);
  if (!Array.isArray(bodies)) throw new Error(bodies.detail);
  return bodies;
}

const GSM = [
  ...'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./09:;<=>?¡AZÄÖÑÜ§¿azäöñüà',
  ...'\f^{}\\[~]|€€€',
];
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...GSM), minLength: 1, maxLength: 700, size: 'max' }),
  fc.string({
    unit: fc.constantFrom('я', 'ç', '😀', 'a', '€'),
    minLength: 1,
    maxLength: 300,
    size: 'max',
  }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 300, size: 'max' }),
);

describe('a text', () => {
  it.each(['udh', 'sar'] as const)(
    'goes as %s in as many parts as were counted, and comes together again in any order',
    (longMessages) => {
      fc.assert(
        fc.property(text, fc.infiniteStream(fc.nat()), (words, order) => {
          const bodies = compose(words, { longMessages });
          expect(bodies).toHaveLength(measureSms(words).segments);
          const shuffled = bodies
            .map((body) => ({ body, key: order.next().value as number }))
            .toSorted((a, b) => a.key - b.key);
          const reassembly = createReassembly<number>(10, 1000, () => 0);
          const wholes = shuffled.flatMap(({ body }) => {
            expect(body.shortMessage.length).toBeLessThanOrEqual(160);
            const part = readPart(body.shortMessage, body.esmClass, body.tlvs);
            if (body.dataCoding === 0) expect(part.octets.at(-1)).not.toBe(0x1b);
            const own = decodeText(part.octets, body.dataCoding, 'gsm-7') ?? '';
            expect(own.isWellFormed() || !words.isWellFormed()).toBe(true);
            return reassembly.take(part, '', body.dataCoding);
          });
          expect(wholes).toHaveLength(1);
          const [{ octets: all, context } = { octets: Buffer.alloc(0), context: 0 }] = wholes;
          expect(decodeText(all, context, 'gsm-7')).toBe(words);
        }),
      );
    },
  );

  it('goes whole as payload when it is too long for short_message', () => {
    fc.assert(
      fc.property(text, (words) => {
        const [body, ...others] = compose(words, { longMessages: 'payload' });
        expect(others).toEqual([]);
        const payload = body?.tlvs.get(0x0424);
        expect(payload === undefined).toBe((body?.shortMessage.length ?? 0) > 0);
        expect(decodeText(payload ?? body!.shortMessage, body!.dataCoding, 'gsm-7')).toBe(words);
      }),
    );
  });

  it('is read as it was meant by another implementation', () => {
    fc.assert(
      fc.property(text, (words) => {
        const short = [...words].slice(0, 35).join('');
        const [body] = compose(short);
        if (body === undefined || !short.isWellFormed()) return;
        const theirs = new smpp.PDU(
          encodePdu({ command: 'submit_sm', status: 0, sequence: 1, ...body, validity: '' }),
        );
        expect(theirs['short_message']).toEqual({ message: short });
      }),
    );
  });

  it('is cut at other places in Latin-1', () => {
    const fit = splitText(encodeText('é'.repeat(140), 'latin-1'));
    const long = splitText(encodeText('é'.repeat(141), 'latin-1'));
    expect(fit.map((each) => each.length)).toEqual([140]);
    expect(long.map((each) => each.length)).toEqual([134, 7]);
    expect(encodeText('é', 'latin-1').dataCoding).toBe(3);
    expect(encodeText('€', 'latin-1').dataCoding).toBe(8);
  });

  it('has the header that the standard shows', () => {
    const [first, second] = compose('a'.repeat(161));
    expect(first?.esmClass).toBe(0x40);
    expect([...first!.shortMessage.subarray(0, 6)]).toEqual([5, 0, 3, 0xcd, 2, 1]);
    expect([...second!.shortMessage.subarray(0, 6)]).toEqual([5, 0, 3, 0xcd, 2, 2]);
    expect(first?.shortMessage).toHaveLength(159);
    const [sar] = compose('a'.repeat(161), { longMessages: 'sar' });
    expect(sar?.esmClass).toBe(0);
    expect(sar?.tlvs.get(0x020c)).toEqual(Buffer.from([0xab, 0xcd]));
  });

  it.each([
    [0x00, 'gsm-7', '001b65', '@€'],
    [0x00, 'gsm-7', '411b', 'A'],
    [0x00, 'gsm-7', '1b41', 'A'],
    [0x00, 'latin-1', '40e9', '@é'],
    [0x01, 'gsm-7', '40', '@'],
    [0x03, 'gsm-7', 'e9', 'é'],
    [0x08, 'gsm-7', '043f20', 'п'],
    [0xf1, 'gsm-7', '00', '@'],
    [0x18, 'gsm-7', '043f', 'п'],
    [0x48, 'gsm-7', '043f', 'п'],
    [0xc0, 'gsm-7', '00', '@'],
    [0xe0, 'gsm-7', '043f', 'п'],
    // An opt-out, whatever it is said to be.
    [0x02, 'gsm-7', '53544f50', 'STOP'],
    [0x04, 'gsm-7', '53544f50', 'STOP'],
    [0x05, 'gsm-7', '53544f50', 'STOP'],
    [0x0e, 'gsm-7', '53544f50', 'STOP'],
    [0x0f, 'gsm-7', '53544f50', 'STOP'],
    [0x24, 'gsm-7', '53544f50', 'STOP'],
    [0xf5, 'gsm-7', '53544f50', 'STOP'],
    [0x08, 'gsm-7', '53544f5053', 'STOPS'],
    [0x08, 'gsm-7', '530054004f005000', 'STOP'],
    [0x18, 'gsm-7', '530074006f0070002e00', 'Stop.'],
    [0x08, 'gsm-7', 'feff00530054004f0050', 'STOP'],
    [0x08, 'gsm-7', 'fffe41044204 3e043f04', 'стоп'],
    // Little-endian, these would be "NN" and "No".
    [0x08, 'gsm-7', '4e004e00', '一一'],
    [0x08, 'gsm-7', '4e006f00', '一漀'],
    // Words of other alphabets: стоп, עצור, 停止 twice, 정지.
    [0x06, 'gsm-7', 'e1e2dedf', 'стоп'],
    [0x07, 'gsm-7', 'f2f6e5f8', 'עצור'],
    [0x05, 'gsm-7', '92e28e7e', '停止'],
    [0x05, 'gsm-7', '1b24424464 3b5f1b2842', '停止'],
    [0x0e, 'gsm-7', 'c1a4c1f6', '정지'],
    [0x04, 'gsm-7', 'd181d182d0bed0bf', 'стоп'],
    [0x06, 'gsm-7', 'ff', 'џ'],
    [0x04, 'gsm-7', '00', null],
    [0x04, 'gsm-7', 'ff06', null],
    [0x04, 'gsm-7', '', null],
    [0x20, 'gsm-7', 'c3a201ff', null],
    [0x0e, 'gsm-7', 'ff', null],
    [0xf5, 'gsm-7', '00', null],
    // UTF-8 and Latin-1 that are said to be the default alphabet, which has no octet above 0x7f.
    [0, 'gsm-7', '415252c38a54', 'ARRÊT'],
    [0, 'gsm-7', '415252ca54', 'ARRÊT'],
    [0, 'gsm-7', 'd181d182d0bed0bf', 'стоп'],
    [0, 'gsm-7', 'd8a5d984d8bad8a7d8a1', 'إلغاء'],
    [0, 'latin-1', '415252c38a54', 'ARRÊT'],
    [1, 'gsm-7', '415252c38a54', 'ARRÊT'],
    [3, 'gsm-7', '415252c38a54', 'ARRÊT'],
    [3, 'gsm-7', '415252ca54', 'ARRÊT'],
    // UCS-2 that is said to be the default alphabet.
    [0, 'gsm-7', '06250644063a06270621', 'إلغاء'],
    [0, 'gsm-7', '00530054004f0050', 'STOP'],
    [0, 'gsm-7', '0053', '@S'],
  ] as const)('with data_coding %d at %s: %s', (dataCoding, alphabet, bytes, words) => {
    expect(decodeText(hex(bytes), dataCoding, alphabet)).toBe(words);
  });
});

describe('an address', () => {
  it.each([
    ['+4917012345', 1, 1, '4917012345'],
    ['12345', 3, 0, '12345'],
    ['123456', 3, 0, '123456'],
    ['1234567', 0, 1, '1234567'],
    ['Fanfare', 5, 0, 'Fanfare'],
    ['+Plus', 5, 0, 'Plus'],
  ])('%s is %d/%d', (from, ton, npi, expected) => {
    expect(toSmppAddress(from, 'auto')).toEqual({ ton, npi, address: expected });
    expect(toSmppAddress(from, { ton: 2, npi: 8 })).toEqual({ ton: 2, npi: 8, address: expected });
  });

  it.each(['', '+', 'a'.repeat(21), 'Ж', 'a\0b'])('%j is none', (from) => {
    expect(toSmppAddress(from, 'auto')).toBeNull();
  });

  it.each([
    // What the SMSC says, and whom it is from, or the number as it came when its country is not known.
    [1, '4917012345', null, '+4917012345'],
    [1, '+49170', null, '+49170'],
    [1, '00491711234567', null, '+00491711234567'],
    [3, '12345', null, '12345'],
    [5, 'ACME', null, 'ACME'],
    [0, '491711234567', null, '491711234567'],
    [0, '00491711234567', null, '00491711234567'],
    [0, '01711234567', null, 'national 01711234567'],
    [1, '01711234567', null, 'national 01711234567'],
    [2, '15123456789', null, 'national 15123456789'],
    [2, '72727', null, '72727'],
    [0, '01711234567', { code: '49', trunk: '0' }, '+491711234567'],
    [2, '01711234567', { code: '49', trunk: '0' }, '+491711234567'],
    [1, '01711234567', { code: '49', trunk: '0' }, '+491711234567'],
    [2, '15123456789', { code: '49', trunk: '0' }, '+4915123456789'],
    [0, '15123456789', { code: '49', trunk: '0' }, '+4915123456789'],
    [0, '4915123456789', { code: '49', trunk: '0' }, '4915123456789'],
    [0, '0015005550100', { code: '49', trunk: '0' }, '0015005550100'],
    [1, '15005550100', { code: '49', trunk: '0' }, '+15005550100'],
    [0, '72727', { code: '49', trunk: '0' }, '72727'],
    [3, '1512345678', { code: '49', trunk: '0' }, '1512345678'],
    [0, '3451234567', { code: '39', trunk: '' }, '+393451234567'],
    [2, '0612345678', { code: '39', trunk: '' }, '+390612345678'],
    [2, '89161234567', { code: '7', trunk: '8' }, '+79161234567'],
    [2, '06201234567', { code: '36', trunk: '06' }, '+36201234567'],
  ])('from ton %i, %j, at home in %j is %s', (ton, digits, home, expected) => {
    const read = fromSmppAddress({ ton, npi: 1, address: digits }, home, 'person');
    expect(`${read.isNational ? 'national ' : ''}${read.address}`).toBe(expected);
  });

  it('is no number at home for want of a code when it is our own', () => {
    const home = { code: '49', trunk: '0' };
    const read = (ton: number, digits: string) =>
      fromSmppAddress({ ton, npi: 1, address: digits }, home, 'sender').address;
    expect(read(0, '15005550100')).toBe('15005550100');
    expect(read(0, '015005550100')).toBe('+4915005550100');
    expect(read(2, '15005550100')).toBe('+4915005550100');
  });
});

describe('a submission', () => {
  it.each([
    [1_000, '000000000001000R'],
    [1, '000000000001000R'],
    [90_061_999, '000001010101000R'],
    [31 * 86_400_000, '000031000000000R'],
    [400 * 86_400_000, '000031000000000R'],
  ])('that lives %d ms more says %s', (ms, expected) => {
    expect(formatValidity(ms)).toBe(expected);
  });

  it.each([
    [{ text: null }, 20016],
    [{ text: '' }, 20016],
    [{ text: null, mediaUrls: ['https://example.com/a.png'] }, 20016],
    [{ text: 'a'.repeat(153 * 256) }, 20016],
    [{ from: 'a name that is too long' }, 21606],
    [{ to: `+${'1'.repeat(21)}` }, 21211],
    [{ expireAt: new Date(0) }, 30036],
  ])('that cannot go is refused: %j', (fields, code) => {
    expect(composeMessages(aSubmission(fields), options(), () => 0, 0)).toEqual({
      code,
      detail: expect.stringMatching(/./),
    });
  });
});
