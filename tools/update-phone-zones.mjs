/**
 * Writes `server/src/domain/phone-zones.ts` from libphonenumber's table of prefixes and time zones:
 *
 *   node tools/update-phone-zones.mjs map_data.txt > server/src/domain/phone-zones.ts
 *
 * The table is `resources/timezones/map_data.txt` of github.com/google/libphonenumber. A prefix of several zones gets all of
 * them, first the one where most of its people live, as far as it is known below, else the one in the middle. Where the table
 * itself goes wrong, because it knows some exchanges of an area code only, names a zone with another clock, or places mobile
 * numbers of a whole country in its capital, the tables below count.
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
const RUSSIA =
  'Europe/Moscow Europe/Kaliningrad Europe/Samara Asia/Yekaterinburg Asia/Omsk Asia/Novosibirsk Asia/Irkutsk Asia/Yakutsk Asia/Vladivostok Asia/Magadan Asia/Kamchatka';
const MEXICO =
  'America/Mexico_City America/Tijuana America/Ciudad_Juarez America/Matamoros America/Mazatlan America/Cancun';
const BRAZIL = 'America/Sao_Paulo America/Manaus America/Rio_Branco America/Noronha';
const AUSTRALIA =
  'Australia/Sydney Australia/Brisbane Australia/Adelaide Australia/Darwin Australia/Perth Australia/Eucla Australia/Lord_Howe Indian/Christmas Indian/Cocos';
/**
 * Possible zones of prefixes, the zone of most people first; longer prefixes of the table stay unchanged. Mobile
 * numbers, and toll-free numbers, belong to the whole country.
 */
const ZONES = {
  // Florida's panhandle, the north-west of Indiana, western Kentucky, the Dakotas.
  // Florida's panhandle, the north-west of Indiana, western Kentucky, the Dakotas.
  'America/Chicago America/New_York': '1850 1448 1270 1364',
  'America/Chicago America/Denver': '1605 1701',
  'America/Chicago': '1219',
  'America/New_York America/Chicago': '1423 1930',
  'America/New_York': '1436 1465 1624 1679 1689',
  // Boise and its valley are most of Idaho.
  'America/Boise America/Los_Angeles': '1208 1986',
  'America/Los_Angeles America/Boise': '1458',
  'America/Los_Angeles America/Denver': '1775',
  'America/Los_Angeles': '1310 1357 1837',
  'America/St_Johns America/Halifax': '1709 1879',
  'America/Toronto America/Halifax': '1367 1418 1581',
  'America/Regina America/Edmonton': '1306 1474 1639',
  'America/Vancouver America/Edmonton America/Fort_Nelson': '1236 1250 1257 1672 1778',
  'America/Whitehorse America/Edmonton America/Winnipeg America/Toronto': '1867',
  'Australia/Brisbane': '617',
  'America/Santiago': '5632',
  'America/Manaus America/Rio_Branco': '5592 5597',
  'America/Santiago America/Punta_Arenas Pacific/Easter': '56 569',
  'America/Punta_Arenas': '5661 5667',
  'Europe/Madrid Atlantic/Canary': '346 347',
  'Europe/Lisbon Atlantic/Azores': '3519',
  'Europe/Oslo': '47',
  [MEXICO]: '52 52800 52900',
  [BRAZIL]: '55 5530 5540 5550 5580 5590',
  [RUSSIA]: '7 79',
  'Asia/Yakutsk Asia/Vladivostok Asia/Srednekolymsk': '7411',
  [AUSTRALIA]: '61 6113 6118 614',
  'Pacific/Auckland Pacific/Chatham': '642',
  'America/Guayaquil Pacific/Galapagos': '5939',
  'Pacific/Tarawa Pacific/Kanton Pacific/Kiritimati': '6867',
  'Pacific/Tahiti Pacific/Marquesas Pacific/Gambier': '68987 68989',
  'Pacific/Port_Moresby Pacific/Bougainville': '675',
  'Asia/Ulaanbaatar Asia/Hovd': '976 9766 9768 9769',
  'America/Nuuk America/Danmarkshavn America/Scoresbysund America/Thule': '299 2992 2994 2995',
  // Palestinian mobile numbers under Israel's code, and those of northern Cyprus.
  'Asia/Hebron Asia/Jerusalem': '97256 97259',
  'Europe/Istanbul Asia/Famagusta': '905338 905428 905488',
  'Asia/Famagusta': '90392',
};
/** Zones of whole prefixes, whatever the table has for longer ones. */
const WHOLE = {
  [RUSSIA]: '780 7810',
  'Asia/Jakarta Asia/Makassar Asia/Jayapura': '628',
  [MEXICO]: '52200 52201',
  'America/Anchorage': '1907',
  'America/Adak': '1907592 1907839',
  'America/Recife America/Noronha': '5581',
  'America/Recife': '5587',
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

const WINTER = Date.UTC(2026, 0, 15);
/** Days of three years, for comparing clocks. */
const DAYS = Array.from({ length: 3 * 365 }, (_, i) => WINTER + i * 86_400_000);
const clocks = new Map();
const formats = new Map();

/** Minutes that a zone is ahead of UTC. */
function offsetOf(zone, at) {
  if (!formats.has(zone))
    formats.set(
      zone,
      new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }),
    );
  const name = formats
    .get(zone)
    .formatToParts(at)
    .find((part) => part.type === 'timeZoneName').value;
  const [, sign, hours, minutes = '0'] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name);
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes));
}

