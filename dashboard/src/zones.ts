/** Local times of time zones, for schedules. */

export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function listZones(): readonly string[] {
  return Intl.supportedValuesOf('timeZone');
}

/** The zone's offset from UTC at an instant, in minutes. */
function offsetAt(instant: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return Math.round((wall - Math.floor(instant / 1_000) * 1_000) / 60_000);
}

/** A local time (`2026-05-01T09:00`) in a zone, as RFC 3339. */
export function toInstantText(wall: string, zone: string): string {
  const asUtc = Date.parse(`${wall}:00Z`);
  // The second offset is taken at the instant that the first one gives. It is wrong only in the hour of a clock change.
  const first = offsetAt(asUtc, zone);
  const offset = offsetAt(asUtc - first * 60_000, zone);
  const sign = offset < 0 ? '-' : '+';
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const ahead = Math.abs(offset);
  return `${wall}:00${sign}${two(ahead / 60)}:${two(ahead % 60)}`;
}
