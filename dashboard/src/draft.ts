/** A draft on the compose page, and the request made from it. */
import type { DryRun, EmailDryRun, SendEmailsRequest, SendMessagesRequest } from '@fanfare/client';
import { client } from './api.ts';
import type { Kind } from './counters.ts';
import type { Recipient, Recipients } from './recipients.ts';
import { toInstantText } from './zones.ts';

export interface Draft {
  readonly kind: Kind;
  readonly text: string;
  readonly mediaUrl: string;
  readonly subject: string;
  readonly html: string;
  /** Content of an operation that is sent again, if it is not plain text. */
  readonly kept: SendMessagesRequest['content'] | null;
  /** Empty: the default. `sender:…` or `pool:…` with an ID; `request:…` with the sender of an earlier request. For e-mails an address. */
  readonly from: string;
  readonly tags: string;
  readonly when: 'now' | 'zone' | 'recipient';
  /** Value of a date-time field. */
  readonly at: string;
  readonly zone: string;
}

type SendRequest = SendMessagesRequest & SendEmailsRequest;

/** The tags of `key:value; key:value`; null when they cannot be read. */
export function readTags(text: string): Record<string, string> | null {
  const pairs = text
    .split(/[;,\n]/)
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([^:]+):(.+)$/.exec(pair));
  if (pairs.includes(null)) return null;
  return Object.fromEntries(
    pairs.map((match) => [match?.[1]?.trim() ?? '', match?.[2]?.trim() ?? '']),
  );
}

/** The next thing to do before the draft can be sent; null when it is complete. */
export function findMissing(draft: Draft, recipients: number): string | null {
  if (recipients === 0) return 'Add recipients first.';
  if (draft.kind === 'emails') {
    if (draft.from === '') return 'Choose a sender.';
    if (draft.subject.trim() === '') return 'Write a subject.';
    if (draft.html.trim() === '') return 'Write the e-mail.';
  } else if (draft.kept === null && draft.text.trim() === '' && draft.mediaUrl.trim() === '')
    return 'Write a text, or add a picture or file.';
  if (draft.when !== 'now' && draft.at === '') return 'Choose a date and time.';
  if (readTags(draft.tags) === null) return 'Write tags as key:value, separated by semicolons.';
  return null;
}

/** The request without `to`: the first line of a request in lines. */
function toHead(draft: Draft): object {
  const tags = readTags(draft.tags) ?? {};
  return {
    content: contentOf(draft),
    ...fromOf(draft),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(draft.when === 'now' || draft.at === ''
      ? {}
      : {
          schedule: {
            sendAt: [
              draft.when === 'zone' ? toInstantText(draft.at, draft.zone) : `${draft.at}:00`,
            ],
          },
        }),
  };
}

function contentOf(draft: Draft): object {
  if (draft.kind === 'emails') return { subject: draft.subject, html: draft.html };
  if (draft.kept !== null) return draft.kept;
  return {
    ...(draft.text === '' ? {} : { text: draft.text }),
    ...(draft.mediaUrl.trim() === '' ? {} : { media: [{ url: draft.mediaUrl.trim() }] }),
  };
}

function fromOf({ kind, from }: Draft): object {
  if (from === '') return {};
  if (kind === 'emails') return { from: { address: from } };
  const [what, id] = [from.slice(0, from.indexOf(':')), from.slice(from.indexOf(':') + 1)];
  if (what === 'request') return { from: JSON.parse(id) as object };
  return { from: what === 'pool' ? { senderPoolId: id } : { senderId: id } };
}

/** A whole send as lines of a request. */
export const toLines = (draft: Draft, { lines }: Recipients, isDryRun: boolean): Blob =>
  new Blob([
    `${JSON.stringify({ ...toHead(draft), ...(isDryRun ? { dryRun: true } : {}) })}\n`,
    lines,
  ]);

/** The preview for one recipient. */
export function preview(
  draft: Draft,
  recipient: Recipient,
  signal?: AbortSignal,
): Promise<DryRun | EmailDryRun> {
  const request = { ...toHead(draft), to: [recipient], dryRun: true } as unknown as SendRequest & {
    readonly dryRun: true;
  };
  return draft.kind === 'emails'
    ? client.emails.send(request, { signal })
    : client.messages.send(request, { signal });
}
