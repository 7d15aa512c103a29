/** Dry run of e-mails. Only the first recipients get their whole e-mail. */
import { renderContent } from '../domain/content.ts';
import type { Problem } from '../domain/errors.ts';
import type { Work } from '../lib/fair-share.ts';
import type { Duplicate } from './duplicates.ts';
import { PLACES_IN_LIST, type Places } from './places.ts';
import type { PreparedSend, SendFacts } from './prepare.ts';
import type { PreparedRecipient } from './recipients.ts';

/** E-mails shown with html and text: ten thousand would be gigabytes. */
export const WHOLE_MAX = 10;

export interface DryRunEmail {
  /** `$.to[17]`, or `line 19: $` */
  readonly context: string;
  readonly from: { readonly address: string; readonly name?: string };
  readonly to: { readonly address: string; readonly name?: string };
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Of the first ten only. */
  readonly html?: string;
  readonly text?: string | null;
}

export interface EmailDryRun {
  readonly recipients: number;
  readonly scheduledFor: Date | null;
  readonly emails: readonly DryRunEmail[];
  readonly unaddressable: readonly Problem[];
  readonly duplicates: readonly Duplicate[];
}

/** The e-mails of a prepared send. */
export function* previewEmails(send: PreparedSend): Work<DryRunEmail[]> {
  const emails: DryRunEmail[] = [];
  for (const each of send.recipients) {
    const email = previewEmail(each, send, PLACES_IN_LIST, emails.length < WHOLE_MAX);
    if (email !== null) emails.push(email);
    yield;
  }
  return emails;
}

/** The e-mail to a recipient, with html and text if it is `isWhole`; null if there is none. */
export function previewEmail(
  { ordinal, recipient, first, tags }: PreparedRecipient,
  send: SendFacts,
  places: Places,
  isWhole: boolean,
): DryRunEmail | null {
  const rendered = renderContent(send.parsed, recipient.variables, send.renderAt, {
    requireVariables: false,
  });
  if (first === null || !rendered.ok || !('email' in rendered.content)) return null;
  const { subject, headers, html, text } = rendered.content.email;
  return {
    context: places.path(ordinal),
    from: party(first.sender),
    to: party(recipient.addresses[0]),
    subject,
    headers,
    tags: tags ?? send.tags,
    ...(isWhole ? { html, text } : {}),
  };
}

function party({ address, name }: { readonly address: string; readonly name?: string }) {
  return name === undefined ? { address } : { address, name };
}
