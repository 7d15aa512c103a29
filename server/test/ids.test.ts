import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { TypeID } from 'typeid-js';
import { describe, expect, it } from 'vitest';
import {
  attemptReference,
  attemptSid,
  decodeTypeId,
  encodeTypeId,
  messageUuid,
  messageUuidRange,
  newOperationUuid,
  operationUuidOf,
  ordinalOf,
  parseAttemptReference,
  parseAttemptSid,
  uuidLowerBound,
  uuidTimeMs,
} from '../src/domain/ids.ts';

const operations = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([atMs, random]) => ({ atMs, uuid: newOperationUuid(atMs, random) }));
const ordinals = fc.integer({ min: 0, max: 9_999 });

describe('ids', () => {
  it('are UUIDv7 that tell their time', () => {
    fc.assert(
      fc.property(operations, ({ atMs, uuid }) => {
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(uuidTimeMs(uuid)).toBe(atMs);
        expect(uuidLowerBound(atMs) <= uuid).toBe(true);
        expect(uuid < uuidLowerBound(atMs + 1) || atMs === 2 ** 48 - 1).toBe(true);
      }),
    );
  });

  it('of messages tell operation and position, in order', () => {
    fc.assert(
      fc.property(operations, ordinals, ({ uuid }, ordinal) => {
        const message = messageUuid(uuid, ordinal);
        expect(operationUuidOf(message)).toBe(uuid);
        expect(ordinalOf(message)).toBe(ordinal);
        expect(message).toHaveLength(36);
        const { before, last } = messageUuidRange(uuid);
        expect(message > before && message <= last).toBe(true);
        if (ordinal > 0) expect(message > messageUuid(uuid, ordinal - 1)).toBe(true);
      }),
    );
  });

  it('are the TypeIDs that an independent implementation makes', () => {
    fc.assert(
      fc.property(operations, ({ uuid }) => {
        const text = encodeTypeId('comms_operation', uuid);
        expect(text).toBe(TypeID.fromUUID('comms_operation', uuid).toString());
        expect(decodeTypeId('comms_operation', text)).toBe(uuid);
        expect(decodeTypeId('comms_message', text)).toBeNull();
      }),
    );
  });

  it('documented by the API decode, and wrong ones do not', () => {
    const known = decodeTypeId('comms_operation', 'comms_operation_01m0m3981sfj2ahj9xnkq9whkb');
    expect(new Date(uuidTimeMs(known ?? '')).toISOString()).toBe('2026-08-22T06:42:12.665Z');
    for (const wrong of [
      'comms_operation_81m0m3981sfj2ahj9xnkq9whkb',
      'comms_operation_01m0m3981sfj2ahj9xnkq9whk',
      'comms_operation_01m0m3981sfj2ahj9xnkq9whkbb',
      'comms_operation_01m0m3981sfj2ahj9xnkq9whkU',
      'comms_operation_01m0i3981sfj2ahj9xnkq9whkb',
      '',
    ])
      expect(decodeTypeId('comms_operation', wrong)).toBeNull();
  });

  it('of attempts lead back to the message', () => {
    const attempts = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(operations, ordinals, attempts, fc.nat(2 ** 31 - 1), ({ uuid }, ordinal, attempt, account) => {
        const message = messageUuid(uuid, ordinal);
        const sid = attemptSid(message, attempt);
        expect(sid).toMatch(/^SM[0-9a-f]{32}$/);
        expect(parseAttemptSid(sid)).toEqual({ messageUuid: message, attempt });
        expect(parseAttemptSid(`MM${sid.slice(2).toUpperCase()}`)).toEqual({ messageUuid: message, attempt });
        const reference = attemptReference(account, message, attempt);
        expect(reference.length).toBeLessThanOrEqual(48);
        expect(parseAttemptReference(reference)).toEqual({ accountId: account, messageUuid: message, attempt });
      }),
    );
    expect(parseAttemptSid('SM123')).toBeNull();
    expect(parseAttemptReference(`1-${randomBytes(15).toString('hex')}`)).toBeNull();
  });
});
