import { listSpellings } from '../../src/domain/spellings.ts';
import { growSenderTree, rankSenders } from '../../src/domain/sender-ranking.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseInboundAddress } from '../../src/domain/inbound.ts';
import { readDay, readInstant } from '../../src/domain/instant.ts';
import type { Address, Channel } from '../../src/domain/message.ts';
import type { PlannedSender } from '../../src/domain/operation.ts';
import type { RequestedSender } from '../../src/domain/send-request.ts';
import { nextRetryDelayMs } from '../../src/domain/retry.ts';
import { findZones, instantAt, localTimeOf, readLocalTime } from '../../src/domain/local-time.ts';
import { allowedFrom, QuietClock } from '../../src/domain/quiet-hours.ts';
import {
  firstCandidate,
  listCandidates,
  nextCandidate,
  nextSender,
} from '../../src/domain/routing.ts';
import { findClash, readSchedule } from '../../src/domain/schedule.ts';
import {
  orderChannels,
  findSenderAddressProblem,
  planSenders,
  type PlanResult,
  type Sender,
} from '../../src/domain/sender.ts';

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

  it.each([
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0099-12-31', '0099-12-31T00:00:00.000Z'],
    ['2026-02-29', undefined],
    ['2024-02-30', undefined],
    ['2024-13-01', undefined],
    ['2024-00-10', undefined],
    ['2024-1-15', undefined],
    ['2024-01-15Z', undefined],
    ['2024-01-15T00:00:00Z', undefined],
  ])('of the plain date %s: %s', (text, expected) => {
    expect(readDay(text)?.toISOString()).toBe(expected);
  });

  it('are read without a zone where none is needed', () => {
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
    [['2026-01-08T00:00:01Z'], undefined, '2026-01-08T00:00:01.000Z', 1],
    [['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'], undefined, '2026-01-02T00:00:00.000Z', 1],
    [['2026-01-02T00:00:00Z'], '2026-01-02T00:00:00Z', '2026-01-02T00:00:00.000Z', 1],
    [undefined, '2025-01-01T00:00:00Z', null, 1],
    [
      ['2026-01-02T00:00:00Z', '2026-01-02T02:00:00+02:00'],
      undefined,
      '2026-01-02T00:00:00.000Z',
      0,
    ],
    [['2025-12-30T00:00:00Z', '2025-12-31T00:00:00Z'], undefined, null, 1],
    [['x', '2026-01-02T00:00:00Z', 'y'], undefined, '2026-01-02T00:00:00.000Z', 2],
    [['2026-01-02T00:00:00', '2026-01-02T00:00:00.000'], undefined, null, 0],
    [['2026-01-02T00:00:00', '2026-01-02T00:00:01'], undefined, null, 1],
    [['2026-01-02T00:00:00', '2026-01-02T05:00:00Z'], undefined, '2026-01-02T05:00:00.000Z', 0],
    [['2026-01-20T00:00:00', '2026-01-20T05:00:00Z'], undefined, '2026-01-20T05:00:00.000Z', 1],
    // By each recipient's clock: what it means is known with the zones.
    [['2026-01-20T00:00:00'], undefined, null, 0],
    [['2026-01-32T00:00:00'], undefined, null, 1],
  ])('%j until %j', (sendAt, expireAt, scheduledFor, problems) => {
    const schedule = readSchedule(sendAt, expireAt, now);
    expect(schedule.scheduledFor?.toISOString() ?? null).toBe(scheduledFor);
    expect(schedule.problems).toHaveLength(problems);
  });

  it('name the expressions that exclude each other', () => {
    const { problems } = readSchedule(
      [
        '2026-01-02T00:00:00Z',
        '2026-01-02T00:00:00',
        '2026-01-02T01:00:00Z',
        '2026-01-02T01:00:00',
      ],
      undefined,
      now,
    );
    expect(problems).toEqual([
      {
        code: 20013,
        path: '$.schedule.sendAt[2]',
        message:
          '"2026-01-02T01:00:00Z" excludes "2026-01-02T00:00:00Z" (sendAt[0]): no time is both.',
      },
      {
        code: 20013,
        path: '$.schedule.sendAt[3]',
        message:
          '"2026-01-02T01:00:00" excludes "2026-01-02T00:00:00" (sendAt[1]): no time is both.',
      },
    ]);
  });

  const zones = ['UTC', 'Asia/Kolkata', 'America/New_York', 'Europe/Berlin', 'Pacific/Apia'];
  const week = fc.integer({ min: 0, max: 7 * 24 * 60 }).map((minutes) => minutes * 60_000);

  it('have the instant that a local time is in the zone of a recipient, and no other', () => {
    fc.assert(
      fc.property(week, fc.constantFrom(...zones), fc.constantFrom(...zones), (ms, zone, other) => {
        const at = new Date(now.getTime() + ms);
        const local = localTimeOf(at, zone).toString();
        const sendAt = fc.sample(
          fc.shuffledSubarray([local, at.toISOString(), local], { minLength: 3 }),
          1,
        );
        const schedule = readSchedule(sendAt[0], undefined, now);
        expect(schedule.problems).toEqual([]);
        expect(schedule.scheduledFor).toEqual(ms === 0 ? null : at);
        expect(findClash(schedule, zone)).toBeNull();
        const there = localTimeOf(at, other).toString();
        expect(findClash(schedule, other) === null).toBe(there === local);
      }),
    );
  });

  it('are the same in any order of their expressions', () => {
    const expression = fc.tuple(week, fc.boolean()).map(([ms, zoned]) => {
      const text = new Date(now.getTime() + ms).toISOString();
      return zoned ? text : text.slice(0, -1);
    });
    fc.assert(
      fc.property(fc.array(expression, { minLength: 1, maxLength: 4 }), (sendAt) => {
        const one = readSchedule(sendAt, undefined, now);
        const reverse = readSchedule(sendAt.toReversed(), undefined, now);
        expect(one.problems.length === 0).toBe(reverse.problems.length === 0);
        const kinds = [
          sendAt.filter((each) => each.endsWith('Z')),
          sendAt.filter((each) => !each.endsWith('Z')),
        ];
        expect(one.problems.length === 0).toBe(kinds.every((kind) => new Set(kind).size <= 1));
        if (one.problems.length > 0) return;
        expect(reverse.scheduledFor).toEqual(one.scheduledFor);
        expect(reverse.local?.text).toBe(one.local?.text);
      }),
    );
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

  const known = (channel: Channel, address: string, more: Partial<Sender> = {}): Sender => ({
    id: `id-${channel}-${address}`,
    channel,
    address,
    carrier: 'a',
    displayName: null,
    status: 'ACTIVATED',
    isDefault: false,
    tags: {},
    throughput: null,
    throughputUnit: 'MESSAGES',
    dailyCap: null,
    quietHours: null,
    configured: true,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...more,
  });
  const addresses = (result: PlanResult) =>
    result.ok && result.plan.senders.map((each) => each.address);
  const path = (result: PlanResult) => !result.ok && result.path;

  it('takes the first sender of each channel, rich before plain', () => {
    const senders = [known('SMS', '9'), known('SMS', '1'), known('RCS', '2')];
    expect(addresses(planSenders(null, { senders, poolId: null }))).toEqual(['2', '9']);
    expect(path(planSenders(null, { senders: [], poolId: null }))).toBe('$.from');
  });

  it('takes a named sender unless it is deactivated, and lends a carrier to an address that is none', () => {
    const senders = [known('SMS', '1', { status: 'DEACTIVATED' }), known('SMS', '2')];
    const plan = (from: RequestedSender) => planSenders(from, { senders, poolId: null });
    expect(path(plan({ channel: 'SMS', address: '1' }))).toBe('$.from.address');
    expect(addresses(plan({ channel: 'SMS', address: '2' }))).toEqual(['2']);
    expect(addresses(plan({ channel: 'SMS', address: '3' }))).toEqual(['3']);
    expect(path(plan({ channel: 'RCS', address: '3' }))).toBe('$.from.channel');
    expect(path(plan({ senderId: 'x' }))).toBe('$.from.senderId');
    expect(path(planSenders({ senderId: 'x' }, { senders: [], poolId: null }))).toBe(
      '$.from.senderId',
    );
  });

  it.each([
    [undefined, ['RCS', 'SMS', 'WHATSAPP']],
    [{ filterIn: ['SMS', 'RCS'] }, ['RCS', 'SMS']],
    [{ priority: [{ channel: 'SMS', priority: 1 }] }, ['SMS', 'RCS', 'WHATSAPP']],
    [
      {
        priority: [
          { channel: 'RCS', priority: 9 },
          { channel: 'WHATSAPP', priority: 0 },
        ],
      },
      ['WHATSAPP', 'RCS', 'SMS'],
    ],
    [{ filterIn: ['WHATSAPP'], priority: [{ channel: 'SMS', priority: 0 }] }, ['WHATSAPP']],
  ] as const)('orders channels by %j', (controls, expected) => {
    expect(orderChannels(controls)).toEqual(expected);
  });

  it('gives each recipient one sender of a pool, the same again, and moves few when one goes', () => {
    const senders = Array.from(
      { length: 8 },
      (_, i) => ({ channel: 'SMS', address: `+1500555${9000 + i}`, carrier: 'a' }) as const,
    );
    const choose = (some: readonly PlannedSender[]) =>
      Array.from(
        { length: 4_000 },
        (_, i) =>
          firstCandidate([{ address: `+1500556${i}`, channel: 'PHONE' }], { senders: some })?.sender
            .address,
      );
    const all = choose(senders);
    expect(choose([...senders].toReversed())).toEqual(all);
    for (const { address } of senders) {
      const share = all.filter((each) => each === address).length / all.length;
      expect(share).toBeGreaterThan(0.08);
      expect(share).toBeLessThan(0.18);
    }
    const fewer = choose(senders.slice(1));
    for (const [i, address] of all.entries())
      if (address !== senders[0]?.address) expect(fewer[i]).toBe(address);
  });
});

