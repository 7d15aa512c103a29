/**
 * Alphabets: texts to octets and back, by `data_coding` (SMPP 3.4, 5.2.19). GSM 03.38 goes unpacked, one septet to an
 * octet, as SMPP has it; the SMSC packs.
 */
import { GSM_ALPHABET, GSM_EXTENSION } from '../../domain/segments.ts';
import { tryDecode } from '../../lib/decode-text.ts';

/** The meaning of `data_coding` 0 at an SMSC, and the encoding of texts that fit it. */
export type DefaultAlphabet = 'gsm-7' | 'latin-1';

/** Values of `data_coding` that are sent. */
export const DATA_CODING = { default: 0x00, latin1: 0x03, ucs2: 0x08 } as const;

/** A text as octets, with the rule for splitting them. */
export interface EncodedText {
  readonly dataCoding: number;
  readonly octets: Buffer;
  /** Most octets of a text that goes in one part, and of each part of one that does not. */
  readonly single: number;
  readonly part: number;
}

const ESCAPE = 0x1b;
/** Codes of the extension table in the order of its characters (3GPP TS 23.038, 6.2.1.1). */
const EXTENSION_CODES = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];
const IN_EXTENSION = 0x100;
const UNKNOWN = 0x200;

/** The code of each UTF-16 unit up to €, the highest one. */
const CODES = new Uint16Array('€'.charCodeAt(0) + 1).fill(UNKNOWN);
/** The character of each code. Codes without a character are read as a space, as the standard requires. */
const CHARACTERS: string[] = Array.from({ length: 128 }, () => ' ');
const EXTENSION_CHARACTERS = new Map<number, string>();
for (const [i, char] of [...GSM_ALPHABET].entries()) {
  const code = i < ESCAPE ? i : i + 1;
  CODES[char.charCodeAt(0)] = code;
  CHARACTERS[code] = char;
}
for (const [i, char] of [...GSM_EXTENSION].entries()) {
  const code = EXTENSION_CODES[i] ?? 0;
  CODES[char.charCodeAt(0)] = code | IN_EXTENSION;
  EXTENSION_CHARACTERS.set(code, char);
}

/** A text in the SMSC's default alphabet if it has all characters, otherwise in UCS-2. */
export function encodeText(text: string, alphabet: DefaultAlphabet): EncodedText {
  if (alphabet === 'latin-1') {
    // eslint-disable-next-line no-control-regex
    if (/^[\x00-\xff]*$/.test(text))
      return {
        dataCoding: DATA_CODING.latin1,
        octets: Buffer.from(text, 'latin1'),
        single: 140,
        part: 134,
      };
  } else {
    const octets = encodeGsm(text);
    if (octets !== null) return { dataCoding: DATA_CODING.default, octets, single: 160, part: 153 };
  }
  return { dataCoding: DATA_CODING.ucs2, octets: encodeUcs2(text), single: 140, part: 134 };
}

/** Unpacked septets, or null when a character is in neither table. Counted first: a buffer and a view of it cost more. */
function encodeGsm(text: string): Buffer | null {
  let length = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const code = CODES[text.charCodeAt(i)] ?? UNKNOWN;
    if (code >= UNKNOWN) return null;
    if (code >= IN_EXTENSION) length += 1;
  }
  const octets = Buffer.allocUnsafe(length);
  let at = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = CODES[text.charCodeAt(i)] ?? 0;
    if (code >= IN_EXTENSION) {
      octets[at] = ESCAPE;
      at += 1;
    }
    octets[at] = code;
    at += 1;
  }
  return octets;
}

/** UTF-16, big-endian: handsets read UCS-2 as this. */
function encodeUcs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/**
 * Splits octets into parts. ESC and its character, and the halves of a surrogate pair, stay together. The result matches
 * `measureSms`, except in Latin-1.
 */
export function splitText({ dataCoding, octets, single, part }: EncodedText): Buffer[] {
  if (octets.length <= single) return [octets];
  const parts: Buffer[] = [];
  for (let start = 0; start < octets.length;) {
    let end = Math.min(start + part, octets.length);
    if (end < octets.length) {
      if (dataCoding === DATA_CODING.ucs2 && splitsPair(octets, end)) end -= 2;
      else if (dataCoding === DATA_CODING.default && octets[end - 1] === ESCAPE) end -= 1;
    }
    parts.push(octets.subarray(start, end));
    start = end;
  }
  return parts;
}

function splitsPair(octets: Buffer, at: number): boolean {
  return ((octets[at] ?? 0) & 0xfc) === 0xdc && ((octets[at - 2] ?? 0) & 0xfc) === 0xd8;
}

/** The encoding of a `data_coding`: one of ours, an encoding of the platform, or unknown (binary). */
type Coding = 'default' | 'latin1' | 'ucs2' | 'binary' | Encoding;
/** Names of the Encoding Standard, which Node.js has. */
type Encoding = 'iso-8859-5' | 'iso-8859-8' | 'shift_jis' | 'iso-2022-jp' | 'euc-jp' | 'euc-kr';

/**
 * Values of `data_coding` below 0x10 (5.2.19). For JIS the standard names no encoding: it is Shift JIS, or ISO 2022 if
 * it has those escapes. Absent values are reserved.
 */
