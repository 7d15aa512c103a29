/**
 * The contract of a carrier: a configured connection that can submit messages.
 *
 * A carrier never throws for an operating fault: every outcome is a `SendResult`. A throw is a bug and
 * is treated as `retry`. Codes are from the error table; the peer's own message goes into `detail`.
 */
import type { EmailBody } from '../domain/email.ts';
import { ERRORS } from '../domain/errors.ts';
import type { InboundMessage } from '../domain/inbound.ts';
import type { Channel } from '../domain/message.ts';
import type { RcsBody } from '../domain/rcs.ts';
import type { Receipt } from '../domain/receipt.ts';

export type { InboundMessage } from '../domain/inbound.ts';
export type { Receipt } from '../domain/receipt.ts';

/** One message to submit once. */
export interface Submission {
  /**
   * Our name for this attempt, the same when it is sent again after a crash, so that a carrier which
   * can de-duplicate may. At most 48 characters of `[0-9a-z-]`. Receipts quote it.
   */
  readonly reference: string;
  readonly channel: Channel;
  /** The sender's address: a number, a short code, an agent id, an e-mail address. */
  readonly from: string;
  /** The recipient's address: E.164, or an e-mail address. */
  readonly to: string;
  readonly text: string | null;
  readonly mediaUrls: readonly string[];
  /**
   * Rich content, rendered, for RCS and (from templates) WHATSAPP; null: only text and media. With rich content, `text`
   * is its plain text, for a carrier that cannot show it.
   */
  readonly rich: RcsBody | null;
  /** The content of an e-mail; null on all other channels. */
  readonly email: EmailBody | null;
  /** End of its validity, which is passed to carriers that support it; null: none. */
  readonly expireAt: Date | null;
}

/** The result of one submission. Delays are in milliseconds. */
export type SendResult =
  /**
   * Accepted by the carrier; `providerId` is the carrier's own id as it was given. Receipts may follow, or may have come already.
   */
  | {
      readonly kind: 'accepted';
      readonly providerId: string;
      /** The ids of all parts, the first one included, when it took more than one. */
      readonly partIds?: readonly string[];
    }
  /** Refused for good over this channel. */
  | { readonly kind: 'rejected'; readonly code: number; readonly detail: string }
  /** Refused for now: counts as an attempt, to be tried again, not before `afterMs` when given. */
  | {
      readonly kind: 'retry';
      readonly code: number;
      readonly detail: string;
      readonly afterMs?: number;
    }
  /** Not accepted because we are too fast: no attempt, and the window shrinks. */
  | { readonly kind: 'throttled'; readonly afterMs: number }
  /** In doubt: the connection was lost or no answer came in time. `ambiguous` of the carrier decides. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** Whether a submission has expired. */
export function hasExpired({ expireAt }: Submission, nowMs: number): boolean {
  return expireAt !== null && expireAt.getTime() <= nowMs;
}

/** The result of an expired submission. */
export const EXPIRED: SendResult = {
  kind: 'rejected',
  code: ERRORS.expired.code,
  detail: 'It expired before it was submitted',
};

/** Accepts receipts; resolves when they are stored. The carrier acknowledges them only then. */
export type ReceiptSink = (receipts: readonly Receipt[]) => Promise<void>;

/** Accepts inbound messages; resolves when they are stored, rejects if that is impossible. */
export type InboundSink = (messages: readonly InboundMessage[]) => Promise<void>;

/** The state of a carrier's connections, for operators. */
export interface CarrierState {
  /** Connections that there should be. */
  readonly connections: number;
  /** Connections that can be used now. */
  readonly connected: number;
  /** The reason for which some are not usable, in words; null if all are usable or nothing is known. */
  readonly detail: string | null;
}

/** Connections of a carrier that all nodes share. */
export interface SharedConnections {
  /** Most over all nodes, and most that this one has a use for. */
  readonly max: number;
  readonly wanted: number;
  /** Open, or being opened or closed. */
  readonly inUse: number;
  /** How many there may be, as `allow` said last; 0 before. */
  readonly allowed: number;
  /** Opens or closes connections until there are `count`. A connection is drained before it is closed. */
  allow(count: number): void;
}

export interface Carrier {
  readonly name: string;
  /** Channels it can submit over. */
  readonly channels: ReadonlySet<Channel>;
  /**
   * The treatment of a submission whose outcome is unknown after a crash: `hold` ends it UNDELIVERED with an error,
   * `resend` submits it again with the same reference. The same applies to the result `unknown`, but `resend` is then a
   * new attempt.
   */
  readonly ambiguous: 'hold' | 'resend';
  /** Whether receipts name submissions by the carrier's own ids, which must be kept for that, instead of our reference. */
  readonly quotesOwnIds: boolean;
  /** Most submissions that may be without an answer at one moment. */
  readonly windowMax: number;
  /**
   * Opens the connection, or begins to: an unavailable far side is not an error. Receipts and inbound messages may
   * arrive from now until `stop` resolves; without `inbound`, inbound messages are dropped.
   */
  start(receive: ReceiptSink, inbound?: InboundSink): Promise<void>;
  /**
   * Whether it has a connection to submit over; absent if only a submission shows that. Without a connection nothing is
   * submitted, except for messages under way.
   */
  canTake?(): boolean;
  /** Submits one message; resolves with the answer, however late. An expired message is refused. */
  send(submission: Submission): Promise<SendResult>;
  /** Closes the connection; accepted messages stay accepted. */
  stop(): Promise<void>;
  /** Connections that have to be allowed before they are opened; absent where each node has its own. */
  readonly shared?: SharedConnections;
  /** The state of its connections; absent if it has none. */
  state?(): CarrierState;
}
