/**
 * The stored content of an e-mail operation: templates, headers and links. The bytes of attachments are stored
 * separately. Pure.
 */
import type { EmailAttachment, EmailBody } from './email.ts';
import type { EmailLinks } from './email-links.ts';

/** Characters of html and text, as templates and as rendered. */
export const EMAIL_BODY_MAX = 262_144;

/** An attachment without its bytes. */
export interface AttachmentNote {
  readonly filename: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
}

export interface EmailTemplates {
  readonly subject: string;
  readonly html: string;
  /** Null: the carrier makes it from `html`. */
  readonly text: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: readonly AttachmentNote[];
  /** Whether it has a link to unsubscribe, and a picture that reports its opening. */
  readonly unsubscribe: boolean;
  readonly trackOpens: boolean;
}

/** The property `email` distinguishes it from other contents. */
export interface EmailContent {
  readonly email: EmailTemplates;
}

/** A rendered e-mail for one attempt. Without links it has neither an unsubscribe link nor an opening picture. */
export function toEmailBody(
  { email }: EmailContent,
  attempt: {
    readonly reference: string;
    readonly from: { readonly address: string; readonly name?: string };
    readonly to: { readonly address: string; readonly name?: string };
    readonly attachments: readonly EmailAttachment[];
    readonly links: EmailLinks | null;
  },
): EmailBody {
  const { reference, from, to, attachments, links } = attempt;
  return {
    subject: email.subject,
    html:
      email.trackOpens && links !== null
        ? addPicture(email.html, links.openUrl(reference))
        : email.html,
    text: email.text,
    fromName: from.name ?? null,
    toName: to.name ?? null,
    attachments,
    headers: email.headers,
    unsubscribeUrl:
      email.unsubscribe && links !== null
        ? links.unsubscribeUrl(reference, to.address, from.address)
        : null,
  };
}

/** Adds an invisible picture at the end of the body, or of the HTML if it has no end of a body. */
function addPicture(html: string, url: string): string {
  const picture = `<img src="${url}" width="1" height="1" alt="" style="display:none">`;
  const end = [...html.matchAll(/<\/body/gi)].at(-1)?.index ?? html.length;
  return html.slice(0, end) + picture + html.slice(end);
}
