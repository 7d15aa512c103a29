/**
 * Countries with their calling codes (ITU-T E.164, annex D), trunk prefixes, and numbers of digits after the code. The
 * lengths follow the national plans. They find typing errors; they do not show whether a number is in use. Pure.
 */

export interface Country {
  /** ISO 3166-1, two letters; empty for networks of no country. */
  readonly iso: string;
  /** Calling code without +. */
  readonly code: string;
  /** Prefixes dialled before a national number and left out behind the code. */
  readonly trunks: readonly string[];
  /** Digits of the national number: the fewest, the most that people usually have, and the most there are. */
  readonly min: number;
  readonly usual: number;
  readonly max: number;
}

/** Country, code, trunk prefixes (- for none), digits. The first country of a shared code stands for all. */
const TABLE = `
US 1 1 10-10;CA 1 1 10-10;DO 1 1 10-10;JM 1 1 10-10;PR 1 1 10-10;TT 1 1 10-10
RU 7 8 10-10;KZ 7 8 10-10
EG 20 0 8-10;SS 211 0 9-9;MA 212 0 9-9;DZ 213 0 8-9;TN 216 - 8-8;LY 218 0 8-9;GM 220 - 7-7;SN 221 - 9-9;MR 222 - 8-8
ML 223 - 8-8;GN 224 - 8-9;CI 225 - 8-10;BF 226 - 8-8;NE 227 - 8-8;TG 228 - 8-8;BJ 229 - 8-10;MU 230 - 7-8;LR 231 0 7-9
SL 232 0 8-8;GH 233 0 9-9;NG 234 0 7-10;TD 235 - 8-8;CF 236 - 8-8;CM 237 - 8-9;CV 238 - 7-7;ST 239 - 7-7;GQ 240 - 9-9
GA 241 - 7-8;CG 242 - 9-9;CD 243 0 7-9;AO 244 - 9-9;GW 245 - 7-9;IO 246 - 7-7;AC 247 - 4-6;SC 248 - 7-7;SD 249 0 9-9
RW 250 0 8-9;ET 251 0 9-9;SO 252 0 6-9;DJ 253 - 8-8;KE 254 0 7-10;TZ 255 0 9-9;UG 256 0 9-9;BI 257 - 8-8;MZ 258 - 8-9
ZM 260 0 9-9;MG 261 0 7-10;RE 262 0 9-9;ZW 263 0 5-10;NA 264 0 6-10;MW 265 0 7-9;LS 266 - 8-8;BW 267 - 7-8;SZ 268 - 8-8
KM 269 - 7-7;ZA 27 0 9-9;SH 290 - 4-5;ER 291 0 7-7;AW 297 - 7-7;FO 298 - 6-6;GL 299 - 6-6
GR 30 - 10-10-12;NL 31 0 9-9-11;BE 32 0 8-9;FR 33 0 9-9;ES 34 - 9-9;GI 350 - 8-8;PT 351 - 9-9;LU 352 - 4-9-11;IE 353 0 7-10
IS 354 - 7-9;AL 355 0 6-9;MT 356 - 8-8;CY 357 - 8-8;FI 358 0 5-10-12;BG 359 0 6-9;HU 36 06 8-9;LT 370 0,8 8-8;LV 371 - 8-8
EE 372 - 7-8-10;MD 373 0 8-8;AM 374 0 8-8;BY 375 80,8 9-10;AD 376 - 6-9;MC 377 0 8-9;SM 378 - 6-10;UA 380 0 9-9
RS 381 0 6-9-12;ME 382 0 6-9;XK 383 0 8-9;HR 385 0 7-9;SI 386 0 8-8;BA 387 0 8-9;MK 389 0 8-8;IT 39 - 6-10-12
RO 40 0 9-9;CH 41 0 9-9-12;CZ 420 - 9-9-12;SK 421 0 9-9;LI 423 - 7-9;AT 43 0 4-11-13;GB 44 0 7-10;DK 45 - 8-8;SE 46 0 7-9-13
NO 47 - 8-8-12;PL 48 - 9-9;DE 49 0 6-11-13
FK 500 - 5-5;BZ 501 - 7-7;GT 502 - 8-8;SV 503 - 8-8;HN 504 - 8-8;NI 505 - 8-8;CR 506 - 8-8-10;PA 507 - 7-8;PM 508 0 6-9
HT 509 - 8-8;PE 51 0 8-9;MX 52 - 10-10-11;CU 53 0 6-8;AR 54 0 10-11;BR 55 0 10-11;CL 56 - 8-9;CO 57 - 8-10;VE 58 0 10-10
GP 590 0 9-9;BO 591 0 8-8;GY 592 - 7-7;EC 593 0 8-9;GF 594 0 9-9;PY 595 0 7-9;MQ 596 0 9-9;SR 597 - 6-7;UY 598 0 7-8
CW 599 - 7-8;MY 60 0 7-10;AU 61 0 9-9-10;ID 62 0 7-12-13;PH 63 0 8-10;NZ 64 0 8-10;SG 65 - 8-8;TH 66 0 8-9;TL 670 - 7-8
NF 672 - 5-6;BN 673 - 7-7;NR 674 - 7-7;PG 675 - 7-8;TO 676 - 5-7;SB 677 - 5-7;VU 678 - 5-7;FJ 679 - 7-7;PW 680 - 7-7
WF 681 - 6-6;CK 682 - 5-5;NU 683 - 4-7;WS 685 - 5-10;KI 686 - 5-8;NC 687 - 6-6;TV 688 - 5-7;PF 689 - 6-9;TK 690 - 4-7
FM 691 - 7-7;MH 692 1 7-7
JP 81 0 9-10;KR 82 0 7-11;VN 84 0 8-10;KP 850 0 6-10-12;HK 852 - 8-8-9;MO 853 - 8-8;KH 855 0 8-9;LA 856 0 8-10;CN 86 0 7-11-12
BD 880 0 6-10;TW 886 0 7-10
TR 90 0 10-10;IN 91 0 10-10;PK 92 0 8-10;AF 93 0 9-9;LK 94 0 9-9;MM 95 0 6-10;MV 960 - 7-7;LB 961 0 7-8;JO 962 0 8-9
SY 963 0 8-9;IQ 964 0 8-10;KW 965 - 7-8;SA 966 0 8-9;YE 967 0 7-9;OM 968 - 7-8;PS 970 0 8-9;AE 971 0 8-9;IL 972 0 8-10
BH 973 - 8-8;QA 974 - 7-8;BT 975 - 7-8;MN 976 0 7-10;NP 977 0 8-10;IR 98 0 10-10;TJ 992 - 9-9;TM 993 8 8-8;AZ 994 0 9-9
GE 995 0 9-9;KG 996 0 9-9;UZ 998 - 9-9`;

