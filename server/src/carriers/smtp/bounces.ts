/**
 * Bounces: reports on e-mails that went out. Delivery status notifications (RFC 3464), and complaints in the abuse
 * reporting format (RFC 5965). Never throws.
 */
import PostalMime, { type Email } from 'postal-mime';
import type { Receipt } from '../../domain/receipt.ts';
import { codeOf, readEnhanced } from './replies.ts';
import { referenceOf, referenceOfMessageId } from './verp.ts';

const DETAIL_LENGTH_MAX = 300;
/** Parts of a report within parts; one has three. */
const NESTING_MAX = 10;
const HEADERS_BYTES_MAX = 262_144;

/**
 * Reads a report.
 * @param recipient the address that it came to, where that is known
 * @returns what it says of which e-mail; null when it says nothing new, or is none
 */
export async function readBounce(
  raw: Uint8Array,
  bounceAddress: string | null,
  recipient: string | null,
): Promise<Receipt | null> {
  const mail = await parse(raw);
  if (mail === null) return null;
  const parts = new Map<string, string>();
  for (const { mimeType, content } of mail.attachments)
    if (!parts.has(mimeType)) parts.set(mimeType, toText(content));
  const reference = findReference(mail, parts, bounceAddress, recipient);
  if (reference === null) return null;
  const feedback = parts.get('message/feedback-report');
  if (feedback !== undefined)
    return isComplaint(feedback) ? { reference, status: 'DELIVERED', complaint: true } : null;
  const status = parts.get('message/delivery-status');
  return status === undefined ? null : readStatus(status, reference);
}

/** A report stands at the beginning; what comes behind is the e-mail that it is on. */
const BYTES_READ_MAX = 131_072;
/** A report has three parts. More than a few are meant to keep us busy, since anybody may send one. */
const PARTS_MAX = 10;

async function parse(whole: Uint8Array): Promise<Email | null> {
  const raw = whole.subarray(0, BYTES_READ_MAX);
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
  const isReport = /^content-type:\s*multipart\/report\b/im.test(text);
  if (!isReport || text.split('\n--', PARTS_MAX + 1).length > PARTS_MAX) return null;
  try {
    return await PostalMime.parse(raw, {
      forceRfc822Attachments: true,
      attachmentEncoding: 'arraybuffer',
      maxNestingDepth: NESTING_MAX,
      maxHeadersSize: HEADERS_BYTES_MAX,
    });
  } catch {
    return null;
  }
}

function toText(content: string | ArrayBuffer | Uint8Array): string {
  if (typeof content === 'string') return content;
  return Buffer.from(content instanceof ArrayBuffer ? new Uint8Array(content) : content).toString(
    'utf8',
  );
}

/** By the address that the report came to, else by the Message-ID of the e-mail that it returns. */
function findReference(
  mail: Email,
  parts: ReadonlyMap<string, string>,
  bounceAddress: string | null,
  recipient: string | null,
): string | null {
  const places = [
    recipient,
    ...mail.headers
      .filter(({ key }) => /^(to|delivered-to|x-original-to|envelope-to)$/.test(key))
      .map(({ value }) => /<([^<>]*)>/.exec(value)?.[1] ?? value),
  ];
  for (const place of places) {
    const found =
      place === null || bounceAddress === null ? null : referenceOf(bounceAddress, place);
    if (found !== null) return found;
  }
  const returned = parts.get('message/rfc822') ?? parts.get('text/rfc822-headers') ?? '';
  const messageId = /^message-id:\s*(<[^>\r\n]{1,300}>)/im.exec(returned)?.[1];
  return messageId === undefined ? null : referenceOfMessageId(messageId);
}

/** The fields of a report by lower-case name, folded lines put together; the last block's win over the first's. */
function readFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0)
      fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

/** RFC 3464, 2.3: each e-mail has one recipient, so there is one block that counts. */
function readStatus(text: string, reference: string): Receipt | null {
  const fields = readFields(text);
  switch (fields.get('action')?.toLowerCase().split(/\s/)[0]) {
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { reference, status: 'DELIVERED' };
    case 'failed': {
      const words = (fields.get('diagnostic-code') ?? '').replace(/^[\w-]+;\s*/, '');
      return {
        reference,
        status: 'UNDELIVERED',
        code: codeOfReport(fields.get('status') ?? '', words),
        detail: `${fields.get('status') ?? ''} ${words}`.trim().slice(0, DETAIL_LENGTH_MAX),
      };
    }
    default:
      // Delayed: it is still being tried.
      return null;
  }
}

/** By the status where it is exact; `5.0.0` and none at all leave it to the words. */
function codeOfReport(status: string, words: string): number {
  const enhanced = readEnhanced(status);
  return enhanced === null || enhanced.endsWith('.0')
    ? codeOf(readEnhanced(words) ?? enhanced, words, 'recipient')
    : codeOf(enhanced, '', 'recipient');
}

/** Whether the recipient took it for unwanted; other feedback is for the operator. */
function isComplaint(text: string): boolean {
  return /^(abuse|fraud|virus|opt-out(-list)?)$/i.test(readFields(text).get('feedback-type') ?? '');
}
