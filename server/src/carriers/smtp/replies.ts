/**
 * Reads refusals of SMTP servers, of an e-mail or of a connection. Servers differ, so the enhanced status (RFC 3463)
 * counts first if it is exact, then the text of the reply, then its number. Pure.
 */
import { ERRORS } from '../../domain/errors.ts';

/** A reply other than success. */
export interface Refusal {
  /** RFC 5321, 4.2. */
  readonly code: number;
  /** The server's words, with their enhanced status (RFC 3463) where it has one. */
  readonly text: string;
  /** The refused part: the connection or sign-in, the sender, the recipient, or the content. */
  readonly stage: Stage;
}

type Stage = 'connection' | 'sender' | 'recipient' | 'content';

export type Meaning =
  /** For good. */
  | { readonly kind: 'rejected'; readonly code: number }
  /** For now: the recipient's mailbox is busy, or we are greylisted. */
  | { readonly kind: 'retry'; readonly code: number }
  /** It is not about this e-mail: the server is unavailable, accepts no more, or refuses our account. */
  | { readonly kind: 'wait' };

/** Log-in, TLS and the like, of whatever they are an answer to (RFC 4954, RFC 3207); the server closes (421). */
const NOT_ABOUT_IT = new Set([421, 454, 530, 534, 535, 538]);

/** Texts of replies, whatever their number. The first match counts. */
type Topic =
  | 'size'
  | 'greylisting'
  /** The recipient gets too much mail, from any sender. */
  | 'recipientLimit'
  /** We send too much. */
  | 'sendingLimit'
  /** Our account is closed, or may not send. */
  | 'account'
  | 'mailboxFull'
  | 'mailboxDisabled'
  | 'relay'
  | 'unknownRecipient'
  | 'sender'
  | 'blocked'
  /** About the server: it has no room, or accepts nothing now. */
  | 'busy';

/** Statuses that are more exact than their subject; statuses with three digits are from Exchange Online and Gmail. */
const STATUSES: Readonly<Record<string, Topic>> = {
  '1.90': 'sendingLimit',
  '2.3': 'size',
  '2.121': 'recipientLimit',
  '2.122': 'recipientLimit',
  '3.4': 'size',
  '4.5': 'sendingLimit',
  '7.28': 'sendingLimit',
  '7.64': 'relay',
  '7.232': 'sendingLimit',
  '7.233': 'sendingLimit',
  '7.705': 'sendingLimit',
};

const words = (...patterns: readonly string[]) => new RegExp(patterns.join('|'), 'i');