describe('the next way after a failure', () => {
  const phone: Address = { address: '+15005560001', channel: 'PHONE' };
  const other: Address = { address: '+15005560002', channel: 'PHONE' };
  const rcs = { channel: 'RCS', address: 'agent', carrier: 'a' } as const;
  const sms = Array.from(
    { length: 5 },
    (_, i) => ({ channel: 'SMS', address: `${i}`, carrier: 'a' }) as const,
  );
  const candidates = listCandidates([phone, other], { senders: [rcs, ...sms] });

  it('tries three senders of a channel at most', () => {
    expect(candidates.map((each) => `${each.sender.channel} ${each.to.address}`)).toEqual([
      'RCS +15005560001',
      'SMS +15005560001',
      'SMS +15005560001',
      'SMS +15005560001',
      'RCS +15005560002',
      'SMS +15005560002',
      'SMS +15005560002',
      'SMS +15005560002',
    ]);
    expect(new Set(candidates.slice(1, 4).map((each) => each.sender.address)).size).toBe(3);
  });

  it.each([
    [0, 'recipient', 1],
    [0, 'sender', 1],
    [1, 'sender', 2],
    [1, 'recipient', 4],
    [3, 'sender', 4],
    [5, 'recipient', null],
    [7, 'sender', null],
    [8, 'sender', null],
  ] as const)('from %i, the fault being of the %s: %j', (position, fault, expected) => {
    expect(nextCandidate(candidates, position, fault)).toBe(expected);
  });

  it.each([
    [0, null],
    [1, 2],
    [2, 3],
    [3, null],
    [7, null],
    [9, null],
  ])('to another sender of the same channel from %i: %j', (position, expected) => {
    expect(nextSender(candidates, position)).toBe(expected);
  });

  it('shares a pool by throughput', () => {
    const senders = [10, 30, 60].map(
      (throughput) =>
        ({ channel: 'SMS', address: `${throughput}`, carrier: 'a', throughput }) as const,
    );
    const counts = new Map<string, number>();
    for (let i = 0; i < 10_000; i += 1) {
      const to: Address = { address: `+150055${i}`, channel: 'PHONE' };
      const address = firstCandidate([to], { senders })?.sender.address ?? '';
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    for (const [address, count] of counts)
      expect(Math.abs(count / 100 - Number(address))).toBeLessThan(2);
  });
});

describe('a large pool', () => {
  const numbers = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => `+1500${5_550_000 + first + i}`);
  const rankAll = (senders: readonly PlannedSender[], max: number) => {
    const tree = growSenderTree(senders);
    return numbers(400_000, 4_000).map((each) =>
      rankSenders(tree, each, max).map(({ address }) => address),
    );
  };
  const toSenders = (addresses: readonly string[], throughput?: number): PlannedSender[] =>
    addresses.map(
      (address) => ({ channel: 'SMS', address, carrier: 'a', throughput }) as PlannedSender,
    );

  it.each([1, 2, 8, 300, 10_000])(
    'of %i senders keeps to its order, whatever order it is given in',
    (size) => {
      const senders = toSenders(numbers(0, size));
      const ranked = rankAll(senders, 3);
      expect(rankAll(senders.toReversed(), 3)).toEqual(ranked);
      for (const each of ranked) {
        expect(new Set(each).size).toBe(Math.min(size, 3));
        expect(each.length).toBe(Math.min(size, 3));
      }
      expect(rankAll(senders, 1)).toEqual(ranked.map(([first]) => [first]));
    },
  );

  it.each([2, 8, 300, 10_000])('of %i senders moves few when one goes or comes', (size) => {
    const senders = toSenders(numbers(0, size));
    const [gone] = senders;
    const before = rankAll(senders, 2);
    const after = rankAll(senders.slice(1), 1);
    let moved = 0;
    for (const [i, [first, second]] of before.entries())
      // Who had the one that goes gets the one who was second.
      if (first === gone?.address) expect(after[i]).toEqual([second]);
      else if (after[i]?.[0] !== first) moved += 1;
    expect(moved).toBeLessThanOrEqual((2 * 4_000) / size + 5);
  });

  it('shares by throughput at each size, also among very unequal ones', () => {
    const senders = [...toSenders(numbers(0, 500), 1), ...toSenders(numbers(1_000, 50), 30)];
    const ofFast = rankAll(senders, 1).filter(([first]) => Number(first) >= 15005551000).length;
    expect(ofFast / 4_000).toBeGreaterThan(0.7);
    expect(ofFast / 4_000).toBeLessThan(0.8);
  });

  it('takes senders of one address as one, the stronger first', () => {
    const [slow, fast] = [1, 5].map(
      (throughput) =>
        ({ channel: 'SMS', address: '+1', carrier: `c${throughput}`, throughput }) as const,
    ) as [PlannedSender, PlannedSender];
    const tree = growSenderTree([slow, fast]);
    expect(rankSenders(tree, '+2', 3).map(({ carrier }) => carrier)).toEqual(['c5', 'c1']);
  });
});

