/**
 * DKIM: signs e-mails (RFC 6376, relaxed/relaxed, rsa-sha256). nodemailer signs each header at most once. Here, important
 * headers are signed once more than they occur (5.4.2, 8.15). So no server on the way can add a second subject, sender or
 * unsubscribe link (RFC 8058, section 4).
 */
import { createHash, createSign } from 'node:crypto';
import { Readable } from 'node:stream';
import { domainToASCII } from 'node:url';
import type { DkimKey } from './options.ts';

/** These headers are signed if an e-mail has them. */
const SIGNED = (
  'from sender reply-to to cc subject date message-id in-reply-to references mime-version content-type ' +
  'content-transfer-encoding list-id list-help list-unsubscribe list-unsubscribe-post list-subscribe list-post ' +
  'list-owner list-archive feedback-id auto-submitted'
).split(' ');
/** No server on the way can add one of these headers. */
const SEALED = new Set(['from', 'to', 'subject', 'list-unsubscribe', 'list-unsubscribe-post']);

/** Characters of a line of the signature, its folding included. */
const LINE_MAX = 76;

/** A complete e-mail with its signature in front. It is kept in memory, as its attachments are anyway. */
export function signStream(message: Readable, key: DkimKey): Readable {
  async function* sign(): AsyncGenerator<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(Buffer.from(chunk as Uint8Array));
    // Lines end as they will on the wire (5.3), where a bare line feed is made a whole line end.
    const text = Buffer.concat(chunks).toString('latin1');
    const raw = Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
    yield Buffer.from(`${signMail(raw, key)}\r\n`, 'latin1');
    yield raw;
  }
  return Readable.from(sign(), { objectMode: false });
}

/** The DKIM-Signature of a whole e-mail, folded, without the end of its last line. */
export function signMail(raw: Buffer, { domain, selector, privateKey }: DkimKey): string {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.toString('latin1', 0, end === -1 ? raw.length : end);
  const body = end === -1 ? '' : raw.toString('latin1', end + 4);
  const headers = head
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
    .map(relaxHeader);
  const lines: string[] = [];
  const names: string[] = [];
  for (const name of SIGNED) {
    // From the last one up (5.4.2).
    const own = headers.filter((each) => each.startsWith(`${name}:`)).toReversed();
    lines.push(...own);
    const times = own.length + (SEALED.has(name) ? 1 : 0);
    for (let i = 0; i < times; i += 1) names.push(name);
  }
  const bodyHash = createHash('sha256').update(relaxBody(body), 'latin1').digest('base64');
  const tags = [
    'v=1',
    'a=rsa-sha256',
    'c=relaxed/relaxed',
    `d=${domainToASCII(domain) || domain}`,
    `s=${selector}`,
    `h=${names.join(':')}`,
    `bh=${bodyHash}`,
  ];
  const unsigned = `DKIM-Signature: ${foldTags(tags)};\r\n b=`;
  const signature = createSign('RSA-SHA256')
    .update([...lines, relaxHeader(unsigned.replaceAll('\r\n', ''))].join('\r\n'), 'latin1')
    .sign(privateKey, 'base64');
  return unsigned + signature.replace(/.{72}(?=.)/g, '$&\r\n ');
}

/** A header without its folding (3.4.2). */
function relaxHeader(line: string): string {
  const colon = line.indexOf(':');
  const value = line.slice(colon + 1).replace(/[ \t]+/g, ' ');
  return `${line.slice(0, colon).trim().toLowerCase()}:${value.replace(/^ | $/g, '')}`;
}

/** 3.4.4. */
function relaxBody(body: string): string {
  const lines = body
    .replace(/[ \t]+/g, ' ')
    .replaceAll(' \r\n', '\r\n')
    .replace(/ $/, '')
    .replace(/(?:\r\n)+$/, '');
  return lines === '' ? '' : `${lines}\r\n`;
}

/** Tags on lines of their own where they are long; names of headers may be folded behind their colons (3.2). */
function foldTags(tags: readonly string[]): string {
  const lines: string[] = [''];
  for (const piece of tags.flatMap((tag, i) =>
    `${tag}${i < tags.length - 1 ? '; ' : ''}`.split(/(?<=:)/),
  )) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line.length + piece.length > LINE_MAX - 20 && line !== '') lines.push(piece);
    else lines[last] = line + piece;
  }
  return lines.map((line) => line.trimEnd()).join('\r\n ');
}
