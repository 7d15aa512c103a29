/** Counters of operations of both kinds, with labels and colours. Each message is in exactly one counter. */
import type { EmailOperation, Operation } from '@fanfare/client';

export type AnyOperation = Operation | EmailOperation;
export type Kind = 'messages' | 'emails';

export type StatusKey =
  | 'read'
  | 'delivered'
  | 'sent'
  | 'queued'
  | 'scheduled'
  | 'undelivered'
  | 'failed'
  | 'canceled'
  | 'unaddressable';

export interface Counter {
  readonly key: StatusKey;
  readonly label: string;
  readonly count: number;
}

const LABELS: Readonly<Record<StatusKey, string>> = {
  read: 'Read',
  delivered: 'Delivered',
  sent: 'Sent',
  queued: 'Queued',
  scheduled: 'Scheduled',
  undelivered: 'Undelivered',
  failed: 'Failed',
  canceled: 'Canceled',
  unaddressable: 'Unaddressable',
};

/** The meaning of each status. */
export const MEANINGS: Readonly<Record<StatusKey, string>> = {
  read: 'Opened by the recipient',
  delivered: 'Delivered to the recipient',
  sent: 'Submitted to a carrier, without a receipt yet',
  queued: 'Waiting to be submitted to a carrier',
  scheduled: 'Waiting for the scheduled time',
  undelivered: 'Submitted to a carrier, but not delivered',
  failed: 'Not accepted by any carrier',
  canceled: 'Canceled before it was submitted',
  unaddressable: 'No sender can reach the recipient',
};

const ORDER = Object.keys(LABELS) as StatusKey[];

/** All counters, best first. */
export function countersOf({ stats }: AnyOperation): Counter[] {
  const exclusive: Record<StatusKey, number> =
    'opened' in stats
      ? {
          ...stats,
          // The server counts opened e-mails as delivered and sent, too.
          read: stats.opened,
          delivered: stats.delivered - stats.opened,
          sent: stats.sent - stats.delivered - stats.undelivered,
          unaddressable: stats.recipients - stats.total,
        }
      : stats;
  return ORDER.map((key) => ({
    key,
    label: key === 'read' && 'opened' in stats ? 'Opened' : LABELS[key],
    count: exclusive[key],
  }));
}

/** The status of a message as a key. */
export function statusKey(status: string): StatusKey {
  const key = status.toLowerCase();
  if (key === 'opened') return 'read';
  return key in LABELS ? (key as StatusKey) : 'delivered';
}

/** The label of a message status. */
export const statusLabel = (status: string): string =>
  status.slice(0, 1) + status.slice(1).toLowerCase();

/** Processed messages: submitted, failed or canceled. */
export function doneOf(operation: AnyOperation): number {
  const { total, scheduled, queued } = operation.stats;
  return total - scheduled - queued;
}

/** Whether its counters may still change. */
export function isLive(operation: AnyOperation): boolean {
  const counters = countersOf(operation);
  const open = counters.filter(({ key }) => ['queued', 'scheduled', 'sent'].includes(key));
  return open.some(({ count }) => count > 0);
}

/** Whether messages wait to be submitted, now or at a scheduled time. */
export function isOpen({ status }: AnyOperation): boolean {
  return status === 'PROCESSING' || status === 'SCHEDULED';
}
