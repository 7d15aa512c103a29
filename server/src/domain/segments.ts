/**
 * Segments: the size of a text as SMS. The encoding is GSM 03.38 (3GPP TS 23.038, 6.2.1) if it has every
 * character, otherwise UCS-2. A long text is sent in several parts. Pure; counts, never rewrites.
 *
 * A part is never cut inside a character: the two septets of an extension character and the two halves of
 * a surrogate pair stay together, so a part may end one unit short, which is counted exactly.
 */

/**
 * The 7-bit default alphabet (3GPP TS 23.038, 6.2.1) without ESC: one septet each. In the order of their codes: those
 * from Æ on stand one higher than here, as ESC is 0x1b.
 */
export const GSM_ALPHABET =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** The extension table (6.2.1.1): ESC and a character, two septets each. In the order of their codes. */
export const GSM_EXTENSION = '\f^{}\\[~]|€';

/** Septets of each UTF-16 unit up to €, the highest one; 0 when it is in neither table. */
const SEPTETS = new Uint8Array('€'.charCodeAt(0) + 1);
for (const char of GSM_ALPHABET) SEPTETS[char.charCodeAt(0)] = 1;
for (const char of GSM_EXTENSION) SEPTETS[char.charCodeAt(0)] = 2;

/** Units of a text in a single part, and of each part of a longer text (6 octets are then a header). */
const GSM = { single: 160, part: 153 } as const;
const UCS = { single: 70, part: 67 } as const;

/** The size of a text as SMS. */
export interface SmsMeasure {
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** Septets (GSM-7) or UTF-16 units (UCS-2) of the text itself, without headers. */
  readonly units: number;
  /** Parts sent and billed. Never 0: an empty text is still one message. */
  readonly segments: number;
  /** Units that one part holds: 160 or 153 septets, 70 or 67 UTF-16 units. */
  readonly unitsPerSegment: number;
}

/** Measures a text. One pass; half of a surrogate pair counts as one unit. */
export function measureSms(text: string): SmsMeasure {
  let units = 0;
  let segments = 1;
  let used = 0;
  for (let i = 0; i < text.length; i += 1) {
    const septets = SEPTETS[text.charCodeAt(i)] ?? 0;
    if (septets === 0) return measureUcs(text);
    units += septets;
    used += septets;
    if (used > GSM.part) {
      segments += 1;
      used = septets;
    }
  }
  return units <= GSM.single
    ? { encoding: 'GSM-7', units, segments: 1, unitsPerSegment: GSM.single }
    : { encoding: 'GSM-7', units, segments, unitsPerSegment: GSM.part };
}

function measureUcs(text: string): SmsMeasure {
  const units = text.length;
  if (units <= UCS.single)
    return { encoding: 'UCS-2', units, segments: 1, unitsPerSegment: UCS.single };
  let segments = 0;
  for (let start = 0; start < units; segments += 1) {
    const end = start + UCS.part;
    start = end < units && splitsPair(text, end) ? end - 1 : end;
  }
  return { encoding: 'UCS-2', units, segments, unitsPerSegment: UCS.part };
}

/** Whether a cut before unit `at` would split a surrogate pair. */
function splitsPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
}
