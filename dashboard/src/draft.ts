/** What is being composed, and the request that it makes. */
import type { DryRun, EmailDryRun, SendEmailsRequest, SendMessagesRequest } from '@fanfare/client';
import { client } from './api.ts';
import type { Kind } from './counters.ts';
import type { Recipient } from './recipients.ts';
import { toInstantText } from './zones.ts';

export interface Draft {
  readonly kind: Kind;
  readonly text: string;
  readonly mediaUrl: string;
  readonly subject: string;
  readonly html: string;
  /** Content of an operation that is sent again, where it is no plain text. */
  readonly kept: SendMessagesRequest['content'] | null;
  /** ``: the default; `sender:…` and `pool:…` with an id, `request:…` with one that is sent again; of e-mails an address. */
  readonly from: string;
  readonly tags: string;
  readonly when: 'now' | 'zone' | 'recipient';
  /** Of a date-time field. */
  readonly at: string;
  readonly zone: string;
}

export type SendRequest = SendMessagesRequest & SendEmailsRequest;

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

/** What is still missing, in words; null when it can be sent. */
export function findMissing(draft: Draft, recipients: number): string | null {
  if (recipients === 0) return 'Recipients are missing.';
  if (draft.kind === 'emails') {
    if (draft.from === '') return 'An e-mail needs a sender.';
    if (draft.subject.trim() === '') return 'The subject is missing.';
    if (draft.html.trim() === '') return 'The e-mail says nothing yet.';
  } else if (draft.kept === null && draft.text.trim() === '' && draft.mediaUrl.trim() === '')
    return 'The message says nothing yet.';
  if (draft.when !== 'now' && draft.at === '') return 'The time of sending is missing.';
  if (readTags(draft.tags) === null) return 'Write tags as key:value, with semicolons between.';
  return null;
}

/** The request without `dryRun`, to these recipients. */
export function toRequest(draft: Draft, to: readonly Recipient[]): SendRequest {
  const tags = readTags(draft.tags) ?? {};
  return {
    to,
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
  } as unknown as SendRequest;
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

/** What a send to these recipients would come to; nothing is sent. */
export function dryRun(
  draft: Draft,
  to: readonly Recipient[],
  signal?: AbortSignal,
): Promise<DryRun | EmailDryRun> {
  const request = { ...toRequest(draft, to), dryRun: true } as const;
  return draft.kind === 'emails'
    ? client.emails.send(request, { signal })
    : client.messages.send(request, { signal });
}
