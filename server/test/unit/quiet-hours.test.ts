/** Quiet hours where clocks change, and of people who may be in several zones. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findZones, type Zones } from '../../src/domain/local-time.ts';
import { allowedFrom, QuietClock, type QuietHours } from '../../src/domain/quiet-hours.ts';
import { runs } from '../support/runs.ts';

const hours = (text: string): QuietHours => {
  const [start = '', end = ''] = text.split('-');
  return { start, end };
};
const iso = (at: Date) => at.toISOString().replace(':00.000Z', 'Z');

describe('where clocks change', () => {
  it.each([
    // New York leaves out 02:00 to 03:00 on 8 March, from 07:00Z on.
    ['America/New_York', '22:00-02:30', '2026-03-08T06:00Z', '2026-03-08T07:00Z'],
    ['America/New_York', '22:00-02:00', '2026-03-08T06:59Z', '2026-03-08T07:00Z'],
    ['America/New_York', '22:00-03:00', '2026-03-08T06:59Z', '2026-03-08T07:00Z'],
    ['America/New_York', '02:30-05:00', '2026-03-08T07:00Z', '2026-03-08T09:00Z'],
    ['America/New_York', '02:30-05:00', '2026-03-08T06:59Z', '2026-03-08T06:59Z'],
    ['America/New_York', '02:10-02:50', '2026-03-08T07:00Z', '2026-03-08T07:00Z'],
    ['America/New_York', '02:10-02:50', '2026-03-08T06:59Z', '2026-03-08T06:59Z'],
    // Quiet all day but for what is left out: until the next night has ended.
    ['America/New_York', '02:50-02:10', '2026-03-08T06:00Z', '2026-03-09T06:10Z'],
    // It shows 01:00 to 02:00 twice on 1 November, from 05:00Z and 06:00Z on.
    ['America/New_York', '22:00-01:30', '2026-11-01T05:10Z', '2026-11-01T05:30Z'],
    ['America/New_York', '22:00-01:30', '2026-11-01T06:10Z', '2026-11-01T06:10Z'],
    ['America/New_York', '01:30-08:00', '2026-11-01T05:40Z', '2026-11-01T13:00Z'],
    ['America/New_York', '01:30-08:00', '2026-11-01T06:10Z', '2026-11-01T13:00Z'],
    // Half an hour at 02:00 on 4 October, and back on 5 April.
    ['Australia/Lord_Howe', '22:00-02:15', '2026-10-03T15:00Z', '2026-10-03T15:30Z'],
    ['Australia/Lord_Howe', '02:15-05:00', '2026-10-03T15:30Z', '2026-10-03T18:00Z'],
    ['Australia/Lord_Howe', '22:00-01:45', '2026-04-04T14:50Z', '2026-04-04T14:50Z'],
    // Midnight is left out.
    ['Africa/Cairo', '20:00-00:00', '2026-04-23T21:30Z', '2026-04-23T22:00Z'],
    ['Africa/Cairo', '20:00-00:30', '2026-04-23T21:30Z', '2026-04-23T22:00Z'],
    ['Africa/Cairo', '00:30-06:00', '2026-04-23T22:00Z', '2026-04-24T03:00Z'],
    ['Asia/Beirut', '21:00-00:15', '2026-03-28T21:00Z', '2026-03-28T22:00Z'],
    ['America/Asuncion', '21:00-00:15', '2023-10-01T03:30Z', '2023-10-01T04:00Z'],
    // The hour before midnight comes twice.
    ['Africa/Cairo', '23:30-06:00', '2026-10-29T21:10Z', '2026-10-30T04:00Z'],
    ['Asia/Beirut', '20:00-23:30', '2026-10-24T21:10Z', '2026-10-24T21:10Z'],
  ])('%s, %s at %s: from %s', (zone, quiet, at, expected) => {
    expect(iso(allowedFrom(hours(quiet), [zone], new Date(at)))).toBe(expected);
  });
});

/** What a clock on a wall shows in each minute of four days, as text that sorts. */
function wallOf(zone: string, from: number): string[] {
  const format = new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return Array.from({ length: 4 * 1_440 }, (_, minute) => format.format(from + minute * 60_000));
}

