/**
 * Writes `server/src/domain/phone-zones.ts` from libphonenumber's table of prefixes and time zones:
 *
 *   node tools/update-phone-zones.mjs map_data.txt > server/src/domain/phone-zones.ts
 *
 * The table is `resources/timezones/map_data.txt` of github.com/google/libphonenumber. A prefix of several zones gets
 * one: the one where most of its people live where that is known below, else the one in the middle.
 */
import { readFileSync } from 'node:fs';

/** Where most people of a country with several zones live, by prefix. */
const PRINCIPAL = {
  1: 'America/Chicago',
  7: 'Europe/Moscow',
  34: 'Europe/Madrid',
  52: 'America/Mexico_City',
  55: 'America/Sao_Paulo',
  56: 'America/Santiago',
  61: 'Australia/Sydney',
  62: 'Asia/Jakarta',
  64: 'Pacific/Auckland',
  243: 'Africa/Kinshasa',
  262: 'Indian/Reunion',
  299: 'America/Nuuk',
  351: 'Europe/Lisbon',
  44: 'Europe/London',
  353: 'Europe/Dublin',
  593: 'America/Guayaquil',
  599: 'America/Curacao',
  686: 'Pacific/Tarawa',
  689: 'Pacific/Tahiti',
  691: 'Pacific/Pohnpei',
  77: 'Asia/Almaty',
  976: 'Asia/Ulaanbaatar',
};
/** Names that the IANA database has given up, and their present ones. */
const RENAMED = {
  'America/Godthab': 'America/Nuuk',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Europe/Kiev': 'Europe/Kyiv',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
};

/** Minutes that a zone is ahead of UTC in the middle of January 2026. */
function offsetOf(zone) {
  const name = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    .formatToParts(Date.UTC(2026, 0, 15))
    .find((part) => part.type === 'timeZoneName').value;
  const [, sign, hours, minutes = '0'] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name);
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes));
}

function chooseZone(prefix, zones) {
  if (zones.length === 1) return zones[0];
  for (let length = prefix.length; length > 0; length -= 1) {
    const principal = PRINCIPAL[prefix.slice(0, length)];
    if (principal !== undefined && zones.includes(principal)) return principal;
  }
  const byOffset = zones.toSorted((a, b) => offsetOf(a) - offsetOf(b));
  return byOffset[Math.floor((byOffset.length - 1) / 2)];
}

const zoneOf = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  const match = /^(\d+)\|(\S+)$/.exec(line.trim());
  if (match === null) continue;
  const zones = match[2].split('&').map((zone) => RENAMED[zone] ?? zone);
  zoneOf.set(match[1], chooseZone(match[1], zones));
}
function inherited(prefix) {
  for (let length = prefix.length - 1; length > 0; length -= 1)
    if (zoneOf.has(prefix.slice(0, length))) return zoneOf.get(prefix.slice(0, length));
  return null;
}
const byZone = new Map();
for (const [prefix, zone] of [...zoneOf].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  if (inherited(prefix) !== zone) byZone.set(zone, [...(byZone.get(zone) ?? []), prefix]);
console.log(`/**
 * The time zone that a number most likely belongs to, by its prefix: the longest that matches counts. Written by
 * \`tools/update-phone-zones.mjs\` from the table of libphonenumber (Apache License 2.0, github.com/google/libphonenumber,
 * resources/timezones/map_data.txt); do not edit.
 */
export const PHONE_ZONES: Readonly<Record<string, string>> = {`);
for (const [zone, prefixes] of [...byZone].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`  '${zone}':${prefixes.length < 12 ? '' : '\n   '} '${prefixes.join(' ')}',`);
console.log('};');