/** Zones of a prefix, the one of most people first. */
function sortZones(prefix, zones) {
  if (zones.length === 1) return zones;
  const principal = choosePrincipal(prefix, zones);
  return withoutTwins([principal, ...zones.filter((zone) => zone !== principal)]);
}

function choosePrincipal(prefix, zones) {
  for (let length = prefix.length; length > 0; length -= 1) {
    const principal = PRINCIPAL[prefix.slice(0, length)];
    if (principal !== undefined && zones.includes(principal)) return principal;
  }
  const byOffset = zones.toSorted((a, b) => offsetOf(a, WINTER) - offsetOf(b, WINTER));
  return byOffset[Math.floor((byOffset.length - 1) / 2)];
}

/** Without zones that have the clock of an earlier one, now and for some years. */
function withoutTwins(zones) {
  const own = zones.map(clockOf);
  return zones.filter((_, i) => own.indexOf(own[i]) === i);
}

function clockOf(zone) {
  if (!clocks.has(zone)) clocks.set(zone, DAYS.map((day) => offsetOf(zone, day)).join());
  return clocks.get(zone);
}

const zonesOf = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  const match = /^(\d+)\|(\S+)$/.exec(line.trim());
  if (match === null) continue;
  const zones = match[2].split('&').map((zone) => RENAMED[zone] ?? zone);
  zonesOf.set(match[1], sortZones(match[1], zones));
}
for (const [zones, prefixes] of Object.entries(ZONES))
  for (const prefix of prefixes.split(' ')) zonesOf.set(prefix, withoutTwins(zones.split(' ')));
// An exchange of North America that the table does not know may be anywhere in its area code.
for (const [prefix, zones] of zonesOf) {
  if (!/^1\d{3}$/.test(prefix)) continue;
  const longer = [...zonesOf].filter(([other]) => other.startsWith(prefix));
  zonesOf.set(prefix, withoutTwins([...zones, ...longer.flatMap(([, more]) => more)]));
}
for (const [zones, prefixes] of Object.entries(WHOLE))
  for (const prefix of prefixes.split(' ')) {
    for (const longer of zonesOf.keys())
      if (longer.startsWith(prefix) && !isWhole(longer)) zonesOf.delete(longer);
    zonesOf.set(prefix, zones.split(' '));
  }
function isWhole(prefix) {
  return Object.values(WHOLE).some((prefixes) => prefixes.split(' ').includes(prefix));
}
function inherited(prefix) {
  for (let length = prefix.length - 1; length > 0; length -= 1)
    if (zonesOf.has(prefix.slice(0, length))) return zonesOf.get(prefix.slice(0, length)).join(' ');
  return null;
}
const byZones = new Map();
for (const [prefix, list] of [...zonesOf].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  const zones = list.join(' ');
  if (inherited(prefix) !== zones) byZones.set(zones, [...(byZones.get(zones) ?? []), prefix]);
}
console.log(`/**
 * The time zones that a number may belong to, by its prefix: the longest that matches counts. The zone of most people stands
 * first, and zones with one clock are named once. Written by \`tools/update-phone-zones.mjs\` from the table of libphonenumber
 * (Apache License 2.0, github.com/google/libphonenumber, resources/timezones/map_data.txt); do not edit.
 */
export const PHONE_ZONES: Readonly<Record<string, string>> = {`);
for (const [zones, prefixes] of [...byZones].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`  '${zones}': '${prefixes.join(' ')}',`);
console.log('};');
