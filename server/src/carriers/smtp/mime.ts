/**
 * The parts of an e-mail (RFC 2045, RFC 2046), as far as reports need them. What comes is anybody's octets: nothing throws,
 * each octet is looked at a bounded number of times, and damage costs the part that it is in. Pure.
 */

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
  /** What the parts of a multipart are divided by; null: it is none. */
  readonly boundary: string | null;
  /** As it came, still encoded. */
  readonly body: string;
}

/** Characters of a part that its headers may take. */
const HEAD_LENGTH_MAX = 65_536;
/** Parts of one multipart that are looked at. */
const PARTS_MAX = 50;
/** Multiparts within multiparts. */
const NESTING_MAX = 10;
/** Parts of one e-mail that are looked at, over all its levels. */
const LEAVES_MAX = 100;

/** Reads headers and body; text without headers is all body. */
export function readPart(text: string): Part {
  const head = /^(?:>?From [^\r\n]*\r?\n)?/.exec(text)?.[0].length ?? 0;
  const end = /^\r?\n|\r?\n[ \t]*\r?\n/.exec(text.slice(head, head + HEAD_LENGTH_MAX));
  const from = end === null ? text.length : head + end.index;
  const fields = listFields(text.slice(head, Math.min(from, head + HEAD_LENGTH_MAX)));
  const headers = new Map(fields.toReversed());
  const contentType = headers.get('content-type') ?? 'text/plain';
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare ?? '';
  return {
    headers,
    fields,
    type,
    boundary: type.startsWith('multipart/') && boundary !== '' ? boundary : null,
    body: end === null ? '' : text.slice(from + end[0].length),
  };
}

/** Fields by lower-case name, folded lines put together; of several of one name the first. */
export function readFields(text: string): ReadonlyMap<string, string> {
  return new Map(listFields(text).toReversed());
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

/** The parts of an e-mail that are no multiparts, in order; of enclosed e-mails only that they are there. */
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

/** The parts between the lines that divide them (RFC 2046, 5.1.1); the last may lack its end. */
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
  switch (headers.get('content-transfer-encoding')?.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('latin1');
    case 'quoted-printable':
      return body
        .replace(/=[ \t]*\r?\n/g, '')
        .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    default:
      return body;
  }
}

/** The text of a part: UTF-8, or where it is none, Windows-1252. */
export function decodeText(part: Part): string {
  const octets = Buffer.from(decodeOctets(part), 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    return new TextDecoder('windows-1252').decode(octets);
  }
}
