/**
 * Reads bounces, which are reports on sent e-mails: delivery status notifications (RFC 3464), complaints in the abuse
 * reporting format (RFC 5965), and texts of qmail and Exim. A report may be forwarded, and may contain the whole e-mail or
 * attachments. Never throws.
 */
import { parseAttemptReference } from '../../domain/ids.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { keepable } from '../../domain/storable.ts';
import { decodeOctets, decodeText, listLeaves, readFields, readPart, type Part } from './mime.ts';
import { codeOf, readEnhanced } from './replies.ts';
import { REFERENCE_HEADER, referenceOf, referenceOfMessageId } from './verp.ts';

const DETAIL_LENGTH_MAX = 300;
/** Maximum number of octets to read: all that the server accepts. */
const BYTES_READ_MAX = 1_048_576;
/** Maximum nesting: a report in a forward in a forward. */
const FORWARDS_MAX = 2;
/** Maximum length of plain text to read. */
const WORDS_LENGTH_MAX = 65_536;

const STATUS = /^message\/(global-)?delivery-status$/;
const FEEDBACK = /^message\/feedback-report$/;
/** An e-mail, complete or only its headers. */
const RETURNED = /^(message\/rfc822|message\/global|message\/global-headers|text\/rfc822-headers)$/;

/** An e-mail that may be a report, with its parts and the e-mails that enclose it. */
interface Enclosed {
  readonly mail: Part;
  readonly leaves: readonly Part[];
  readonly within: readonly Part[];
}

/** The result of reading a mail. */
export interface BounceReading {
  /** Null if it reports nothing new, or is no report. */
  readonly receipt: Receipt | null;
  /** The reason for which a report has no result, though it should; null for all other mail. */
  readonly problem: string | null;
}

/**
 * Reads a report.
 * @param recipient the address that received it, if known
 */
export async function readBounce(
  raw: Uint8Array,
  bounceAddress: string | null,
  recipient: string | null,
): Promise<BounceReading> {
  const read = raw.subarray(0, BYTES_READ_MAX);
  const text = Buffer.from(read.buffer, read.byteOffset, read.byteLength).toString('latin1');
  const root = readPart(text);
  for (const enclosed of listEnclosed(root)) {
    const reading = readReport(enclosed, bounceAddress, recipient);
    if (reading !== null) return reading;
  }
  return isNotice(root) ? problemOf('A notice in words that are not known') : NOTHING;
}

const NOTHING: BounceReading = { receipt: null, problem: null };
const problemOf = (problem: string): BounceReading => ({ receipt: null, problem });
const takeReceipt = (receipt: Receipt | null): BounceReading => ({ receipt, problem: null });

/** The e-mail, then its forwarded e-mails, level by level. The inside of our own e-mail is content, not a report. */
function* listEnclosed(root: Part): Generator<Enclosed> {
  let level: Enclosed[] = [{ mail: root, leaves: listLeaves(root), within: [] }];
  for (let depth = 0; level.length > 0; depth += 1) {
    yield* level;
    if (depth === FORWARDS_MAX) return;
    level = level.flatMap(({ mail, leaves, within }) =>
      leaves
        .filter(({ type }) => /^message\/(rfc822|global)$/.test(type))
        .map((leaf) => readPart(decodeOctets(leaf)))
        .filter((forwarded) => !isOurs(forwarded))
        .map((forwarded) => ({
          mail: forwarded,
          leaves: listLeaves(forwarded),
          within: [mail, ...within],
        })),
    );
  }
}

function isOurs({ headers }: Part): boolean {
  return referenceIn(headers) !== null;
}

/** The reference in the headers of one of our e-mails; null for any other e-mail. */
function referenceIn(headers: ReadonlyMap<string, string>): string | null {
  const stated = headers.get(REFERENCE_HEADER.toLowerCase());
  const messageId = /<[^<>\s]{1,300}>/.exec(headers.get('message-id') ?? '')?.[0] ?? '';
  return (
    keepOurs(stated?.trim().toLowerCase() ?? null) ?? keepOurs(referenceOfMessageId(messageId))
  );
}

/** Message-IDs of others can look like references. */
function keepOurs(reference: string | null): string | null {
  return reference !== null && parseAttemptReference(reference) !== null ? reference : null;
}

