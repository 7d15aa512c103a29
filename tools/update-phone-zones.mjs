/**
 * Writes `server/src/domain/phone-zones.ts` from libphonenumber's table of prefixes and time zones:
 *
 *   node tools/update-phone-zones.mjs map_data.txt > server/src/domain/phone-zones.ts
 *
 * The table is `resources/timezones/map_data.txt` of github.com/google/libphonenumber. A prefix of several zones gets the
 * one where most of its people live, as far as it is known below, else the one in the middle. Where the table itself goes
 * wrong, because it knows some exchanges of an area code only or names a zone with another clock, the tables below count.
 *
 * Sources: the area codes by state and province of the numbering plans (NANPA, Anatel, IFT, ACMA, Rossvyaz, ITU-T E.129), the
 * zones of their places in IANA's `zone1970.tab`, and of an area code in two zones the last census of its counties.
 */
import { readFileSync } from 'node:fs';

/** Where most people of a country with several zones live, by prefix. */
const PRINCIPAL = {
  1: 'America/Chicago',
  7: 'Europe/Moscow',
  1208: 'America/Boise',
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
/** Where most people of an area code live; longer prefixes of the table stay as they are. */
const MOST_PEOPLE = {
  // Florida's panhandle, the north-west of Indiana, western Kentucky, the Dakotas.
  'America/Chicago': '1850 1448 1219 1270 1364 1605 1701',
  'America/New_York': '1423 1436 1465 1624 1679 1689',
  // Boise and its valley are most of Idaho.
  'America/Boise': '1208 1986',
  'America/Los_Angeles': '1310 1357 1775 1837',
  'America/St_Johns': '1709 1879',
  'America/Regina': '1474',
  'Australia/Brisbane': '617',
  'America/Santiago': '5632',
  'Europe/Oslo': '47',
};
/** Zones of whole prefixes, whatever the table has for longer ones. */
const WHOLE = {
  'America/Anchorage': '1907',
  'America/Adak': '1907592 1907839',
  'America/Recife': '5581 5587',
  'America/Belem': '5591 5594 5596',
  'America/Santarem': '5593',
  'America/Fortaleza': '5598 5599',
  'America/Chihuahua':
    '52614 52621 52625 52627 52628 52629 52635 52636 52639 52648 52649 52652 52659',
  'America/Bahia_Banderas': '52322 52329',
  'America/Tijuana': '52663',
  'America/Matamoros': '52868 52897',
  'Europe/Kaliningrad': '7401',
  'Europe/Saratov': '7845',
  'Australia/Adelaide': '6187 6188',
  'Australia/Darwin': '61879 61889',
  'Pacific/Easter': '56322100 56322551',
  'Pacific/Chuuk': '69135 69193 69195',
  'Pacific/Kosrae': '69197',
  // Countries for which the table names another country's zone.
  'Africa/Juba': '211',
  'Africa/Casablanca': '212',
  'Africa/Algiers': '213',
  'Africa/Tripoli': '218',
  'Africa/Monrovia': '231',
  'Africa/Bissau': '245',
  'Asia/Kuala_Lumpur': '60',
  'Asia/Pyongyang': '850',
  'Asia/Macau': '853',
  'Asia/Hebron': '970',
  'Europe/Dublin': '353',
  'Europe/Minsk': '375',
  'Europe/Riga': '371',
  'Europe/Tallinn': '372',
  'Europe/Vilnius': '370',
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
for (const [zone, prefixes] of Object.entries(MOST_PEOPLE))
  for (const prefix of prefixes.split(' ')) zoneOf.set(prefix, zone);
for (const [zone, prefixes] of Object.entries(WHOLE))
  for (const prefix of prefixes.split(' ')) {
    for (const longer of zoneOf.keys())
      if (longer.startsWith(prefix) && !isWhole(longer)) zoneOf.delete(longer);
    zoneOf.set(prefix, zone);
  }
function isWhole(prefix) {
  return Object.values(WHOLE).some((prefixes) => prefixes.split(' ').includes(prefix));
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