const WORDS: readonly (readonly [Topic, RegExp])[] = [
  [
    'size',
    words(
      String.raw`\b(message|mail|e-?mail|content|data|header)s?\b.{0,30}\b(size|too (big|large|long))`,
      String.raw`\bsize\b.{0,30}\b(limit|exceed|maximum)`,
      String.raw`\bhop ?count|too many (hops|received)`,
    ),
  ],
  ['greylisting', /gr[ea]y-? ?list/i],
  [
    'recipientLimit',
    words(
      String.raw`\b(user|recipient|mailbox|contact)\b.{0,60}\b(receiving|receive|incoming|inbound|their (message|mail))\b.{0,40}\b(rate|limit|quickly|fast|quota)`,
      'RecipientThrottled',
    ),
  ],
  [
    'mailboxFull',
    words(
      String.raw`\b(mail ?box|inbox|maildir)\b[^;.]{0,40}\b(full|quota|exceed|size)`,
      String.raw`\bover ?(its |their |the |his |her )?(disk |storage )?quota\b`,
      String.raw`\b(user|recipient|account|disk|storage|space)\b.{0,20}\b(is )?(over ?quota|out of (quota|storage|space)|full)\b`,
      String.raw`\bstorage (allocation|quota|limit|space)|\b(disk|storage) quota`,
      String.raw`\bquota exceeded \((mailbox|user|account)`,
      String.raw`\bsufficient (disk )?space .{0,20}\b(mailbox|user|recipient)`,
    ),
  ],
  [
    'sendingLimit',
    words(
      // A limit and its object, in either order.
      String.raw`\b(limit|quota|maximum|max|threshold|allowance|credits?)\b.{0,60}(\b(per|every|in|for|within|of) (the |a |an |last |this |your )*(\d+ ?)?(s|sec|seconds?|min|minutes?|h|hours?|hrs?|days?|month)\b|\/ ?(h|hour|day|min))`,
      String.raw`\b(send(ing)?|sent|outgoing|outbound|submission|submit|relay(ing)?|daily|hourly|monthly|message count|messages?|e-?mails?|recipients?|rcpts?|transaction|connection|volume)\b( delivery)?( request)?( \w+){0,2} (limits?|quotas?|allowance|maximum|rates?)\b`,
      String.raw`\b(exceed(s|ed|ing)?|reach(ed)?|over)\b.{0,60}\b(send(ing)?|sent|outgoing|outbound|daily|hourly|monthly|max|messages?|e-?mails|mails|rcpts?|recipients)\b.{0,40}\b(limit|quota|per|rate|count|allowed|hour|day)\b`,
      String.raw`\b(hourly|daily|monthly|24[- ]?hours?|per (second|minute|hour|day))\b.{0,40}\b(limit|quota|exceed|maximum)`,
      String.raw`\bmaximum credits|\bsubmission ?quota|\bquota ?exceeded ?exception.{0,5}submi`,
      // Speed.
      String.raw`\brate[- ]?(over)?limit|\brate .{0,20}(exceed|limit|quota|too high)|\b(exceed\w*|unusual|sending|sender|message|mail|e-?mail|connection) .{0,20}\brate\b`,
      String.raw`\bthrottl|\bslow(ing)? down|\btoo (fast|quickly|frequent|much (mail|e-?mail|messages))`,
      String.raw`\btoo many (concurrent |simultaneous |smtp |invalid |bad |unknown |failed |new |recent )*(messages?|mails?|e-?mails?|connections?|sessions?|recipients?|rcpts?|requests?|attempts?|errors?|commands?|transactions?|users?|defers|failures)\b`,
      String.raw`\bunusual (sending|volume|activity|rate)`,
    ),
  ],
  [
    'account',
    words(
      String.raw`\b(your|sender'?s?|sending|this|smtp)( \w+)? account\b.{0,40}\b(suspend|disabled|block|lock|paus|deactivated|restricted)`,
      String.raw`\b(insufficient|not enough|no( more)?|out of|ran out of) (account )?(credits?|balance|funds)\b`,
      String.raw`\b(credits?|balance)\b.{0,30}\b(empty|exhausted|used up|expired|too low|insufficient|limit)\b`,
      String.raw`\b(trial|plan|your subscription)\b.{0,30}\b(expired|ended|exhausted|limit)\b`,
      String.raw`\bpayment (is )?(required|overdue)`,
      String.raw`\bsending (is )?(paused|suspended|disabled)|\bnot authorized to perform\b|\bauthenticat\w+ (is )?(required|failed)`,
    ),
  ],
  [
    'mailboxDisabled',
    words(
      String.raw`\b(mailbox|account|user|recipient)\b.{0,50}\b(disabled|inactive|suspended|deactivated|locked|not active|discontinued)`,
      String.raw`\b(disabled|inactive|suspended|deactivated) (mailbox|account|user|recipient)`,
    ),
  ],
  [
    'relay',
    words(
      String.raw`\brelay(ing)?( access)? (is )?(denied|not permitted|not allowed|prohibited|disabled)`,
      String.raw`\b(not (permitted|allowed) to|unable to|cannot|does(n't| not)|will not) relay\b`,
    ),
  ],
  [
    'unknownRecipient',
    words(
      String.raw`\bunknown (user|recipient|mailbox|address|account|local)|\bno such (user|recipient|mailbox|person|address|account|domain)|\bno (mailbox|user) (here|by that)`,
      String.raw`\b(user|recipient|mailbox|account|address|domain)\b.{0,60}\b(unknown|not found|not exist|n't exist|no longer|not known|not listed)`,
      String.raw`\b(user|recipient) ?not ?found\b|\bRecipNotFound\b|\bdoes(n't| not) have an? \S+ account\b`,
      String.raw`\b(not a valid|invalid|bad) (mailbox|recipient|user|destination|address)|\bunrouteable\b`,
      String.raw`\brecipient address rejected: (access denied|undeliverable|unverified)|\bhost or domain name not found|\bdomain (name )?not found\b`,
    ),
  ],
  [
    'sender',
    words(
      String.raw`\b(sender|from|return[- ]path)( address)?\b.{0,40}\b(reject|denied|refused|not (allowed|permitted|verified|owned|authorized)|invalid|verif\w+ failed)`,
      String.raw`\b(address|domain|identity|sender) is not verified|\bunauthenticated senders?\b|\bSendAsDenied`,
    ),
  ],
  [
    'blocked',
    words(
      String.raw`\bspam|\bunsolicited|\bjunk\b|\bvirus|\bmalware|\bphish|\bblock(ed|ing|[- ]?list)|\bblack-? ?list|\bdeny-? ?list|\bDNSBL\b|\bRBL\b|\breputation\b|\bbanned\b`,
      String.raw`\bpolic(y|ies)\b|\b(SPF|DKIM|DMARC)\b|\bunauthenticated\b|\bcontent (reject|filter)|\bsecurity (issue|risk|threat)|\bcomplaints?\b`,
    ),
  ],
  // The text that RFC 5321, 4.2.3 suggests for 550; servers also use it for other refusals.
  ['unknownRecipient', /\bmailbox (is )?(unavailable|not available)/i],
  [
    'busy',
    words(
      String.raw`\b(insufficient|not enough|out of|low on|no) (system )?(storage|disk|space|resources)|\bspace shortage`,
      String.raw`\bserver (is )?(too )?busy\b|\bsystem (is )?(overloaded|shutting down|unavailable)|\bservice (is )?(temporarily )?unavailable|\btoo busy\b`,
    ),
  ],
];