/** The report in one e-mail; null if it is not a report. */
function readReport(
  enclosed: Enclosed,
  bounceAddress: string | null,
  recipient: string | null,
): BounceReading | null {
  const { mail, leaves } = enclosed;
  const feedback = leaves.find(({ type }) => FEEDBACK.test(type));
  const status =
    leaves.find(({ type }) => STATUS.test(type)) ??
    (mail.type === 'multipart/report' ? leaves.find(isStatusInWords) : undefined);
  const returned = findReturned(leaves);
  const name = (more: readonly (string | undefined)[], copy = returned) =>
    findReference(enclosed, copy, more, bounceAddress, recipient);
  if (feedback !== undefined) {
    const fields = readFields(decodeText(feedback));
    if (!isComplaint(fields)) return problemOf('Feedback of a type that is no complaint');
    const reference = name([fields.get('original-mail-from')]);
    if (reference === null) return problemOf('A complaint that names no e-mail of ours');
    return takeReceipt({ reference, status: 'DELIVERED', complaint: true });
  }
  if (status !== undefined) {
    const reference = name([]);
    if (reference === null) return problemOf('A report that names no e-mail of ours');
    return readStatus(decodeText(status), addressIn(returned?.get('to')), reference);
  }
  const words = readWords(enclosed);
  if (words === null) return null;
  const reference = name([], words.copy);
  if (reference === null) return problemOf('A notice that names no e-mail of ours');
  return takeReceipt(describeFailure(reference, '', words.said));
}

/** A status that is said to be a text. */
function isStatusInWords(part: Part): boolean {
  return (
    part.type === 'text/plain' &&
    /^\s*(Reporting-MTA|Final-Recipient)[ \t]*:[^]*^Action[ \t]*:/im.test(
      part.body.slice(0, WORDS_LENGTH_MAX),
    )
  );
}

/** It says that it comes from a mail server; absence notices and read receipts do not. */
function isNotice({ headers, type }: Part): boolean {
  if (/disposition-notification/i.test(headers.get('content-type') ?? '')) return false;
  return (
    type === 'multipart/report' ||
    /\b(mailer[-_. ]?daemon|postmaster|mail delivery (sub)?system)\b/i.test(
      headers.get('from') ?? '',
    )
  );
}

/** The headers of the e-mail that a report returns. */
function findReturned(leaves: readonly Part[]): ReadonlyMap<string, string> | null {
  const part = leaves.find(({ type }) => RETURNED.test(type));
  return part === undefined ? null : readPart(`${decodeOctets(part)}\r\n\r\n`).headers;
}

function addressIn(header: string | undefined): string {
  return (/<([^<>]*)>/.exec(header ?? '')?.[1] ?? header ?? '').trim().toLowerCase();
}

const ADDRESSED_BY = /^(to|delivered-to|x-original-to|envelope-to|x-envelope-to)$/;
/** Maximum number of addresses to read in one report. */
const ADDRESSES_MAX = 50;

/** The recipients in an e-mail's headers. */
function listAddressed({ fields }: Part): readonly string[] {
  const values = fields.filter(([name]) => ADDRESSED_BY.test(name)).map(([, value]) => value);
  return values.flatMap((value) => value.split(',')).slice(0, ADDRESSES_MAX);
}

/**
 * Finds the e-mail by the address that received the report, or else by the headers of the returned e-mail or the
 * Message-ID of the answered one.
 * For a forwarded report, its own content comes first, and the address of the forward last.
 */
function findReference(
  { mail, within }: Enclosed,
  returned: ReadonlyMap<string, string> | null,
  more: readonly (string | undefined)[],
  bounceAddress: string | null,
  recipient: string | null,
): string | null {
  const byAddress = (addresses: readonly (string | null | undefined)[]) => {
    for (const each of bounceAddress === null ? [] : addresses) {
      const found = each ? referenceOf(bounceAddress ?? '', addressIn(each)) : null;
      if (found !== null) return found;
    }
    return null;
  };
  const isForwarded = within.length > 0;
  return (
    byAddress([...(isForwarded ? [] : [recipient]), ...listAddressed(mail), ...more]) ??
    byAddress([returned?.get('return-path')]) ??
    (returned === null ? null : referenceIn(returned)) ??
    keepOurs(referenceOfMessageId(mail.headers.get('in-reply-to') ?? '')) ??
    (isForwarded ? byAddress([recipient, ...within.flatMap(listAddressed)]) : null)
  );
}

/**
 * RFC 3464, 2.3: one block for each recipient. Our e-mails have one recipient. A report may have more blocks, because a server
 * combined several e-mails or the address is a list. Then the block with our recipient counts; of several, a failure.
 */
function readStatus(text: string, to: string, reference: string): BounceReading {
  const blocks = text
    .split(/\r?\n(?:[ \t]*\r?\n)+/)
    .map(readFields)
    .filter((fields) => fields.has('action') || fields.has('status'));
  const own = blocks.filter((fields) =>
    ['final-recipient', 'original-recipient'].some(
      (name) => to !== '' && addressIn(fields.get(name)?.replace(/^[^;]*;/, '')) === to,
    ),
  );
  const counting = own.length > 0 ? own : blocks;
  const failed = counting.find((fields) => actionOf(fields) === 'failed');
  if (failed !== undefined) {
    const words = failed.get('diagnostic-code')?.replace(/^\s*[\w-]+\s*;\s*/, '') ?? '';
    return takeReceipt(describeFailure(reference, failed.get('status') ?? '', words));
  }
  if (blocks.length === 0) return problemOf('A report without a status');
  const arrived = counting.some((fields) =>
    /^(delivered|relayed|expanded)$/.test(actionOf(fields)),
  );
  return takeReceipt(arrived ? { reference, status: 'DELIVERED' } : null);
}

