/** The counters of operations of both kinds, each message in exactly one of them, with their words and colours. */
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

/** What each status means, in a sentence. */
export const MEANINGS: Readonly<Record<StatusKey, string>> = {
  read: 'Opened by the recipient',
  delivered: 'On the device',
  sent: 'With a carrier, no receipt yet',
  queued: 'Waiting to be handed over',
  scheduled: 'Its time has not come',
  undelivered: 'Taken by a carrier, and not delivered',
  failed: 'No carrier has taken it',
  canceled: 'Stopped before it was handed over',
  unaddressable: 'No sender reaches the recipient',
};

const ORDER = Object.keys(LABELS) as StatusKey[];

/** All counters, best first. */
export function countersOf({ stats }: AnyOperation): Counter[] {
  const exclusive: Record<StatusKey, number> =
    'opened' in stats
      ? {
          ...stats,
          // Of e-mails what was opened is counted as delivered and sent, too.
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

/** The word for a status of a message. */
export const statusLabel = (status: string): string =>
  status.slice(0, 1) + status.slice(1).toLowerCase();

/** Messages that were handed over or have ended. */
export function doneOf(operation: AnyOperation): number {
  const { total, scheduled, queued } = operation.stats;
  return total - scheduled - queued;
}

/** Whether its counters may still move. */
export function isLive(operation: AnyOperation): boolean {
  const counters = countersOf(operation);
  const open = counters.filter(({ key }) => ['queued', 'scheduled', 'sent'].includes(key));
  return open.some(({ count }) => count > 0);
}

/** Whether messages wait to be handed over, or for their time. */
export function isOpen({ status }: AnyOperation): boolean {
  return status === 'PROCESSING' || status === 'SCHEDULED';
}
