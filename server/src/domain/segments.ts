/**
 * SMS segments (3GPP TS 23.038 and 23.040): a text in the GSM 7-bit alphabet takes 160 septets, or 153 in each of
 * several parts; any other text takes 70 UTF-16 units, or 67 in each part.
 */

export interface SmsMeasure {
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** Septets of GSM-7 (extension characters count two), UTF-16 units of UCS-2. */
  readonly units: number;
  /** Messages the carrier bills; 1 for an empty text. */
  readonly segments: number;
}

const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENSION = '\f^{}\\[~]|€';

const SEPTETS = new Map<string, number>([
  ...[...BASIC].map((character): [string, number] => [character, 1]),
  ...[...EXTENSION].map((character): [string, number] => [character, 2]),
]);

const LIMITS = {
  'GSM-7': { single: 160, part: 153 },
  'UCS-2': { single: 70, part: 67 },
} as const;

/** Measures a text. An extension pair or a surrogate pair is never split between two parts. */
export function measureSms(text: string): SmsMeasure {
  const gsm = widthsOf(text, (character) => SEPTETS.get(character));
  const encoding = gsm === null ? 'UCS-2' : 'GSM-7';
  const widths = gsm ?? widthsOf(text, (character) => character.length) ?? [];
  const units = widths.reduce((sum, width) => sum + width, 0);
  const { single, part } = LIMITS[encoding];
  return { encoding, units, segments: units <= single ? 1 : countParts(widths, part) };
}

function widthsOf(
  text: string,
  widthOf: (character: string) => number | undefined,
): number[] | null {
  const widths: number[] = [];
  for (const character of text) {
    const width = widthOf(character);
    if (width === undefined) return null;
    widths.push(width);
  }
  return widths;
}

function countParts(widths: readonly number[], part: number): number {
  let parts = 1;
  let used = 0;
  for (const width of widths) {
    if (used + width > part) {
      parts += 1;
      used = 0;
    }
    used += width;
  }
  return parts;
}
