/** Dry run: shows the messages of a request, recipient by recipient, without writing anything. */
import { chooseContent, renderContent, type ChannelContent } from '../domain/content.ts';
import { ERRORS, findError, type Problem } from '../domain/errors.ts';
import type { Address, Channel } from '../domain/message.ts';
import type { RcsBody } from '../domain/rcs.ts';
import { describeUnreached, listCandidates, type Candidate } from '../domain/routing.ts';
import { measureSms } from '../domain/segments.ts';
import type { SendRequest } from '../domain/send-request.ts';
import type { SuppressionIndex } from '../domain/suppression.ts';
import type { Work } from '../lib/fair-share.ts';
import { findDuplicates, type Duplicate } from './duplicates.ts';
import { PLACES_IN_LIST, type Places } from './places.ts';
import { previewEmails, type EmailDryRun } from './email-dry-run.ts';
import { leaveOutSuppressed, prepareSend, type PrepareOptions, type SendFacts } from './prepare.ts';
import type { PreparedRecipient } from './recipients.ts';

/** One route of a message. Encoding and segments are for SMS only. */
export interface DryRunRoute {
  readonly channel: Channel;
  readonly from: string;
  readonly to: Address;
  readonly encoding: 'GSM-7' | 'UCS-2' | null;
  readonly segments: number | null;
  /** The content for the channel of this route; with `rich`, the text is its plain form. */
  readonly text: string | null;
  readonly mediaUrls: readonly string[];
  readonly rich: RcsBody | null;
}

export interface DryRunMessage extends DryRunRoute {
  /** `$.to[17]`, or `line 19: $` */
  readonly context: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Routes that would be tried after the first, in order. */
  readonly fallbacks: readonly DryRunRoute[];
}

export interface DryRun {
  readonly recipients: number;
  /** SMS segments of the first routes together. */
  readonly segments: number;
  readonly scheduledFor: Date | null;
  readonly messages: readonly DryRunMessage[];
  readonly unaddressable: readonly Problem[];
  /** Addresses named more than once; each would be sent to as often as it is named. */
  readonly duplicates: readonly Duplicate[];
}

/** Of messages or of e-mails. */
export type AnyDryRun = DryRun | EmailDryRun;

export type DryRunResult =
  | { readonly ok: true; readonly dryRun: AnyDryRun }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly total: number };

/** Prepares a request as `submit` would, and returns the result instead of writing it. */
export function* dryRun(
  request: SendRequest,
  options: PrepareOptions,
  suppressed: SuppressionIndex,
): Work<DryRunResult> {
  const prepared = yield* prepareSend(request, options);
  if (!prepared.ok) return prepared;
  const send = leaveOutSuppressed(prepared.send, suppressed);
  const common = {
    recipients: send.recipients.length,
    scheduledFor: send.scheduledFor,
    unaddressable: send.recipients
      .filter((each) => each.first === null)
      .map((each) => describeUnaddressable(each, send, PLACES_IN_LIST)),
    duplicates: findDuplicates(send.recipients),
  };
  if ('email' in send.content)
    return { ok: true, dryRun: { ...common, emails: yield* previewEmails(send) } };
  const messages: DryRunMessage[] = [];
  for (const each of send.recipients) {
    const message = previewMessage(each, send, PLACES_IN_LIST);
    if (message !== null) messages.push(message);
    yield;
  }
  const segments = messages.reduce((sum, message) => sum + (message.segments ?? 0), 0);
  return { ok: true, dryRun: { ...common, segments, messages } };
}

/** Why a recipient gets no message. */
export function describeUnaddressable(
  { code: found, ordinal, recipient }: PreparedRecipient,
  { plan }: SendFacts,
  places: Places,
): Problem {
  const code = found ?? ERRORS.unaddressable.code;
  const channels = plan.senders.map(({ channel }) => channel);
  const message =
    code === ERRORS.unaddressable.code
      ? `${ERRORS.unaddressable.message} ${describeUnreached(recipient.addresses, channels)}`
      : (findError(code)?.message ?? '');
  return { code, message, context: places.path(ordinal) };
}

/** The message to a recipient; null if there is none. */
export function previewMessage(
  recipient: PreparedRecipient,
  send: SendFacts,
  places: Places,
): DryRunMessage | null {
  if (recipient.first === null) return null;
  const [first, ...others] = listCandidates(recipient.recipient.addresses, send.plan);
  if (first === undefined) return null;
  const rendered = renderContent(send.parsed, recipient.recipient.variables, send.renderAt, {
    requireVariables: false,
  });
  const describe = (candidate: Candidate) =>
    describeRoute(
      candidate,
      rendered.ok
        ? chooseContent(rendered.content, candidate.sender.channel)
        : { text: null, mediaUrls: [], rich: null },
    );
  return {
    context: places.path(recipient.ordinal),
    ...describe(first),
    tags: recipient.tags ?? send.tags,
    fallbacks: others.map(describe),
  };
}

function describeRoute({ sender, to }: Candidate, content: ChannelContent): DryRunRoute {
  const { text, mediaUrls, rich } = content;
  const sms = sender.channel === 'SMS' && text !== null ? measureSms(text) : null;
  return {
    channel: sender.channel,
    from: sender.address,
    to,
    encoding: sms?.encoding ?? null,
    segments: sms?.segments ?? null,
    text,
    mediaUrls,
    rich,
  };
}
