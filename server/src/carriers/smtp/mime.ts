/**
 * Reads the parts of an e-mail (RFC 2045, RFC 2046), as far as reports need them. The octets come from anybody: nothing
 * throws, each octet is read a limited number of times, and damage affects only its own part. Pure.
 */

import { decodeText as decodeOctetsAs } from '../../lib/decode-text.ts';

/** A lower-case name and its value. */
export type Field = readonly [name: string, value: string];

/** A part, or an e-mail. Octets are characters of Latin-1. */
export interface Part {
  /** By lower-case name, unfolded; of several of one name the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** All of them, in order. */
  readonly fields: readonly Field[];
  /** `text/plain`, in lower case. */
  readonly type: string;
  /** The boundary of a multipart; null for other parts. */
  readonly boundary: string | null;
  /** As it came, still encoded. */
  readonly body: string;
}

/** Maximum length of a part's headers. */
const HEAD_LENGTH_MAX = 65_536;
/** Maximum number of parts to read in one multipart. */
const PARTS_MAX = 50;
/** Maximum nesting of multiparts. */
const NESTING_MAX = 10;
/** Maximum number of parts to read in one e-mail, over all levels. */
const LEAVES_MAX = 100;

/**
 * Reads headers and body; text without headers is all body. Lines may end with CRLF, LF or CR, in any mix.
 */
export function readPart(source: string): Part {
  const text = unifyLines(source);
  const head = /^(?:>?From [^\r\n]*\r?\n)?/.exec(text)?.[0].length ?? 0;
  const end = /^\r?\n|\r?\n[ \t]*\r?\n/.exec(text.slice(head, head + HEAD_LENGTH_MAX));
  const from = end === null ? text.length : head + end.index;
  const fields = listFields(text.slice(head, Math.min(from, head + HEAD_LENGTH_MAX)));
  const headers = new Map(fields.toReversed());
  const contentType = headers.get('content-type') ?? 'text/plain';
  const type = withoutComments(contentType).split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const boundary = readParameter(contentType, 'boundary') ?? '';
  return {
    headers,
    fields,
    type,
    boundary: type.startsWith('multipart/') && boundary !== '' ? boundary : null,
    body: end === null ? '' : text.slice(from + end[0].length),
  };
}

/** A CR alone also ends a line; several may precede an LF. Each run of CRs is looked at once. */
function unifyLines(text: string): string {
  return /\r(?!\n)/.test(text)
    ? text.replaceAll(/\r+\n?/g, (run) => '\n'.repeat(run.endsWith('\n') ? 1 : run.length))
    : text;
}

/** Comments (RFC 5322, 3.2.2) outside quotes. A quote that does not end reaches to the end. */
function withoutComments(value: string): string {
  return value.replaceAll(
    /("(?:[^"\\]|\\.)*(?:"|\\?$))|\([^()]*\)/g,
    (_, quoted?: string) => quoted ?? ' ',
  );
}

const PARAMETER = /;\s*([\w-]+)(?:\*(\d{1,2}))?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g;

/** A parameter of a Content-Type; it may be in sections and have escapes (RFC 2231). */
function readParameter(value: string, name: string): string | null {
  const sections: string[] = [];
  for (const [, each = '', place = '0', star, quoted, bare = ''] of withoutComments(value).matchAll(
    PARAMETER,
  )) {
    if (each.toLowerCase() !== name) continue;
    const text = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare;
    const plain = star === undefined ? text : decodeEscapes(text, place);
    // A plain one and one with escapes may stand side by side.
    sections[Number(place)] = star === undefined ? (sections[Number(place)] ?? plain) : plain;
  }
  return sections.length === 0 ? null : sections.join('');
}

/** Charset and language are before the first section. */
function decodeEscapes(text: string, place: string): string {
  return (place === '0' ? text.replace(/^[^']*'[^']*'/, '') : text).replaceAll(
    /%([0-9a-f]{2})/gi,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Fields by lower-case name, unfolded; the first of several with one name. */
export function readFields(text: string): ReadonlyMap<string, string> {
  return new Map(listFields(unifyLines(text)).toReversed());
}

function listFields(text: string): readonly Field[] {
  return text
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .flatMap((line): Field[] => {
      const colon = line.indexOf(':');
      if (colon <= 0) return [];
      return [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    });
}

/** The parts of an e-mail except multiparts, in order; enclosed e-mails are not opened. */
export function listLeaves(root: Part): readonly Part[] {
  const leaves: Part[] = [];
  const walk = (part: Part, depth: number): void => {
    if (leaves.length >= LEAVES_MAX) return;
    if (part.boundary === null) leaves.push(part);
    else if (depth < NESTING_MAX)
      for (const each of split(part.body, part.boundary)) walk(each, depth + 1);
  };
  walk(root, 0);
  return leaves;
}

/** The parts between boundary lines (RFC 2046, 5.1.1); the last boundary may be missing. */
function split(body: string, boundary: string): Part[] {
  const parts: Part[] = [];
  const delimiter = `--${boundary}`;
  let start = -1;
  for (let at = body.indexOf(delimiter); at !== -1 && parts.length < PARTS_MAX;) {
    const behind = at + delimiter.length;
    const line = /^(--)?[ \t]*(\r?\n|$)/.exec(body.slice(behind, behind + 100));
    if (line !== null && (at === 0 || body[at - 1] === '\n')) {
      if (start !== -1) parts.push(readPart(body.slice(start, at).replace(/\r?\n$/, '')));
      start = line[1] === undefined ? behind + line[0].length : -1;
      if (start === -1) return parts;
    }
    at = body.indexOf(delimiter, behind);
  }
  if (start !== -1 && parts.length < PARTS_MAX) parts.push(readPart(body.slice(start)));
  return parts;
}

/** The octets of a part, as characters of Latin-1, without their transfer encoding (RFC 2045, 6). */
export function decodeOctets({ headers, body }: Part): string {
  const encoding = withoutComments(headers.get('content-transfer-encoding') ?? '');
  switch (/[\w-]+/.exec(encoding)?.[0].toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('latin1');
    case 'quoted-printable':
      return body
        .replace(/=[ \t]*\r?\n/g, '')
        .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    case 'x-uuencode':
    case 'x-uue':
    case 'uuencode':
      return decodeUu(body);
    default:
      return body;
  }
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Uuencode: lines with a length and six bits a character, between `begin` and `end`. */
function decodeUu(body: string): string {
  const inside = /^begin \d{3,4} .*\n([^]*?)^(?:`|end)?$/m.exec(body.replaceAll('\r\n', '\n'))?.[1];
  return (inside ?? '')
    .split('\n')
    .map((line) => {
      // The same six bits in the alphabet of Base64.
      const text = Array.from(line.slice(1), (each) => BASE64[(each.charCodeAt(0) - 32) & 63]);
      return Buffer.from(text.join(''), 'base64').toString(
        'latin1',
        0,
        (line.charCodeAt(0) - 32) & 63,
      );
    })
    .join('');
}

/** The text of a part: in its charset, or as UTF-8, or else as Windows-1252. */
export function decodeText(part: Part): string {
  const octets = Buffer.from(decodeOctets(part), 'latin1');
  const charset = readParameter(part.headers.get('content-type') ?? '', 'charset');
  return unifyLines(decodeOctetsAs(octets, charset));
}
