/** Composes the e-mail of a submission: headers, parts and envelope. */
import { convert } from 'html-to-text';
import { domainOf, findEmailAddressProblem } from '../../domain/email-address.ts';
import { findHeaderProblem, headerValue, MESSAGE_ID } from '../../domain/email-headers.ts';
import type { Submission } from '../carrier.ts';
import { bounceAddressOf, REFERENCE_HEADER } from './verp.ts';

/** An e-mail in nodemailer's form. */
export interface Mail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly from: { readonly name: string; readonly address: string };
  readonly to: { readonly name: string; readonly address: string };
  readonly messageId: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly attachments: readonly {
    readonly filename: string;
    readonly contentType: string;
    readonly content: Buffer;
  }[];
  readonly headers: Readonly<Record<string, string>>;
}

export type ComposeResult =
  { readonly ok: true; readonly mail: Mail } | { readonly ok: false; readonly problem: string };

/**
 * Composes an e-mail. The same submission has the same Message-ID, so that a resent e-mail can be recognised. With a
 * Message-ID of the request, reports find the e-mail by a header of its own.
 */
export function composeMail(submission: Submission, bounceAddress: string | null): ComposeResult {
  const { email, reference, from, to } = submission;
  if (email === null) return { ok: false, problem: 'Only e-mails go over SMTP.' };
  // Checked again here: only an address may become part of the dialogue.
  for (const address of [from, to]) {
    const problem = findEmailAddressProblem(address);
    if (problem !== null) return { ok: false, problem: `Not an address: ${problem}` };
  }
  for (const [name, value] of Object.entries(email.headers)) {
    const problem = findHeaderProblem(name, value);
    if (problem !== null) return { ok: false, problem: `Header ${name.slice(0, 80)}: ${problem}` };
  }
  const ownId = headerValue(email.headers, MESSAGE_ID);
  return {
    ok: true,
    mail: {
      envelope: {
        from: bounceAddress === null ? from : bounceAddressOf(bounceAddress, reference),
        to: [to],
      },
      from: { name: oneLine(email.fromName ?? ''), address: from },
      to: { name: oneLine(email.toName ?? ''), address: to },
      messageId: ownId ?? `<${reference}@${domainOf(from)}>`,
      subject: oneLine(email.subject),
      html: email.html,
      text: email.text ?? textOfHtml(email.html),
      attachments: email.attachments.map(({ filename, contentType, content }) => ({
        filename: oneLine(filename),
        contentType,
        content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
      })),
      headers: {
        ...Object.fromEntries(
          Object.entries(email.headers).filter(([name]) => name.toLowerCase() !== MESSAGE_ID),
        ),
        ...unsubscribeHeaders(email.unsubscribeUrl),
        ...(ownId === undefined ? {} : { [REFERENCE_HEADER]: reference }),
      },
    },
  };
}

/** RFC 8058, 3.1: one click. */
function unsubscribeHeaders(url: string | null): Record<string, string> {
  return url === null
    ? {}
    : { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}

/** Keeps a header on one line: control characters and line ends become blanks. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
}

/** Maximum length of HTML that is converted to plain text. */
const HTML_LENGTH_MAX = 1_000_000;
/** Elements within elements; the walk is recursive, and deeper ones would exhaust the stack. */
const HTML_DEPTH_MAX = 500;

/** The plain text of HTML, in lines of 78 characters: links in brackets, images as their descriptions. */
export function textOfHtml(html: string): string {
  return convert(html, {
    wordwrap: 78,
    limits: { maxInputLength: HTML_LENGTH_MAX, maxDepth: HTML_DEPTH_MAX, ellipsis: '…' },
    formatters: {
      alt(element, _walk, builder) {
        const alt = (element.attribs as Record<string, string>)['alt'];
        if (alt) builder.addInline(alt);
      },
    },
    selectors: [
      // Of a picture its description: its address is useless to a reader.
      { selector: 'img', format: 'alt' },
      ...['h1', 'h2', 'h3'].map((selector) => ({ selector, options: { uppercase: false } })),
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
    ],
  });
}
