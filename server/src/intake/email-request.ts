/**
 * Checks the body of `POST /Emails` part by part, as `send-request.ts` does for messages, and reads it as a
 * send request.
 */
import {
  findEmailAddressProblem,
  findNameProblem,
  canonicalEmailAddress,
} from '../domain/email-address.ts';
import { readAttachments, type RequestedAttachment } from '../domain/email-attachment.ts';
import {
  findHeaderNameProblem,
  findOneClickLinkProblem,
  headerValue,
  LIST_UNSUBSCRIBE,
  LIST_UNSUBSCRIBE_POST,
} from '../domain/email-headers.ts';
import type { Problem } from '../domain/errors.ts';
import { stepOf } from '../domain/json-path.ts';
import type {
  RequestedRecipient,
  RequestedVariables,
  SendHead,
  SendRequest,
} from '../domain/send-request.ts';
import { compileCheck } from '../shapes/check.ts';
import { EMAIL_FIELDS, EMAIL_PARTS } from '../shapes/emails.ts';
import type { Work } from '../lib/fair-share.ts';
import { Refusal } from '../shapes/refusal.ts';
import { problem } from './problems.ts';
import {
  checkForm,
  checkHead,
  checkPart,
  compileFields,
  type SendForm,
  type SendReader,
} from './send-request.ts';

/** Defaults of e-mails. */
export interface EmailOptions {
  readonly unsubscribe: boolean;
  readonly trackOpens: boolean;
  /** Whether the public URL of this server is known, for links. */
  readonly hasLinks: boolean;
}

interface Party {
  readonly address: string;
  readonly name?: string;
}

interface RequestedEmail {
  readonly subject: string;
  readonly html: string;
  readonly text?: string;
  readonly attachments?: readonly RequestedAttachment[];
  readonly headers?: Readonly<Record<string, string>>;
}

type Mailbox = Party & { readonly variables?: RequestedVariables };

interface EmailRequest extends Omit<SendRequest, 'to' | 'from' | 'content'> {
  readonly from: Party;
  readonly to: readonly Mailbox[];
  readonly content: RequestedEmail;
  readonly unsubscribe?: boolean;
  readonly trackOpens?: boolean;
}

const FORM: SendForm = {
  fields: compileFields(EMAIL_FIELDS, { needsSender: true }),
  recipients: [['address', compileCheck(EMAIL_PARTS.address)]],
  content: [['html', compileCheck(EMAIL_PARTS.content)]],
  from: [['address', compileCheck(EMAIL_PARTS.from)]],
  inspect: (part, value, path) =>
    part === 'content'
      ? inspectContent(value as RequestedEmail, path)
      : inspectParty(value as Party, path, part === 'from'),
};

function inspectParty({ address, name }: Party, path: string, isSender: boolean): Problem[] {
  // Domains of recipients may have letters of any script, as the hosted API has it.
  const wrong =
    isSender && /[^\x20-\x7e]/.test(address)
      ? 'Write the sender in ASCII, with its domain as xn--….'
      : findEmailAddressProblem(address);
  const wrongName = name === undefined ? null : findNameProblem(name);
  return [
    ...(wrong === null ? [] : [problem('invalid', wrong, `${path}.address`)]),
    ...(wrongName === null ? [] : [problem('invalid', wrongName, `${path}.name`)]),
  ];
}

function inspectContent({ headers = {}, attachments = [] }: RequestedEmail, path: string) {
  const seen = new Set<string>();
  const hasLinks = headerValue(headers, LIST_UNSUBSCRIBE) !== undefined;
  const wrongHeaders = Object.keys(headers).flatMap((name) => {
    const isSecond = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    // Values are still templates; rendered values are checked later.
    const wrong = isSecond
      ? 'The header occurs twice.'
      : (findHeaderNameProblem(name) ??
        (name.toLowerCase() === LIST_UNSUBSCRIBE_POST && !hasLinks
          ? findOneClickLinkProblem(undefined)
          : null));
    return wrong === null ? [] : [problem('invalid', wrong, `${path}.headers${stepOf(name)}`)];
  });
  const wrongFiles = readAttachments(attachments).problems.map((each) =>
    problem('invalid', each.message, `${path}.attachments${each.path}`),
  );
  return [...wrongHeaders, ...wrongFiles];
}

/** Reads requests to send e-mails. */
export const createEmailReader = (options: EmailOptions): SendReader => ({
  *read(body): Work<SendRequest> {
    yield* checkForm(body, FORM);
    const { to, ...head } = body as EmailRequest;
    return { ...toHead(head, options), to: to.map(toRecipient) };
  },
  readHead(body) {
    checkHead(body, FORM);
    return toHead(body as Omit<EmailRequest, 'to'>, options);
  },
  readRecipient(value, path) {
    const problems = checkPart(FORM, 'to', value, path);
    return problems.length > 0 ? problems : toRecipient(value as Mailbox);
  },
});

const toRecipient = (mailbox: Mailbox): RequestedRecipient => ({
  ...mailbox,
  channel: 'EMAIL',
  address: canonicalEmailAddress(mailbox.address),
});

/** @throws Refusal for links that cannot be made */
function toHead(request: Omit<EmailRequest, 'to'>, options: EmailOptions): SendHead {
  const { from, content, unsubscribe, trackOpens, ...rest } = request;
  if (!options.hasLinks) refuseLinks({ unsubscribe, trackOpens });
  const hasOwnLink = headerValue(content.headers ?? {}, LIST_UNSUBSCRIBE) !== undefined;
  if (hasOwnLink && unsubscribe === true) throw new Refusal(400, [TWO_LINKS]);
  const { attachments } = readAttachments(content.attachments ?? []);
  return {
    ...rest,
    from: { ...from, channel: 'EMAIL', address: canonicalEmailAddress(from.address) },
    content: {
      email: {
        subject: content.subject,
        html: content.html,
        text: content.text ?? null,
        headers: content.headers ?? {},
        attachments: attachments.map(({ filename, contentType, content: bytes }) => ({
          filename,
          contentType,
          size: bytes.byteLength,
        })),
        unsubscribe: options.hasLinks && !hasOwnLink && (unsubscribe ?? options.unsubscribe),
        trackOpens: options.hasLinks && (trackOpens ?? options.trackOpens),
      },
    },
    attachments,
  };
}

const TWO_LINKS = problem(
  'invalid',
  'An e-mail has one List-Unsubscribe: leave out "unsubscribe", or the header of content.headers.',
  '$.unsubscribe',
);

/** Requested explicitly and impossible: refused rather than left out. */
function refuseLinks(asked: Readonly<Record<string, boolean | undefined>>): void {
  const problems = Object.keys(asked)
    .filter((name) => asked[name])
    .map((name) =>
      problem(
        'unsupported',
        'This requires links to this server: set publicUrl in its configuration.',
        `$.${name}`,
      ),
    );
  if (problems.length > 0) throw new Refusal(400, problems);
}
