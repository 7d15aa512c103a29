import * as fc from 'fast-check';
import { fromUUIDBytes, TypeID } from 'typeid-js';
import { describe, expect, it } from 'vitest';
import * as ids from '../../src/domain/ids.ts';
import { QueryReader } from '../../src/http/edge/query.ts';
import { runs } from '../support/runs.ts';

const time = fc.integer({ min: 0, max: 2 ** 48 - 2 });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const anyUuid = fc.uuid();
const operation = fc
  .tuple(time, random)
  .map(([atMs, bytes]) => ids.newOperationUuid(atMs, (out) => (out.set(bytes), out)));
const ordinal = fc.oneof(
  fc.integer({ min: 0, max: ids.ORDINAL_MAX }),
  fc.constantFrom(0, 254, 255, 65_534, 65_535, 16_777_213),
);
const attempt = fc.integer({ min: 1, max: 15 });

const bytesOf = (uuid: string): Uint8Array => Buffer.from(uuid.replaceAll('-', ''), 'hex');
const numberOf = (uuid: string): bigint => BigInt(`0x${uuid.replaceAll('-', '')}`);

describe('UUIDs', () => {
  it('reproduce the example of RFC 9562, A.6', () => {
    const bytes = Buffer.from('0cc318c4dc0c0c07398f', 'hex');
    expect(ids.uuidV7(0x017f22e279b0, bytes)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('are of version 7 and carry their time', () => {
    fc.assert(
      fc.property(time, random, (atMs, bytes) => {
        const uuid = ids.uuidV7(atMs, bytes);
        expect(uuid).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(ids.uuidTimeMs(uuid)).toBe(atMs);
        expect(ids.uuidLowerBound(atMs) <= uuid).toBe(true);
        expect(uuid < ids.uuidLowerBound(atMs + 1)).toBe(true);
      }),
    );
    expect(ids.uuidLowerBound(0x0192f0a0aaaa)).toBe('0192f0a0-aaaa-0000-0000-000000000000');
    for (const wrong of [-1, 0.5, 2 ** 48, Number.NaN])
      expect(() => ids.uuidLowerBound(wrong)).toThrow(RangeError);
    expect(() => ids.uuidV7(0, new Uint8Array(9))).toThrow(RangeError);
  });

  it('of an operation have cell 0, end in 24 zero bits and differ', () => {
    const made = Array.from({ length: 1_000 }, () => ids.newOperationUuid(1_700_000_000_000));
    expect(new Set(made).size).toBe(1_000);
    for (const uuid of made) expect(uuid).toMatch(/00000000$/);
  });

  it('of messages are operation + 1 + ordinal and lead back', () => {
    fc.assert(
      fc.property(operation, ordinal, (uuid, index) => {
        const message = ids.messageUuid(uuid, index);
        expect(numberOf(message)).toBe(numberOf(uuid) + 1n + BigInt(index));
        expect(ids.operationUuidOf(message)).toBe(uuid);
        expect(ids.ordinalOf(message)).toBe(index);
        expect(ids.uuidTimeMs(message)).toBe(ids.uuidTimeMs(uuid));
        const { first, last } = ids.messageUuidRange(uuid);
        expect(first <= message && message <= last).toBe(true);
        expect(ids.operationUuidOf(uuid)).toBe(uuid);
        expect(ids.ordinalOf(uuid)).toBe(-1);
      }),
    );
    for (const wrong of [-1, 16_777_214, 1.5, Number.NaN])
      expect(() => ids.messageUuid(ids.newOperationUuid(0), wrong)).toThrow(RangeError);
  });
});

describe('TypeIDs', () => {
  it('agree with typeid-js both ways', { tags: ['property'] }, () => {
    fc.assert(
      fc.property(anyUuid, fc.constantFrom('comms_operation', 'comms_message'), (uuid, prefix) => {
        const text = fromUUIDBytes(prefix, bytesOf(uuid)).toString();
        expect(ids.encodeTypeId(prefix, uuid)).toBe(text);
        expect(ids.decodeTypeId(prefix, text)).toBe(uuid);
        expect(TypeID.fromString(text).toUUID()).toBe(uuid);
      }),
      { numRuns: runs(200, 1_000) },
    );
  });

  it('meet the specification’s cases', () => {
    const nil = '00000000-0000-0000-0000-000000000000';
    const max = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    expect(ids.encodeTypeId('comms_message', nil)).toBe('comms_message_00000000000000000000000000');
    expect(ids.encodeTypeId('comms_message', max)).toBe('comms_message_7zzzzzzzzzzzzzzzzzzzzzzzzz');
    const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';
    expect(ids.encodeTypeId('comms_message', uuid)).toBe(
      'comms_message_01h455vb4pex5vsknk084sn02q',
    );
  });

  it.each([
    '',
    'comms_message_',
    'comms_message_8zzzzzzzzzzzzzzzzzzzzzzzzz',
    'comms_message_01h455vb4pex5vsknk084sn02',
    'comms_message_01h455vb4pex5vsknk084sn02qq',
    'comms_message_01H455VB4PEX5VSKNK084SN02Q',
    'comms_message_01h455vb4pex5vsknk084sn0iq',
    'comms_message_01h455vb4pex5vsknk084sn0uq',
    'comms_message_01h455vb4pex5vsknk084sn0éq',
    'comms_message-01h455vb4pex5vsknk084sn02q',
    'comms_operation_01h455vb4pex5vsknk084sn02q',
    '01890a5d-ac96-774b-bcce-b302099a8057',
  ])('refuse %j', (text) => expect(ids.decodeTypeId('comms_message', text)).toBeNull());

  it('refuse any text that is not the one spelling', () => {
    const unit = fc.constantFrom(...'0123456789abcdefghjkmnpqrstvwxyzilouA-');
    const tails = fc.string({ unit, minLength: 25, maxLength: 27 });
    fc.assert(
      fc.property(tails, (tail) => {
        const text = `comms_message_${tail}`;
        const uuid = ids.decodeTypeId('comms_message', text);
        expect(uuid === null ? text : ids.encodeTypeId('comms_message', uuid)).toBe(text);
      }),
    );
  });
});

describe('attempts', () => {
  const message = '0192f0a0-aaaa-7bcd-9e01-234500000012';

  it('have an SID that leads back', () => {
    expect(ids.attemptSid(message, 2)).toBe('SM0192f0a0aaaa2bcd9e01234500000012');
    fc.assert(
      fc.property(operation, ordinal, attempt, (uuid, index, number) => {
        const messageUuid = ids.messageUuid(uuid, index);
        const sid = ids.attemptSid(messageUuid, number);
        expect(sid).toMatch(/^SM[0-9a-f]{32}$/);
        for (const text of [sid, `MM${sid.slice(2)}`, `SM${sid.slice(2).toUpperCase()}`])
          expect(ids.parseAttemptSid(text)).toEqual({ messageUuid, attempt: number });
      }),
    );
  });

  it.each([
    'SM',
    'SM0192f0a0aaaa0bcd9e01234500000012',
    'SM0192f0a0aaaa2bcd7e01234500000012',
    'SM0192f0a0aaaa2bcd9e0123450000001',
    'SM0192f0a0aaaa2bcd9e012345000000122',
    'sm0192f0a0aaaa2bcd9e01234500000012',
    'XX0192f0a0aaaa2bcd9e01234500000012',
    'SM0192f0a0aaaa2bcd9e01234500000012\n',
  ])('refuse the SID %j', (text) => expect(ids.parseAttemptSid(text)).toBeNull());

  it('have a reference that leads back, letter for letter', () => {
    expect(ids.attemptReference(100, message, 2)).toBe('2s-0192f0a0aaaa2bcd9e01234500000012');
    fc.assert(
      fc.property(fc.maxSafeNat(), operation, ordinal, attempt, (account, uuid, index, number) => {
        const accountId = Math.max(1, account);
        const messageUuid = ids.messageUuid(uuid, index);
        const text = ids.attemptReference(accountId, messageUuid, number);
        expect(text.length).toBeLessThanOrEqual(44);
        expect(ids.parseAttemptReference(text)).toEqual({
          accountId,
          messageUuid,
          attempt: number,
        });
        expect(ids.parseAttemptReference(text.toUpperCase())).toBeNull();
        expect(ids.parseAttemptReference(`0${text}`)).toBeNull();
      }),
    );
  });

  it.each([
    '',
    '-0192f0a0aaaa2bcd9e01234500000012',
    '0-0192f0a0aaaa2bcd9e01234500000012',
    '2s0192f0a0aaaa2bcd9e01234500000012',
    '2s-0192f0a0aaaa0bcd9e01234500000012',
    '2s-0192F0A0aaaa2bcd9e01234500000012',
    'zzzzzzzzzzz-0192f0a0aaaa2bcd9e01234500000012',
    '2s-0192f0a0aaaa2bcd9e01234500000012\n',
  ])('refuse the reference %j', (text) => expect(ids.parseAttemptReference(text)).toBeNull());

  it('count 1 to 15, of accounts from 1', () => {
    for (const wrong of [0, 16, 1.5])
      expect(() => ids.attemptSid(message, wrong)).toThrow(RangeError);
    for (const wrong of [0, -1, 1.5])
      expect(() => ids.attemptReference(wrong, message, 1)).toThrow(RangeError);
  });
});

describe('ids between dates', () => {
  const atMs = Date.parse('2024-01-15');
  const idAt = (ms: number) => ids.newOperationUuid(ms, (out) => out.fill(7));
  const has = (startDate: string, endDate: string, ms: number) => {
    const { after, before } = new QueryReader().readDates({ startDate, endDate });
    return after < idAt(ms) && idAt(ms) < before;
  };

  it('of plain dates have every millisecond of their days, once', () => {
    for (const ms of [atMs, atMs + 1, atMs + 86_399_999]) {
      expect(has('2024-01-15', '2024-01-16', ms)).toBe(true);
      expect(has('2024-01-14', '2024-01-15', ms)).toBe(false);
      expect(has('2024-01-16', '2024-01-17', ms)).toBe(false);
      expect(has('2024-01-15', '2024-01-15', ms)).toBe(false);
    }
  });

  it('of instants have neither of them', () => {
    const end = '2024-01-15T00:00:00.002Z';
    expect(has('2024-01-15T00:00:00Z', end, atMs)).toBe(false);
    expect(has('2024-01-15T00:00:00Z', end, atMs + 1)).toBe(true);
    expect(has('2024-01-15T00:00:00Z', end, atMs + 2)).toBe(false);
  });
});