/** Maximum length of a text that is read. */
const TEXT_LENGTH_MAX = 1_000;

function findTopic(enhanced: string | null, text: string): Topic | null {
  const exact = enhanced === null ? undefined : STATUSES[enhanced];
  if (exact !== undefined) return exact;
  const said = text.slice(0, TEXT_LENGTH_MAX);
  return WORDS.find(([, pattern]) => pattern.test(said))?.[0] ?? null;
}

/** The meaning of a refusal. */
export function classifyRefusal({ code, text, stage }: Refusal): Meaning {
  const enhanced = readEnhanced(text);
  if (stage === 'connection' || NOT_ABOUT_IT.has(code)) return { kind: 'wait' };
  // A mailbox (2.x) has limits of its own; where its owner gets too much, others do not.
  const topic = findTopic(enhanced, text);
  const isMailbox = /^2\.[1-4]$/.test(enhanced ?? '');
  if (topic === 'recipientLimit') return { kind: 'retry', code: ERRORS.unreachable.code };
  if ((topic === 'sendingLimit' || topic === 'account') && !isMailbox) return { kind: 'wait' };
  if (code >= 500) return { kind: 'rejected', code: codeOf(enhanced, text, stage) };
  const isBusy = (topic === 'busy' || /^3\.[12]$/.test(enhanced ?? '')) && !isMailbox;
  // A 4xx about a limit means our limit, unless it names the mailbox.
  const isLimit = topic === null && !isMailbox && /\bexceed|\blimit/i.test(text);
  return isBusy || isLimit ? { kind: 'wait' } : { kind: 'retry', code: ERRORS.unreachable.code };
}

/** The subject and detail of the first enhanced status, `1.1` of `5.1.1`; null if there is none. */
export function readEnhanced(text: string): string | null {
  return (
    /(?:^|[\s([<#:;=-])[245]\.(\d{1,3}\.\d{1,3})(?=$|[\s)\]>:;,=-]|\.(?:\s|$))/.exec(text)?.[1] ??
    null
  );
}

/** The code of a reply's text; null if only the status can decide. */
function codeOfTopic(topic: Topic | null, stage: Stage): number | null {
  switch (topic) {
    case 'size':
      return ERRORS.carrierFault.code;
    case 'mailboxFull':
    case 'mailboxDisabled':
    case 'recipientLimit':
      return ERRORS.unreachable.code;
    case 'relay':
    case 'sender':
      return ERRORS.senderRefused.code;
    case 'unknownRecipient':
      return stage === 'sender' ? ERRORS.senderRefused.code : ERRORS.unknownDestination.code;
    case 'blocked':
      return ERRORS.filtered.code;
    default:
      return null;
  }
}

/**
 * The code of a refusal for good, by RFC 3463, 3: addressing, mailbox, mail system, network, protocol, content, policy. An
 * exact status counts first; one that could be said of anything (`5.0.0`, `5.7.1`) only after the words.
 * @param enhanced as `readEnhanced`
 */
export function codeOf(enhanced: string | null, text: string, stage: Stage): number {
  const [subject = 0, detail = 0] = (enhanced ?? '0.0').split('.').map(Number);
  if (subject === 1 && (detail === 7 || detail === 8)) return ERRORS.senderRefused.code;
  const isExact = (subject === 1 || subject === 2) && detail > 0 && detail < 100;
  const topic = isExact && detail !== 3 ? null : findTopic(enhanced, text);
  const known = codeOfTopic(topic, stage);
  if (known !== null) return known;
  if (stage === 'sender') return ERRORS.senderRefused.code;
  if (subject === 1) return ERRORS.unknownDestination.code;
  if (subject === 2) return ERRORS.unreachable.code;
  if (subject === 7 || (subject === 6 && stage !== 'recipient')) return ERRORS.filtered.code;
  // Its domain leads nowhere, or its server was silent to the end.
  if (subject === 4)
    return detail === 4 || detail === 310
      ? ERRORS.unknownDestination.code
      : ERRORS.unreachable.code;
  if (enhanced === null && stage === 'recipient') return ERRORS.unknownDestination.code;
  if (enhanced === null && stage === 'content') return ERRORS.filtered.code;
  return ERRORS.carrierFault.code;
}