it('ends the first minute that no night covers, minute by minute', { tags: ['property'] }, () => {
  const changes: [string, string][] = [
    ['America/New_York', '2026-03-07'],
    ['America/New_York', '2026-10-31'],
    ['Australia/Lord_Howe', '2026-10-02'],
    ['Australia/Lord_Howe', '2026-04-03'],
    ['Africa/Cairo', '2026-04-22'],
    ['Africa/Cairo', '2026-10-28'],
    ['Asia/Beirut', '2026-03-27'],
    ['Asia/Beirut', '2026-10-23'],
    ['America/Asuncion', '2023-09-30'],
    ['America/Asuncion', '2024-03-22'],
    ['America/St_Johns', '2026-03-07'],
    ['Asia/Kathmandu', '2026-03-07'],
    ['Africa/Casablanca', '2026-02-13'],
    ['Antarctica/Troll', '2026-03-27'],
  ];
  const walls = new Map<string, string[]>();
  const time = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 1, 10, 15, 29, 30, 31, 45, 59))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  fc.assert(
    fc.property(
      fc.constantFrom(...changes),
      time,
      time,
      fc.integer({ min: 1_440, max: 2_500 }),
      ([zone, day], start, end, minute) => {
        fc.pre(start !== end);
        const from = Date.parse(`${day}T00:00Z`);
        const wall = walls.get(zone + day) ?? wallOf(zone, from);
        walls.set(zone + day, wall);
        const days = [...new Set(wall.map((shown) => shown.slice(0, 10)))];
        const firstFrom = (shown: string) => {
          const found = wall.findIndex((each) => each >= shown);
          return found < 0 ? wall.length : found;
        };
        const nights = days.map((each, i) => {
          const until = end > start ? each : (days[i + 1] ?? '9');
          return [firstFrom(`${each} ${start}`), firstFrom(`${until} ${end}`)] as const;
        });
        const isQuiet = (at: number) => nights.some(([since, until]) => since <= at && at < until);
        let expected = minute;
        while (isQuiet(expected)) expected += 1;
        const at = new Date(from + minute * 60_000);
        const allowed = allowedFrom({ start, end }, [zone], at);
        expect(iso(allowed)).toBe(iso(new Date(from + expected * 60_000)));
        expect(allowedFrom({ start, end }, [zone], allowed)).toEqual(allowed);
        const until = new QuietClock({ start, end }).quietUntil([zone], at.getTime());
        expect(until ?? at).toEqual(allowed);
      },
    ),
    { numRuns: runs(150, 3_000) },
  );
});

describe('of numbers that may be in several zones', () => {
  const russian = findZones('+79161234567');
  it.each([
    // 09:00 in Moscow is 16:00 in Vladivostok, 18:00 in Kamchatka and 08:00 in Kaliningrad.
    [russian, '21:00-08:00', '2026-11-24T06:00Z', '2026-11-24T06:00Z'],
    // Moscow's evening is night in Vladivostok; the first moment for all is when Kaliningrad rises.
    [russian, '21:00-08:00', '2026-11-24T16:00Z', '2026-11-25T06:00Z'],
    [russian, '21:00-08:00', '2026-11-24T09:00Z', '2026-11-25T06:00Z'],
    [findZones('+34612345678'), '21:00-08:00', '2026-11-24T07:00Z', '2026-11-24T08:00Z'],
    [findZones('+34612345678'), '21:00-08:00', '2026-11-24T20:00Z', '2026-11-25T08:00Z'],
    [findZones('+61412345678'), '21:00-09:00', '2026-07-01T23:00Z', '2026-07-02T02:30Z'],
    [findZones('+18005550100'), '21:00-08:00', '2026-07-01T12:00Z', '2026-07-01T22:00Z'],
    // Ten hours a day are too few for eleven clocks: the farthest ones from Moscow are left out until there is a moment.
    [russian, '20:00-10:00', '2026-11-24T16:00Z', '2026-11-25T08:00Z'],
    // An hour a day is the one of most people.
    [russian, '10:00-09:00', '2026-11-24T16:00Z', '2026-11-25T06:00Z'],
  ] as const)('%s, %s at %s: from %s', (zones, quiet, at, expected) => {
    expect(iso(allowedFrom(hours(quiet), zones, new Date(at)))).toBe(expected);
  });

  it('disturbs no zone while there is a moment for all', { tags: ['property'] }, () => {
    const numbers =
      '79161234567 61412345678 628121234567 243812345678 56912345678 34612345678 18505550100';
    fc.assert(
      fc.property(
        fc.constantFrom(...numbers.split(' ')),
        fc.integer({ min: 0, max: 365 * 1_440 }),
        (number, minute) => {
          const zones = findZones(`+${number}`);
          const night = hours('21:00-08:00');
          const at = new Date(Date.UTC(2026, 0, 1) + minute * 60_000);
          const allowed = allowedFrom(night, zones, at);
          const alone = zones.map((zone) => allowedFrom(night, [zone], allowed));
          expect(alone).toEqual(zones.map(() => allowed));
          // And not later than it must be: somebody sleeps a minute before.
          const before = new Date(allowed.getTime() - 60_000);
          if (allowed > at)
            expect(zones.some((zone) => allowedFrom(night, [zone], before) > before)).toBe(true);
        },
      ),
      { numRuns: runs(60, 1_000) },
    );
  });

  it(
    'always finds a moment at which the first of the zones is awake',
    { tags: ['property'] },
    () => {
      const time = fc
        .integer({ min: 0, max: 1_439 })
        .map((minute) => new Date(minute * 60_000).toISOString().slice(11, 16));
      fc.assert(
        fc.property(time, time, fc.integer({ min: 0, max: 525_600 }), (start, end, minute) => {
          fc.pre(start !== end);
          const zones: Zones = russian;
          const at = new Date(Date.UTC(2026, 0, 1) + minute * 60_000);
          const allowed = allowedFrom({ start, end }, zones, at);
          expect(allowedFrom({ start, end }, [zones[0]], allowed)).toEqual(allowed);
          expect(allowed.getTime() - at.getTime()).toBeLessThanOrEqual(2 * 86_400_000);
        }),
        { numRuns: runs(60, 1_000) },
      );
    },
  );
});
