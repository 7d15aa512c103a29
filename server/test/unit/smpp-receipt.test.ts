/** Receipts and inbound messages in the forms that SMSCs write, with missing and additional parts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReceipt, type ReceiptRules } from '../../src/carriers/smpp/receipts.ts';
import { readReceiptFields } from '../../src/carriers/smpp/receipt-text.ts';
import { createReassembly, readPart } from '../../src/carriers/smpp/reassembly.ts';
import { areRecipients, foldProviderId, spellProviderId } from '../../src/domain/receipt.ts';

const NO_TLVS = new Map<number, Buffer>();
const tlv = (values: Readonly<Record<number, string | number[]>>) =>
  new Map(
    Object.entries(values).map(([tag, value]) => [Number(tag), Buffer.from(value as string)]),
  );

const RULES: ReceiptRules = { alphabet: 'gsm-7', source: 'recipient', unmarked: false };
const ADDRESSES = { source: '4917012345', destination: '15005550100' };

const read = (
  text: string,
  { esmClass = 0x04, dataCoding = 0, tlvs = NO_TLVS, octets = Buffer.from(text, 'latin1') } = {},
  rules: Partial<ReceiptRules> = {},
  addresses: Partial<typeof ADDRESSES> = {},
) =>
  readReceipt(
    { esmClass, dataCoding, tlvs, octets, ...ADDRESSES, ...addresses },
    { ...RULES, ...rules },
  );

const receipt = (id: string, status: string, code?: number, detail?: string) => ({
  kind: 'receipt',
  receipt: {
    providerIds: expect.arrayContaining([id]),
    recipients: expect.arrayContaining(['4917012345']),
    status,
    ...(code === undefined ? {} : { code, detail }),
  },
});

describe('the text of a receipt', () => {
  it.each([
    ['two ids', '{"id":"88","message_id":"77","stat":"DELIVRD"}', 'A receipt without an id'],
    ['two of XML', '<d><id>77</id><id>88</id><stat>DELIVRD</stat></d>', 'A receipt without an id'],
    ['two states', '{"stat":"DELIVRD","status":"UNDELIV","id":"77"}', 'A receipt without a state'],
    [
      'two receipts',
      '[{"id":1,"stat":"DELIVRD"},{"id":2,"stat":"DELIVRD"}]',
      'A receipt without an id',
    ],
    ['half an object', '{"id":"77","stat":"DELIVRD"', 'A receipt without a state'],
    ['no id', '{"stat":"DELIVRD"}', 'A receipt without an id'],
    ['no names', '77,DELIVRD', 'A receipt without a state'],
    ['no words', '', 'A receipt without a state'],
  ])('with %s is unreadable', (_, text, reason) => {
    expect(read(text)).toEqual({ kind: 'unreadable', reason });
  });

  it('of another form names its message in an optional parameter', () => {
    const tlvs = tlv({ 0x001e: '77\0' });
    expect(read('{"stat":"DELIVRD"}', { tlvs })).toEqual(receipt('77', 'DELIVERED'));
  });

  it.each([
    [
      'as in the standard',
      'id:0123456789 sub:001 dlvrd:001 submit date:0809011130 done date:0809011131 stat:DELIVRD err:000 text:Hello',
      receipt('123456789', 'DELIVERED'),
    ],
    [
      'with seconds and a capital Text',
      'id:64567564356765435676 sub:001 dlvrd:001 submit date:190608165232 done date:190608165237 stat:DELIVRD err:000 Text:Hello World',
      receipt('64567564356765435676', 'DELIVERED'),
    ],
    [
      'failed, with a cause',
      'id:0911897980 sub:001 dlvrd:000 submit date:1201121551 done date:1201121551 stat:UNDELIV err:075 text:-PROFILE',
      receipt('911897980', 'UNDELIVERED', 30003, 'UNDELIV, err 075'),
    ],
    [
      'expired, without err and text',
      'id:77 sub:001 dlvrd:000 submit date:1 done date:2 stat:EXPIRED',
      receipt('77', 'UNDELIVERED', 30003, 'EXPIRED'),
    ],
    [
      'rejected',
      'id:77 stat:REJECTD err:1A2',
      receipt('77', 'UNDELIVERED', 30006, 'REJECTD, err 1A2'),
    ],
    ['deleted', 'id:77 stat:DELETED', receipt('77', 'UNDELIVERED', 30008, 'DELETED')],
    ['unknown', 'id:77 stat:UNKNOWN', receipt('77', 'UNDELIVERED', 30008, 'UNKNOWN')],
    ['in a state of its own', 'id:77 stat:BLOCKED', receipt('77', 'UNDELIVERED', 30008, 'BLOCKED')],
    ['in full words', 'id:77 stat:DELIVERED', receipt('77', 'DELIVERED')],
    ['read', 'id:77 stat:READ', receipt('77', 'READ')],
    ['in upper case', 'ID:1A2B SUB:001 STAT:DELIVRD ERR:000', receipt('1a2b', 'DELIVERED')],
    ['in lower case', 'id:1a2b stat:delivrd', receipt('1a2b', 'DELIVERED')],
    ['in another order', 'stat:DELIVRD err:0 id:77 text:', receipt('77', 'DELIVERED')],
    ['text first', 'text:Hello id:77 stat:DELIVRD', receipt('77', 'DELIVERED')],
    ['with spaces', 'id: 77  sub: 001  stat : DELIVRD  err: 000', receipt('77', 'DELIVERED')],
    ['with a quoted id', 'id:"00ab-77" stat:DELIVRD', receipt('ab-77', 'DELIVERED')],
    ['with an id in apostrophes', "id:'77' stat:DELIVRD", receipt('77', 'DELIVERED')],
    ['with lines', 'id:77\r\nsub:001\r\nstat:DELIVRD\r\n', receipt('77', 'DELIVERED')],
    ['with commas', 'id:77, stat:DELIVRD, err:000', receipt('77', 'DELIVERED')],
    [
      'with underscores',
      'id:77 submit_date:1 done_date:2 stat:DELIVRD',
      receipt('77', 'DELIVERED'),
    ],
    ['with equals signs', 'id=77 status=DELIVRD', receipt('77', 'DELIVERED')],
    ['as a query', 'id=77&stat=DELIVRD&err=0', receipt('77', 'DELIVERED')],
    ['with strokes', 'id:a/77/stat:DELIVRD/err:0', receipt('a/77', 'DELIVERED')],
    ['with longer names', 'message_id:77 message_state:DELIVRD', receipt('77', 'DELIVERED')],
    ['with other names', 'MsgID:77 State:Delivered', receipt('77', 'DELIVERED')],
    ['with the number of a state', 'id:77 stat:002', receipt('77', 'DELIVERED')],
    [
      'with the number of another',
      'id:77 stat:5',
      receipt('77', 'UNDELIVERED', 30003, 'UNDELIVERABLE'),
    ],
    ['with a NUL at the end', 'id:77 stat:DELIVRD\0', receipt('77', 'DELIVERED')],
    [
      'with a UUID',
      'id:0B7E1C3A-30CB-4B9E-9B5B-1F6E2F3A4B5C stat:DELIVRD',
      receipt('0B7E1C3A-30CB-4B9E-9B5B-1F6E2F3A4B5C', 'DELIVERED'),
    ],
    ['as JSON', '{"id":"77","stat":"DELIVRD","err":"000"}', receipt('77', 'DELIVERED')],
    [
      'as JSON in another way',
      ' { "status" : "Undeliv", "errorCode": 75, "Message-ID" : 12345678901234567890 }',
      receipt('12345678901234567890', 'UNDELIVERED', 30003, 'UNDELIV, err 75'),
    ],
    [
      'as JSON within JSON',
      '{"dlr":{"msgId":"77","state":"DELIVRD","text":"id:88 stat:REJECTD"}}',
      receipt('77', 'DELIVERED'),
    ],
    ['as a list of one', '[{"id":77,"stat":"DELIVRD"}]', receipt('77', 'DELIVERED')],
    [
      'as XML',
      '<?xml version="1.0"?><dlr><id>77</id><stat>DELIVRD</stat><err>000</err></dlr>',
      receipt('77', 'DELIVERED'),
    ],
    [
      'as XML in other ways',
      "<r:receipt r:message_id='77'><r:Status code='1'><![CDATA[UNDELIV]]></r:Status></r:receipt>",
      receipt('77', 'UNDELIVERED', 30003, 'UNDELIV'),
    ],
    ['in brackets', '[ id:77 stat:DELIVRD err:000 ]', receipt('77', 'DELIVERED')],
    ['as attributes', '<dlr id="77" stat="DELIVRD"/>', receipt('77', 'DELIVERED')],
    [
      'with nothing between',
      'id:0077sub:001dlvrd:001submit date:0809011130done date:0809011131stat:DELIVRDerr:000text:Hello',
      receipt('77', 'DELIVERED'),
    ],
    [
      'with nothing between, failed',
      'ID:a1-77SUB:001DLVRD:000SUBMITDATE:0809011130DONEDATE:0809011131STAT:UNDELIVERR:1A2',
      receipt('a1-77', 'UNDELIVERED', 30003, 'UNDELIV, err 1A2'),
    ],
    [
      'that quotes a receipt',
      'id:77 stat:UNDELIV err:001 text:id:88 stat:DELIVRD',
      receipt('77', 'UNDELIVERED', 30003, 'UNDELIV, err 001'),
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    'DELIVRD',
    'DELIVERED_TO_HANDSET',
    'Delivered to terminal',
    'DeliveredToTerminal',
    'DELVRD',
    'DLVRD',
    'DELIVERD',
    'DELIVERY_SUCCESS',
    'OK',
  ])('in state %s is DELIVERED', (stat) => {
    expect(read(`id:77 stat:${stat} err:000`)).toEqual(receipt('77', 'DELIVERED'));
  });

  it.each([
    'DELIVERY_FAILED',
    'Delivery failed',
    'DELIVERYFAILED',
    'DELIV_FAIL',
    'DeliveryImpossible',
    'NOT_DELIVERED',
    'NOTDLVRD',
    'UNDELIVRD',
  ])('in state %s is UNDELIVERED', (stat) => {
    expect(read(`id:77 stat:${stat} err:000`)).toEqual(
      receipt('77', 'UNDELIVERED', 30003, stat.toUpperCase()),
    );
  });

  it.each([
    'ENROUTE',
    'EN_ROUTE',
    'ENRTE',
    'ON ROUTE',
    'ACCEPTD',
    'ACCEPTED',
    'BUFFRED',
    'SCHEDULED',
    'SENT',
    'SUBMITD',
    'SUBMITTED',
    'TRANSMITTED',
    'FORWARDED',
    'STORED',
    'WAITING',
    'RETRYING',
    'IN_PROGRESS',
    'DISPATCHED',
    'TEMPFAIL',
    'DELAYED',
    'DEFERRED',
    'DELIVERED_TO_NETWORK',
    'Delivered to operator',
    'DeliveryUncertain',
    '1',
    '06',
  ])('in state %s says nothing final', (stat) => {
    expect(read(`id:77 stat:${stat} err:000`).kind).toBe('ignored');
    expect(read(`id:77 stat:${stat} err:000`, { esmClass: 0x20 }).kind).toBe('ignored');
  });

  it.each([
    '',
    'Hello',
    'id:77',
    'stat:DELIVRD',
    'id: stat:DELIVRD',
    'id:77 stat:',
    'id:\x10 stat:DELIVRD',
  ])('that is incomplete says so: %j', (text) => {
    expect(read(text).kind).toBe('unreadable');
  });

  const CODINGS = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 0x14, 0x18, 0xc0, 0xd0, 0xe0, 0xf1, 0xf5, 0xff,
  ];

  it.each(CODINGS)('is ASCII whatever data_coding says: %d', (dataCoding) => {
    for (const length of [0, 1])
      expect(
        read(`id:a_B-77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:${'x'.repeat(length)}`, {
          dataCoding,
        }),
      ).toEqual(receipt('a_B-77', 'DELIVERED'));
  });

  it.each(CODINGS)('may be in UCS-2, also where data_coding says %d', (dataCoding) => {
    const octets = Buffer.from('id:77 stat:DELIVRD text:Привет', 'utf16le').swap16();
    expect(read('', { dataCoding, octets })).toEqual(receipt('77', 'DELIVERED'));
  });

  it('may be in the alphabet of GSM', () => {
    expect(read('id:a\x11b stat:DELIVRD')).toEqual(receipt('a_b', 'DELIVERED'));
  });

  it('may be in any order, case and completeness', () => {
    const fields = fc.shuffledSubarray([
      'sub:001',
      'dlvrd:001',
      'submit date:2601010101',
      'done date:2601010102',
      'err:000',
      'text:Hello',
    ]);
    fc.assert(
      fc.property(
        fields,
        fc.nat(6),
        fc.nat(6),
        fc.constantFrom('', '"', "'"),
        fc.constantFrom(' ', '  ', '\r\n', ', '),
        fc.func(fc.boolean()),
        fc.constantFrom('DELIVRD', 'delivrd', 'Delivered'),
        (others, idAt, statAt, quote, gap, isUpper, stat) => {
          const parts = [...others];
          parts.splice(idAt, 0, `id:${quote}Ab7Z0${quote}`);
          parts.splice(statAt, 0, `stat:${stat}`);
          const words = parts
            .map((part, i) =>
              isUpper(i) ? part.replace(/^[^:]+/, (name) => name.toUpperCase()) : part,
            )
            .join(gap);
          expect(read(words)).toEqual(receipt('Ab7Z0', 'DELIVERED'));
        },
      ),
    );
  });

  it('has fields by name', () => {
    expect([...readReceiptFields('id:1 submit date:2 text:a b "c"')]).toEqual([
      ['id', '1'],
      ['submitdate', '2'],
      ['text', 'a b "c"'],
    ]);
  });

  it('of anything at all is read in time', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('id:', ' stat:', 'DELIVRD', ' err:', ' text:', ' ', '"', '\0', ' done date:'),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 400, size: 'max' }),
        fc.nat(255),
        fc.nat(255),
        fc.dictionary(fc.constantFrom('30', '1061', '1059'), fc.uint8Array({ maxLength: 70 })),
        fc.boolean(),
        (pieces, esmClass, dataCoding, tlvs, unmarked) => {
          const values = new Map(
            Object.entries(tlvs).map(([tag, value]) => [Number(tag), Buffer.from(value)]),
          );
          const reading = read(
            pieces.join(''),
            { esmClass, dataCoding, tlvs: values },
            { unmarked },
          );
          if (reading.kind !== 'receipt') return;
          expect(reading.receipt.providerIds?.[0]).toMatch(/^\P{Cc}+$/u);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the parameters of a receipt', () => {
  it('go before the text', () => {
    const tlvs = tlv({ 0x1e: '00AB\0', 0x427: [5], 0x423: [3, 0, 27] });
    expect(read('id:77 stat:DELIVRD err:012', { tlvs })).toEqual(
      receipt(
        '00AB',
        'UNDELIVERED',
        30003,
        'UNDELIVERABLE, err 012, network error 27 (network type 3)',
      ),
    );
  });

  it('give way to the text where they say nothing', () => {
    const tlvs = tlv({ 0x1e: [0, 0], 0x427: [77] });
    expect(read('id:77 stat:DELIVRD', { tlvs })).toEqual(receipt('77', 'DELIVERED'));
    expect(read('id:77 stat:DELIVRD', { tlvs: tlv({ 0x1e: [5, 6] }) })).toEqual(
      receipt('77', 'DELIVERED'),
    );
  });

  it.each([
    [[2], 'DELIVERED'],
    [[3], 'UNDELIVERED'],
    [[4], 'UNDELIVERED'],
    [[5], 'UNDELIVERED'],
    [[7], 'UNDELIVERED'],
    [[8], 'UNDELIVERED'],
    [[1], undefined],
    [[6], undefined],
    [[0], undefined],
    [[200], undefined],
    [[], undefined],
    // In more octets than one.
    [[0, 2], 'DELIVERED'],
    [[0, 0, 0, 5], 'UNDELIVERED'],
    [[0, 0, 0, 1], undefined],
    [[0, 0, 0, 0, 0, 0, 0, 2], undefined],
  ])('message_state %j means %s', (state, status) => {
    const reading = read('', { tlvs: tlv({ 0x1e: 'ab', 0x427: state }) });
    expect(reading.kind === 'receipt' ? reading.receipt.status : undefined).toBe(status);
  });
});

describe('the kind of a message', () => {
  const text = 'id:77 sub:001 dlvrd:001 submit date:1 done date:2 stat:UNDELIV err:000 text:';
  const tlvs = tlv({ 0x1e: 'ab\0', 0x427: [2] });

  it('is said by esm_class alone: a message without a mark is a message', () => {
    for (const esmClass of [0x00, 0x01, 0x03, 0x10, 0x40, 0x80])
      for (const each of [NO_TLVS, tlvs])
        expect(read(text, { esmClass, tlvs: each }).kind).toBe('none');
  });

  it('is never final in an intermediate notification', () => {
    for (const each of [NO_TLVS, tlvs])
      expect(read(text, { esmClass: 0x20, tlvs: each }).kind).toBe('ignored');
  });

  it('may go without a mark where the carrier says so, and must then come from the recipient', () => {
    const rules = { unmarked: true };
    const receiptOf = (id: string) => ({
      kind: 'receipt',
      receipt: expect.objectContaining({
        providerIds: expect.arrayContaining([id]),
        recipients: ['4917012345'],
        mustMatch: true,
      }),
    });
    expect(read(text, { esmClass: 0 }, rules)).toEqual(receiptOf('77'));
    expect(read('', { esmClass: 0, tlvs }, rules)).toEqual(receiptOf('ab'));
    expect(read(text, { esmClass: 0 }, { ...rules, source: 'any' })).toEqual(receiptOf('77'));
    expect(read('id:77 stat:DELIVRD', { esmClass: 0 }, rules).kind).toBe('none');
    expect(read('STOP', { esmClass: 0 }, rules).kind).toBe('none');
    for (const source of ['', '0'])
      expect(read(text, { esmClass: 0 }, rules, { source }).kind).toBe('none');
  });

  it('follows the type in esm_class, whatever the other bits are', () => {
    const kinds: Readonly<Record<number, string>> = {
      0x08: 'receipt',
      0x18: 'ignored',
      0x20: 'ignored',
    };
    for (let esmClass = 0; esmClass < 256; esmClass += 1) {
      const isReceipt = (esmClass & 0x04) !== 0;
      const kind = isReceipt ? 'receipt' : (kinds[esmClass & 0x3c] ?? 'none');
      expect([esmClass, read('id:77 stat:DELIVRD err:000', { esmClass }).kind]).toEqual([
        esmClass,
        kind,
      ]);
      if (isReceipt) {
        expect(read('id:77 stat:ENROUTE err:000', { esmClass }).kind).toBe('ignored');
        expect(read('id:77 stat:DELIVRD err:000', { esmClass })).toEqual(
          read('id:77 stat:DELIVRD err:000', { esmClass: 0x04 }),
        );
      }
      // A word to us is never lost to it.
      if (kind === 'none') expect(read('STOP', { esmClass }).kind).toBe('none');
    }
  });

  it('is an answer when a user acknowledges, and reading when the handset does', () => {
    expect(read('Yes', { esmClass: 0x10 }).kind).toBe('none');
    expect(read('', { esmClass: 0x08 }).kind).toBe('ignored');
    expect(read('', { esmClass: 0x18 }).kind).toBe('ignored');
    expect(read('', { esmClass: 0x08, tlvs: tlv({ 0x1e: 'ab\0' }) })).toMatchObject({
      kind: 'receipt',
      receipt: { status: 'READ', recipients: ['4917012345'], mustMatch: true },
    });
  });

  it('names the recipient, or does not', () => {
    const of = (rules: Partial<ReceiptRules>, addresses: Partial<typeof ADDRESSES>) => {
      const reading = read(text, {}, rules, addresses);
      return reading.kind === 'receipt' ? reading.receipt : null;
    };
    expect(of({}, {})).toMatchObject({ recipients: ['4917012345', '15005550100'] });
    expect(of({}, { source: '' })).not.toHaveProperty('recipients');
    expect(of({ source: 'any' }, {})).not.toHaveProperty('recipients');
  });
});

describe('a recipient', () => {
  it.each([
    ['4917012345678', true],
    ['+4917012345678', true],
    ['004917012345678', true],
    ['017012345678', true],
    ['17012345678', true],
    ['D0174917012345678', true],
    ['4917012345679', false],
    ['5678', null],
    ['0', null],
    ['', null],
    ['Bank', null],
  ])('is known as %j: %s', (written, expected) => {
    expect(areRecipients([written], ['+4917012345678'])).toBe(expected);
  });

  it('is one of those that a message may go to, or unknown', () => {
    expect(areRecipients(['4917012345678'], ['someone@example.com', '+4917012345678'])).toBe(true);
    expect(areRecipients(undefined, ['+4917012345678'])).toBeNull();
    expect(areRecipients(['4917012345678'], [''])).toBeNull();
    expect(areRecipients(['4917012345678', '15005550100'], ['+15005550100'])).toBe(true);
  });
});

describe('a provider id', () => {
  it.each([
    ['00001A2B', '1a2b'],
    ['0', ''],
    ['aZ9', 'az9'],
    ['É0', 'É0'],
    ['', ''],
  ])('%j is folded to %j', (id, folded) => {
    expect(foldProviderId(id)).toBe(folded);
  });

  it('is found whatever way it comes back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n }), fc.nat(6), (value, zeros) => {
        const forms = [value.toString(), value.toString(16), value.toString(16).toUpperCase()];
        for (const given of forms)
          for (const back of forms)
            expect(spellProviderId('0'.repeat(zeros) + back)).toContain(foldProviderId(given));
      }),
    );
  });

  it('is itself first, each meaning has its position, and an id that is no number has no other', () => {
    expect(spellProviderId('0010')).toEqual(['0010', '10', '16', 'a']);
    expect(spellProviderId('0A')).toEqual(['0A', 'a', '10', '']);
    expect(spellProviderId('M-17')).toEqual(['M-17', 'm-17', '', '']);
    expect(spellProviderId('5')).toEqual(['5', '5', '', '']);
    expect(spellProviderId('0')).toEqual(['0', '', '', '']);
    expect(spellProviderId('9'.repeat(65)).slice(2)).toEqual(['', '']);
  });
});

describe('reassembly', () => {
  const part = (reference: number, total: number, number: number, text: string) => ({
    octets: Buffer.from(text),
    of: { reference, total, number },
  });
  const begin = (messagesMax = 10) => {
    let now = 0;
    const reassembly = createReassembly<string>(messagesMax, 100, () => now);
    return { reassembly, pass: (ms: number) => (now += ms) };
  };
  const texts = (wholes: readonly { octets: Buffer }[]) => wholes.map((each) => `${each.octets}`);

  it('keeps pairs of addresses apart, and ignores repetitions', () => {
    const { reassembly } = begin();
    expect(reassembly.take(part(1, 2, 2, 'b'), 'x', '')).toEqual([]);
    expect(reassembly.take(part(1, 2, 2, 'b'), 'x', '')).toEqual([]);
    expect(reassembly.take(part(1, 2, 1, 'A'), 'y', '')).toEqual([]);
    expect(texts(reassembly.take(part(1, 2, 1, 'a'), 'x', ''))).toEqual(['ab']);
    expect(reassembly.waiting).toBe(1);
  });

  it('passes on incomplete messages after a while, beyond the maximum, and at the end', () => {
    const { reassembly, pass } = begin(2);
    reassembly.take(part(1, 3, 3, 'c'), 'x', '');
    reassembly.take(part(1, 3, 1, 'a'), 'x', '');
    pass(60);
    reassembly.take(part(2, 2, 1, 'd'), 'x', '');
    expect(reassembly.expire()).toEqual([]);
    pass(40);
    expect(texts(reassembly.expire())).toEqual(['ac']);
    reassembly.take(part(3, 2, 1, 'e'), 'x', '');
    expect(texts(reassembly.take(part(4, 2, 1, 'f'), 'x', ''))).toEqual(['d']);
    expect(texts(reassembly.flush())).toEqual(['e', 'f']);
    expect(reassembly.waiting).toBe(0);
  });

  it('reads every header, and none that is nonsense', () => {
    const header = (...bytes: number[]) => readPart(Buffer.from([...bytes, 0x41]), 0x40, NO_TLVS);
    expect(header(5, 0, 3, 7, 2, 1)).toEqual({
      octets: Buffer.from('A'),
      of: { reference: 7, total: 2, number: 1 },
    });
    expect(header(6, 8, 4, 1, 7, 2, 2).of).toEqual({ reference: 263, total: 2, number: 2 });
    expect(header(9, 0x24, 1, 1, 0, 3, 7, 2, 1, 0).of?.reference).toBe(7);
    for (const bad of [
      [5, 0, 3, 7, 0, 0],
      [5, 0, 3, 7, 2, 3],
      [5, 0, 3, 7, 1, 1],
      [5, 0, 9, 7, 2, 1],
      [200, 0, 3],
    ])
      expect(header(...bad).of).toBeNull();
    // The element is longer than its header; what follows is text.
    expect(readPart(Buffer.from([4, 0, 3, 7, 2, 1]), 0x40, NO_TLVS)).toEqual({
      octets: Buffer.from([1]),
      of: null,
    });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const found = readPart(Buffer.from(bytes), 0x40, NO_TLVS);
        expect(found.octets.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
