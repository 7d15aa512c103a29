/**
 * An operation: one accepted request, and the twelve counters of its progress.
 *
 * ```
 *  SCHEDULED ──a message is due──▶ PROCESSING ──nothing SCHEDULED or QUEUED──▶ COMPLETED
 *      └───────────cancel──────────────┴──▶ CANCELED
 * ```
 * COMPLETED and CANCELED are final; receipts still change counters afterwards.
 */
import { MESSAGE_STATUSES, type Channel, type MessageStatus } from './message.ts';

export const OPERATION_STATUSES = ['SCHEDULED', 'PROCESSING', 'COMPLETED', 'CANCELED'] as const;
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

/** The kind of an operation: each is a separate resource over HTTP. */
export type OperationKind = 'MESSAGES' | 'EMAILS';

/** Maximum number of recipients in one request. */
export const RECIPIENTS_MAX = 10_000;

/** Maximum number of messages in one batch: leasing costs one row for all of them. */
export const BATCH_SIZE_MAX = 500;

/**
 * The counters. Those named after a message status are exclusive, so at every commit
 * `total = scheduled + queued + sent + delivered + read + undelivered + failed + canceled` and
 * `recipients = total + unaddressable`. The database checks both.
 */
export interface OperationStats {
  readonly total: number;
  readonly recipients: number;
  /** Submissions to carriers; with retries and fallbacks more than messages. */
  readonly attempts: number;
  /** Recipients that no sender can reach; they become no message. */
  readonly unaddressable: number;
  readonly scheduled: number;
  readonly queued: number;
  readonly sent: number;
  readonly delivered: number;
  readonly read: number;
  readonly undelivered: number;
  readonly failed: number;
  readonly canceled: number;
}

/** The counter that holds messages of a status. */
export function counterOf(status: MessageStatus): Lowercase<MessageStatus> {
  return status.toLowerCase() as Lowercase<MessageStatus>;
}

/** All of them, in the order in which operations show them. */
export const STAT_NAMES: readonly (keyof OperationStats)[] = [
  'total',
  'recipients',
  'attempts',
  'unaddressable',
  ...MESSAGE_STATUSES.map(counterOf),
];

export interface Operation {
  readonly id: string;
  readonly status: OperationStatus;
  readonly stats: OperationStats;
  /** Time of the pause; null: not paused. */
  readonly pausedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Counts its changes, from 1: of two states the one with the higher number is the later. */
  readonly revision: number;
}

/** A sender as it was when the operation was accepted. */
export interface PlannedSender {
  /** UUID; missing for an address that is no sender of ours. */
  readonly senderId?: string;
  /** UUID of the pool it was chosen from. */
  readonly senderPoolId?: string;
  readonly channel: Channel;
  readonly address: string;
  /** Shown beside the address, of e-mails. */
  readonly name?: string;
  /** Name of the carrier that submits for it. */
  readonly carrier: string;
  /** Its limit when the operation was accepted, in units per second: its share among others of a pool. */
  readonly throughput?: number;
}

/** The plan of an operation: its senders in order of preference, frozen at acceptance. */
export interface SendPlan {
  readonly senders: readonly PlannedSender[];
  /** Whether it answers a person's keyword, also after an opt-out. */
  readonly ignoresSuppressions?: true;
}
