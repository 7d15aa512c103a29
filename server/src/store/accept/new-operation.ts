/** A new operation as it is written: with its messages, batches and unreachable recipients. */
import type { OperationContent } from '../../domain/content.ts';
import type { EmailAttachment } from '../../domain/email.ts';
import type { Address, Channel, MessageStatus, Recipient } from '../../domain/message.ts';
import type { SendPlan } from '../../domain/operation.ts';

export interface NewMessage {
  /** Position in `to`. */
  readonly ordinal: number;
  readonly recipient: Recipient;
  /** Channel of the first candidate. */
  readonly channel: Channel;
  /** Tags of this recipient, when they differ from the operation's. */
  readonly tags: Readonly<Record<string, string>> | null;
  /** When to send it, null for now. */
  readonly dueAt: Date | null;
}

/** Messages that are due together, of one sender or of several without limits. */
export interface NewBatch {
  readonly carrier: string;
  readonly candidate: number;
  /** Null for an address that is no sender of ours, and for several senders. */
  readonly senderId: string | null;
  /** When to send them, null for now. */
  readonly dueAt: Date | null;
  readonly ordinals: readonly number[];
}

/** Recipients of a new operation, or some of them. */
export interface NewRows {
  readonly messages: readonly NewMessage[];
  readonly unaddressable: readonly {
    readonly ordinal: number;
    readonly code: number;
    readonly addresses: readonly Address[];
  }[];
  readonly batches: readonly NewBatch[];
}

/** A new operation without its recipients. */
export interface NewOperationHead {
  readonly accountId: number;
  readonly id: string;
  /** Templates, not yet rendered. */
  readonly content: OperationContent;
  /** Files of e-mails. */
  readonly attachments: readonly EmailAttachment[];
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  /** The time of sending of all its messages; null: now, or different times. */
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
  /** The subscription of its `statusCallback`. */
  readonly callbackId: string | null;
  readonly idempotency: {
    readonly key: string;
    /** SHA-256 of the request's body. */
    readonly fingerprint: Buffer;
    readonly expiresAt: Date;
  } | null;
}

/** Recipients of a new operation, by number. */
export interface RecipientCounts {
  /** Messages, and of these, those that are due at once. */
  readonly total: number;
  readonly queued: number;
  readonly unaddressable: number;
}

export interface NewOperation extends NewOperationHead, NewRows {}

export function statusAt(dueAt: Date | null): MessageStatus {
  return dueAt === null ? 'QUEUED' : 'SCHEDULED';
}

/** The time of sending of a message, when it is not its operation's. */
export const ownDueAt = (
  { dueAt }: NewMessage,
  { scheduledFor }: Pick<NewOperationHead, 'scheduledFor'>,
) => (scheduledFor === null ? dueAt : null);

/** The addresses of a message as a list, unless the first is all that there is. A name stands beside its address. */
export function writtenAddresses({ recipient }: NewMessage): readonly Address[] | null {
  const { addresses, connected } = recipient;
  return connected || addresses[0].name !== undefined ? addresses : null;
}