const CODINGS: Readonly<Record<number, Coding>> = {
  0x00: 'default',
  0x01: 'latin1',
  0x02: 'binary',
  0x03: 'latin1',
  0x04: 'binary',
  0x05: 'shift_jis',
  0x06: 'iso-8859-5',
  0x07: 'iso-8859-8',
  0x08: 'ucs2',
  0x09: 'shift_jis',
  0x0a: 'iso-2022-jp',
  0x0d: 'euc-jp',
  0x0e: 'euc-kr',
};

/**
 * The text of octets, or null if nothing can be read from them. Many SMSCs write a wrong `data_coding`, or "binary" for
 * text. Octets that do not fit their declared encoding are read as ASCII, and then as UTF-8.
 */
export function decodeText(
  octets: Buffer,
  dataCoding: number,
  alphabet: DefaultAlphabet,
): string | null {
  const coding = codingOf(dataCoding);
  switch (coding) {
    case 'default':
      return alphabet === 'latin-1' ? decodeLatin1(octets) : decodeDefault(octets);
    case 'latin1':
      return decodeLatin1(octets);
    case 'ucs2':
      // Whole units are read as declared: "STOP" in ASCII would be two valid Chinese characters.
      return (octets.length % 2 === 0 ? null : decodePlain(octets)) ?? decodeUcs2(octets);
    case 'binary':
      return decodePlain(octets);
    case 'shift_jis':
      return (
        tryDecode(octets, octets.includes(ESCAPE) ? 'iso-2022-jp' : 'shift_jis') ??
        decodePlain(octets)
      );
    default:
      return tryDecode(octets, coding) ?? decodePlain(octets);
  }
}

/**
 * Values from 0x10 on are defined by 3GPP TS 23.038, chapter 4 (5.2.19, notes): general coding and messages marked for
 * deletion (bits 3 and 2; bit 5 is compression), message waiting, and class.
 */
function codingOf(dataCoding: number): Coding {
  if (dataCoding < 0x10) return CODINGS[dataCoding] ?? 'binary';
  if (dataCoding >= 0xf0) return (dataCoding & 0x04) === 0 ? 'default' : 'binary';
  if (dataCoding >= 0xe0) return 'ucs2';
  if (dataCoding >= 0xc0) return 'default';
  if (dataCoding >= 0x80 || (dataCoding & 0x20) !== 0) return 'binary';
  const alphabet = dataCoding & 0x0c;
  return alphabet === 0x00 ? 'default' : alphabet === 0x08 ? 'ucs2' : 'binary';
}

/** Text in ASCII or UTF-8; null if it contains characters that no text has. */
function decodePlain(octets: Buffer): string | null {
  if (octets.length === 0) return null;
  const text = tryDecode(octets, 'utf-8');
  // oxlint-disable-next-line no-control-regex
  return text === null || /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text)
    ? null
    : text;
}

const hasHighOctet = (octets: Buffer) => octets.some((each) => each > 0x7f);

/** UTF-8 where it is that: words in Latin-1 are not, but by a rare chance. */
const decodeLatin1 = (octets: Buffer) =>
  (hasHighOctet(octets) ? decodePlain(octets) : null) ?? octets.toString('latin1');

/**
 * The 7-bit alphabet has no octet above 0x7f, so such an octet shows another encoding. The same high octet of UCS-2
 * throughout also does: it would be read as a sign before each letter.
 */
function decodeDefault(octets: Buffer): string {
  if (hasHighOctet(octets)) return decodeLatin1(octets);
  const [first = -1] = octets;
  const isUcs2 =
    octets.length >= 6 &&
    octets.length % 2 === 0 &&
    (first === 0 || (first >= 0x03 && first <= 0x06)) &&
    octets.every((each, i) => i % 2 === 1 || each === first);
  return isUcs2 ? decodeUcs2(octets) : decodeGsm(octets);
}

/** ESC and a code that is not in the extension table read as the character of that code (6.2.1.1, note 1). */
function decodeGsm(octets: Buffer): string {
  let text = '';
  for (let i = 0; i < octets.length; i += 1) {
    const code = octets[i] ?? 0;
    if (code !== ESCAPE) text += CHARACTERS[code] ?? ' ';
    else if (i + 1 < octets.length) {
      i += 1;
      const next = octets[i] ?? 0;
      text += EXTENSION_CHARACTERS.get(next) ?? CHARACTERS[next] ?? ' ';
    }
  }
  return text;
}

/**
 * Big-endian. Little-endian where a mark says so, or where that gives four characters and more of ASCII alone: big-endian, each of them
 * would be a Chinese character with 0 as its lower octet.
 */
function decodeUcs2(octets: Buffer): string {
  const units = Buffer.from(octets.subarray(0, octets.length & ~1));
  const text = units.toString('utf16le');
  return text.startsWith('\ufeff') || /^[\t\n\r\x20-\x7e]{4,}$/.test(text)
    ? text.replace(/^\ufeff/, '')
    : units
        .swap16()
        .toString('utf16le')
        .replace(/^\ufeff/, '');
}