/**
 * International prefixes other than 00 (ITU-T E.164, 2011 list of dialling procedures). Some countries have one for each
 * network.
 */
const ABROAD = `
1 011;61 0011;852 001;853 01,00;81 010;7 810;375 810;992 810;993 810;53 119;234 009;976 001,002;592 001;855 001,007,008;65 001,002,008,018,019
66 001,004,005,006,007,008,009;82 001,002,005,006,008,00300,00321,00700,00727,00755,00770;886 002,005,006,007,009,015,016,019
62 001,007,008,009,01016,01017;55 0012,0014,0015,0021,0023,0024,0025,0031,0036,0041,0043
57 005,007,009,00414,00444,00456,00468;254 000;255 000;256 000;358 990,994,999;972 012,013,014,018;680 011;691 011;692 011`;

const PREFIXES_ABROAD = new Map(
  ABROAD.trim()
    .split(/[;\n]/)
    .map((entry) => {
      const [code = '', prefixes = ''] = entry.split(' ');
      return [code, prefixes.split(',')] as const;
    }),
);

/** Prefixes that replace the + of a number in a country; 00 in all countries. */
export const prefixesAbroad = (country: Country | null): readonly string[] => [
  ...(PREFIXES_ABROAD.get(country?.code ?? '') ?? []),
  '00',
];

/** Networks of no country: freephone, satellites, machines (E.164, annex D, note). */
const NETWORKS = ['800', '870', '878', '881', '882', '883', '888', '979'];

export const COUNTRIES: readonly Country[] = TABLE.trim()
  .split(/[;\n]/)
  .map((entry) => {
    const [iso = '', code = '', trunks = '', digits = ''] = entry.split(' ');
    const [min = 0, usual = 0, max = usual] = digits.split('-').map(Number);
    return { iso, code, trunks: trunks === '-' ? [] : trunks.split(','), min, usual, max };
  });

const BY_CODE = new Map<string, Country>();
for (const code of NETWORKS)
  BY_CODE.set(code, { iso: '', code, trunks: [], min: 5, usual: 12, max: 12 });
// The first of a code stands for it.
for (const each of COUNTRIES.toReversed()) BY_CODE.set(each.code, each);

/** The country of a number in digits without +; null if no code matches. Codes are prefix-free, so at most one matches. */
export function countryOf(digits: string): Country | null {
  for (let length = 1; length <= 3; length += 1) {
    const found = BY_CODE.get(digits.slice(0, length));
    if (found !== undefined) return found;
  }
  return null;
}

/** The country of `+49`, `49`, `0049` or `DE`; null if unknown. */
export function parseCountry(text: string): Country | null {
  const plain = text.trim().toUpperCase();
  const code = /^(?:\+|00)?([1-9]\d{0,2})$/.exec(plain)?.[1];
  if (code !== undefined) return BY_CODE.get(code) ?? null;
  return COUNTRIES.find(({ iso }) => iso === plain) ?? null;
}