describe('zones and quiet hours', () => {
  it.each([
    ['+14155550100', 'America/Los_Angeles'],
    ['+12125550100', 'America/New_York'],
    ['+18085550100', 'Pacific/Honolulu'],
    ['+442079460000', 'Europe/London'],
    ['+4930123456', 'Europe/Berlin'],
    ['+919876543210', 'Asia/Kolkata'],
    ['+77011234567', 'Asia/Almaty'],
    ['+79161234567', 'Europe/Moscow'],
    ['+9999', 'UTC'],
    ['someone@example.com', 'UTC'],
  ])('%s lives in %s', (number, zone) => {
    expect(findZones(number)[0]).toBe(zone);
  });

  it.each([
    ['2026-11-23T09:30:00', 'America/New_York', '2026-11-23T14:30:00.000Z'],
    ['2026-11-23T09:30:00', 'Asia/Kolkata', '2026-11-23T04:00:00.000Z'],
    // Clocks go forward at 02:00 (New York) and back at 02:00 (1 November): skipped, and the first of two.
    ['2026-03-08T02:30:00', 'America/New_York', '2026-03-08T07:30:00.000Z'],
    ['2026-11-01T01:30:00', 'America/New_York', '2026-11-01T05:30:00.000Z'],
  ])('%s in %s is %s', (text, zone, expected) => {
    const local = readLocalTime(text);
    expect(local && instantAt(local, zone).toISOString()).toBe(expected);
  });

  const night = { start: '21:00', end: '08:00' };
  const noon = { start: '12:00', end: '13:30' };
  it.each([
    [night, 'UTC', '2026-11-23T20:59:59Z', '2026-11-23T20:59:59Z'],
    [night, 'UTC', '2026-11-23T21:00:00Z', '2026-11-24T08:00:00Z'],
    [night, 'UTC', '2026-11-24T07:59:59Z', '2026-11-24T08:00:00Z'],
    [night, 'UTC', '2026-11-24T08:00:00Z', '2026-11-24T08:00:00Z'],
    [night, 'America/New_York', '2026-11-23T21:00:00Z', '2026-11-23T21:00:00Z'],
    [night, 'America/New_York', '2026-11-24T02:00:00Z', '2026-11-24T13:00:00Z'],
    [noon, 'Asia/Kolkata', '2026-11-24T07:00:00Z', '2026-11-24T08:00:00Z'],
    [noon, 'Asia/Kolkata', '2026-11-24T08:00:00Z', '2026-11-24T08:00:00Z'],
    // The night in which New York's clocks go forward: 08:00 comes after ten hours.
    [night, 'America/New_York', '2026-03-08T02:00:00Z', '2026-03-08T12:00:00Z'],
  ])('%j in %s at %s: from %s', (quiet, zone, at, expected) => {
    const allowed = allowedFrom(quiet, [zone], new Date(at));
    expect(allowed.toISOString()).toBe(new Date(expected).toISOString());
    expect(allowedFrom(quiet, [zone], allowed)).toEqual(allowed);
    const until = new QuietClock(quiet).quietUntil([zone], Date.parse(at));
    expect(until ?? new Date(at)).toEqual(allowed);
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
  ])('after %i tries, chance %d, retryAfter %i: %j ms', (tries, random, afterMs, expected) => {
    expect(nextRetryDelayMs(policy, tries, random, afterMs)).toBe(expected);
  });
});