/** The action (RFC 3464, 2.3.3), or else the status. `delayed` means that the server still tries. */
function actionOf(fields: ReadonlyMap<string, string>): string {
  const action = /^[a-z]+/i.exec(fields.get('action') ?? '')?.[0].toLowerCase();
  const status = fields.get('status') ?? '';
  return action ?? (status.startsWith('5') ? 'failed' : status.startsWith('2') ? 'delivered' : '');
}

function describeFailure(reference: string, status: string, words: string): Receipt {
  const said = `${status} ${words}`.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return {
    reference,
    status: 'UNDELIVERED',
    code: codeOfReport(status, words),
    detail: keepable(said, DETAIL_LENGTH_MAX),
  };
}

/** By the status if it is exact; for `5.0.0` or without a status, by the text. */
function codeOfReport(status: string, words: string): number {
  const enhanced = readEnhanced(status);
  return enhanced === null || enhanced.endsWith('.0')
    ? codeOf(readEnhanced(words) ?? enhanced, words, 'recipient')
    : codeOf(enhanced, '', 'recipient');
}

/** Whether the recipient reported it as unwanted; other feedback is for the operator. */
function isComplaint(fields: ReadonlyMap<string, string>): boolean {
  return /^(abuse|fraud|virus|opt-out(-list)?)$/i.test(
    fields
      .get('feedback-type')
      ?.replaceAll(/\([^()]*\)|["']/g, '')
      .trim() ?? '',
  );
}

/**
 * Failures in plain text: from qmail (QSBMF: "Hi. This is the …", a paragraph for each address), from Exim, which has the
 * addresses in a header, and from any server that quotes a reply. Null for other texts, such as absence notices.
 */
function readWords({
  mail,
  leaves,
}: Enclosed): { said: string; copy: ReadonlyMap<string, string> | null } | null {
  const body = leaves.find(({ type }) => type.startsWith('text/'));
  if (body === undefined) return null;
  const text = decodeText(body).slice(0, WORDS_LENGTH_MAX).replaceAll('\r\n', '\n');
  const isExim = mail.headers.has('x-failed-recipients');
  const isQmail = /^\s*Hi\. This is the /.test(text);
  if (!isExim && !isQmail) return isNotice(mail) ? readQuotedReply(text, leaves) : null;
  const [said = '', ...copy] = text.split(/^-{3,}.*$/m);
  const paragraph = isExim
    ? /^[ \t]+[^\s@]{1,64}@[^\s@]{1,255}(?:[ \t]*\n[ \t]+.+)+/m.exec(said)?.[0]
    : /^<[^\n>]*>:\n(?:.+\n?)+/m.exec(said)?.[0];
  if (paragraph === undefined) return null;
  return {
    said: paragraph.replace(/^\s*\S+@\S+/, ''),
    copy: findReturned(leaves) ?? readPart(copy.join('\n').trimStart()).headers,
  };
}

/** The start of the returned e-mail, after an introduction in any language. */
const COPY_BEGINS =
  /^(?:>?From |Return-Path:|Received:|DKIM-Signature:|Message-ID:|MIME-Version:)/im;
/** A permanent reply: a status of RFC 3463, or a number of RFC 5321 after a word for a reply. */
const FOR_GOOD =
  /(?<![\d.])#?5\.\d{1,3}\.\d{1,3}(?![\d.]*\d)|\b(?:said|reason|error|response|reply|smtp) ?[:;] *5[0-5]\d[ -]/i;
const FOR_NOW =
  /(?<![\d.])#?4\.\d{1,3}\.\d{1,3}(?![\d.]*\d)|\b(delayed|still being|no action is required)\b/i;

/** A quoted reply with its line and the next; a reply about a delay does not count. */
function readQuotedReply(
  text: string,
  leaves: readonly Part[],
): { said: string; copy: ReadonlyMap<string, string> | null } | null {
  const copyAt = COPY_BEGINS.exec(text)?.index ?? text.length;
  const words = text.slice(0, copyAt);
  const found = FOR_GOOD.exec(words);
  if (found === null || FOR_NOW.test(words)) return null;
  const [line = '', next = ''] = words.slice(found.index).split('\n');
  return {
    said: `${line} ${next}`,
    copy: findReturned(leaves) ?? readPart(text.slice(copyAt)).headers,
  };
}
