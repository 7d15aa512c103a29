import { describe, expect, it } from 'vitest';
import { readInstant } from '../src/domain/instant.ts';
import type { Address } from '../src/domain/message.ts';
import { nextRetryDelayMs } from '../src/domain/retry.ts';
import { firstCandidate, listCandidates } from '../src/domain/routing.ts';
import { readSchedule } from '../src/domain/schedule.ts';
import { planSenders } from '../src/domain/sender.ts';

describe('instants', () => {
  it.each([
    ['2026-11-23T10:00:00Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23t10:00:00.5z', '2026-11-23T10:00:00.500Z'],
    ['2026-11-23T10:00:00.123456789+02:00', '2026-11-23T08:00:00.123Z'],
    ['2026-11-23T23:30:00-01:30', '2026-11-24T01:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
  ])('%s is read as %s', (text, expected) => {
    expect(readInstant(text)?.toISOString()).toBe(expected);
  });

  it.each([
    '',
    '2026-11-23',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00+24:00',
    ' 2026-01-01T00:00:00Z',
    'now',
  ])('"%s" is none', (text) => {
    expect(readInstant(text)).toBeNull();
  });

  it('are UTC without a zone where none is needed', () => {
    expect(readInstant('2026-01-01T00:00:00', 'optional')?.toISOString()).toBe(
      '2026-01-01T00:00:00.000Z',
    );
  });
});

describe('schedules', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  it.each([
    [undefined, undefined, null, 0],
    [['2025-12-31T00:00:00Z'], undefined, null, 0],
    [['2026-01-08T00:00:00Z'], undefined, '2026-01-08T00:00:00.000Z', 0],
    [['2026-01-08T00:00:01Z'], undefined, null, 1],
    [['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'], undefined, '2026-01-02T00:00:00.000Z', 1],
    [['2026-01-02T00:00:00Z'], '2026-01-02T00:00:00Z', '2026-01-02T00:00:00.000Z', 1],
    [undefined, '2025-01-01T00:00:00Z', null, 1],
  ])('%j until %j', (sendAt, expireAt, scheduledFor, problems) => {
    const schedule = readSchedule(sendAt, expireAt, now);
    expect(schedule.scheduledFor?.toISOString() ?? null).toBe(scheduledFor);
    expect(schedule.problems).toHaveLength(problems);
  });
});

describe('routing', () => {
  const sms = { channel: 'SMS', address: '1', carrier: 'a' } as const;
  const rcs = { channel: 'RCS', address: '2', carrier: 'a' } as const;
  const whatsapp = { channel: 'WHATSAPP', address: '3', carrier: 'b' } as const;
  const phone: Address = { address: '+1', channel: 'PHONE' };
  const app: Address = { address: '+2', channel: 'WHATSAPP' };

  it.each([
    [[phone], [rcs, sms, whatsapp], ['RCS +1', 'SMS +1']],
    [
      [app, phone],
      [rcs, sms, whatsapp],
      ['WHATSAPP +2', 'RCS +1', 'SMS +1'],
    ],
    [
      [phone, app],
      [sms, whatsapp],
      ['SMS +1', 'WHATSAPP +2'],
    ],
    [[app], [rcs, sms], []],
    [[phone], [], []],
  ])('of %j over %j', (addresses, senders, expected) => {
    const candidates = listCandidates(addresses, { senders });
    expect(candidates.map((each) => `${each.sender.channel} ${each.to.address}`)).toEqual(expected);
    expect(firstCandidate(addresses, { senders })).toEqual(candidates[0] ?? null);
  });

  it('takes the default sender of each channel, rich before plain', () => {
    const book = {
      senders: [
        { ...sms, default: false },
        { ...sms, address: '9', default: true },
        { ...rcs, default: false },
      ],
    };
    const plan = planSenders(null, book);
    expect(plan.ok && plan.plan.senders.map((each) => each.address)).toEqual(['2', '9']);
    expect(planSenders({ channel: 'WHATSAPP', address: 'x' }, book).ok).toBe(false);
    expect(planSenders(null, { senders: [] }).ok).toBe(false);
  });
});

describe('retries', () => {
  const policy = { triesMax: 4, delayMs: 100, delayMaxMs: 300 };
  it.each([
    [1, 0, 0, 50],
    [1, 1, 0, 100],
    [2, 1, 0, 200],
    [3, 1, 0, 300],
    [3, 0, 5_000, 5_000],
    [4, 0, 0, null],
  ])('after %i tries, chance %d, wish %i: %j ms', (tries, random, afterMs, expected) => {
    expect(nextRetryDelayMs(policy, tries, random, afterMs)).toBe(expected);
  });
});