describe('addresses of inbound messages', () => {
  it.each([
    ['+491711234567', '+491711234567'],
    ['491711234567', '+491711234567'],
    [' 491711234567', '+491711234567'],
    ['00491711234567', '+491711234567'],
    // Said to be international, and with the prefix all the same.
    ['+00491711234567', '+491711234567'],
    ['+1 (415) 555-0101', '+14155550101'],
    ['+49-171-1234567', '+491711234567'],
    ['tel:+49.171.1234567', '+491711234567'],
    ['00298 123456', '+298123456'],
    ['01711234567', '01711234567'],
    ['171 1234', '171 1234'],
    ['72727', '72727'],
    ['+72727', '+72727'],
    ['0049', '0049'],
    ['ACME 2000', 'ACME 2000'],
    ['1234567890123456', '1234567890123456'],
    ['', ''],
  ])('%j is %j', (given, address) => expect(normaliseInboundAddress(given)).toBe(address));
});

describe('spellings of one person', () => {
  it.each([
    ['+5216641234567', '+526641234567'],
    ['+5491123456789', '+541123456789'],
    ['+5511987654321', '+551187654321'],
  ])('%s and %s', (long, short) => {
    expect(listSpellings(long)).toEqual([long, short]);
    expect(listSpellings(short)).toEqual([short, long]);
  });

  it.each([
    '+15005550100',
    '+4915112345678',
    // A line of Brazil that is no mobile, and what is too short or too long.
    '+551134567890',
    '+52664123456',
    '+54911234567890',
    'SHOP',
    '12345',
    '',
  ])('%j has one', (address) => expect(listSpellings(address)).toEqual([address]));

  it('of e-mails are compared in one', () => {
    expect(listSpellings('Ada@Example.ORG')).toEqual(['ada@example.org']);
  });
});

