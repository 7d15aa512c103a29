/** Special numbers and mailboxes with fixed outcomes in the simulator, and the random outcomes of all others. */
import type { Receipt, Submission } from './carrier.ts';

/** The outcome of one submission in the simulator. */
export interface Behaviour {
  readonly kind: 'accept' | 'refuse' | 'fail';
  readonly code?: number;
  readonly detail?: string;
  /** In the order in which they are sent. */
  readonly receipts: readonly Receipt['status'][];
  /** Receipts go out before the answer. */
  readonly receiptFirst?: boolean;
  readonly answerDelayMs?: number;
  /** Throttled for this long after the first submission. */
  readonly throttleMs?: number;
}

const DELIVERED: Behaviour = { kind: 'accept', receipts: ['DELIVERED'] };

/** A special number, and the mailbox name (at any domain) with the same outcome. */
export interface SimulatorNumber {
  readonly number: string;
  /** Null where there is no such thing among e-mails. */
  readonly mailbox: string | null;
  /** In words, for the documentation. */
  readonly does: string;
  readonly behave: (submission: Submission, attempt: number) => Behaviour;
}

/** The special numbers, in order. READ means OPENED for e-mails. */
export const SIMULATOR_NUMBERS: readonly SimulatorNumber[] = [
  {
    number: '+15005550001',
    mailbox: 'refused',
    does: 'Refused at submit: FAILED.',
    behave: ({ channel }) =>
      channel === 'EMAIL'
        ? { kind: 'refuse', code: 30005, detail: 'No such mailbox', receipts: [] }
        : {
            kind: 'refuse',
            code: 30006,
            detail: 'Landline or unreachable carrier',
            receipts: [],
          },
  },
  {
    number: '+15005550002',
    mailbox: 'bounced',
    does: 'Accepted, then UNDELIVERED.',
    behave: () => ({ kind: 'accept', receipts: ['UNDELIVERED'] }),
  },
  {
    number: '+15005550003',
    mailbox: 'opened',
    does: 'Delivered, then READ.',
    behave: () => ({ kind: 'accept', receipts: ['DELIVERED', 'READ'] }),
  },
  {
    number: '+15005550004',
    mailbox: 'silent',
    does: 'No receipt ever: stays SENT.',
    behave: () => ({ kind: 'accept', receipts: [] }),
  },
  {
    number: '+15005550005',
    mailbox: 'flaky',
    does: 'Two temporary errors, then delivered.',
    // By the attempt's number rather than by memory, so that it holds across a restart.
    behave: (_, attempt) =>
      attempt <= 2
        ? { kind: 'fail', code: 30008, detail: 'Temporary error', receipts: [] }
        : DELIVERED,
  },
  {
    number: '+15005550006',
    mailbox: null,
    does: 'No RCS: refused there, delivered over the next channel.',
    behave: ({ channel }) =>
      channel === 'RCS'
        ? {
            kind: 'refuse',
            code: 61337,
            detail: 'Recipient does not have RCS enabled.',
            receipts: [],
          }
        : DELIVERED,
  },
  {
    number: '+15005550007',
    mailbox: 'early',
    does: 'The receipt comes before the answer to the submission; delivered.',
    behave: () => ({ ...DELIVERED, receiptFirst: true, answerDelayMs: 200 }),
  },
  {
    number: '+15005550008',
    mailbox: 'noisy',
    does: 'Every receipt three times, out of order; READ.',
    behave: () => ({
      kind: 'accept',
      receipts: ['READ', 'DELIVERED', 'READ', 'DELIVERED', 'DELIVERED', 'READ'],
    }),
  },
  {
    number: '+15005550009',
    mailbox: 'slow',
    does: 'The answer to the submission takes 5 s; delivered.',
    behave: () => ({ ...DELIVERED, answerDelayMs: 5_000 }),
  },
  {
    number: '+15005550010',
    mailbox: 'throttled',
    does: 'Throttled for 2 s, then delivered.',
    behave: () => ({ ...DELIVERED, throttleMs: 2_000 }),
  },
  {
    number: '+15005550011',
    mailbox: 'sender',
    does: 'The first attempt is refused for its sender (30034), the next delivered.',
    behave: (_, attempt) =>
      attempt === 1
        ? {
            kind: 'refuse',
            code: 30034,
            detail: 'The sender is not registered for this network',
            receipts: [],
          }
        : DELIVERED,
  },
];

const BY_NUMBER = new Map(SIMULATOR_NUMBERS.map((each) => [each.number, each]));
const BY_MAILBOX = new Map(SIMULATOR_NUMBERS.map((each) => [each.mailbox, each]));

/** The rule of a special number or mailbox, or null. */
export function findBehaviour(submission: Submission): Behaviour | null {
  const special =
    submission.channel === 'EMAIL'
      ? BY_MAILBOX.get(submission.to.replace(/@.*$/, ''))
      : BY_NUMBER.get(submission.to);
  return special === undefined ? null : special.behave(submission, attemptOf(submission.reference));
}

/** The attempt's number is the 13th digit behind the dash of our references. */
function attemptOf(reference: string): number {
  return Number.parseInt(reference.charAt(reference.indexOf('-') + 13), 16) || 1;
}

/** A number in [0, 1) that depends only on a text and a seed (FNV-1a, then a mix of its bits). */
export function hashReference(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed | 0, 0x9e3779b1);
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