describe('addresses of SMS senders', () => {
  it.each([
    '+15005550100',
    '15005550100',
    '12345',
    'Fanfare',
    'Abcdefghijk',
    'A [b]',
    'Åse & Co',
    `MG${'0'.repeat(32)}`,
  ])('%s is one', (address) => expect(findSenderAddressProblem('SMS', address)).toBeNull());

  it.each([
    ['WHATSAPP', 'whatsapp:+15005551111'],
    ['WHATSAPP', '+１５００５５５１１１１'],
    ['WHATSAPP', '+1500555\u200b1111'],
    ['WHATSAPP', '+1/500/5551111'],
    ['RCS', 'shop\u00ad_agent'],
    ['RCS', 'shop agent'],
  ] as const)('of %s: not %j', (channel, address) =>
    expect(findSenderAddressProblem(channel, address)).toMatch(/is not\.$|one line/),
  );

  // 3GPP TS 23.040, 9.1.2.5: eleven characters of seven bits.
  it.each([
    ['Abcdefghijkl', /at most 11 characters of the GSM alphabet, not 12/],
    ['[[[[[[', /not 12/],
    ['Fanfare™', /has other characters/],
    ['Фанфара', /has other characters/],
    ['Fan\nfare', /one line without control characters/],
  ])('%s is none', (address, words) =>
    expect(findSenderAddressProblem('SMS', address)).toMatch(words),
  );

  it('are checked where a request names one that is no sender', () => {
    const senders = [
      { channel: 'SMS', address: 'Old name beyond', status: 'ACTIVATED', carrier: 'a' } as Sender,
    ];
    const plan = (address: string) =>
      planSenders({ address, channel: 'SMS' }, { senders, poolId: null });
    expect(plan('Abcdefghijkl')).toMatchObject({ ok: false, path: '$.from.address' });
    expect(plan('Abcdefghijk')).toMatchObject({ ok: true });
    // One that was added before stays.
    expect(plan('Old name beyond')).toMatchObject({ ok: true });
  });
});
