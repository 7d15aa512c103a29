/** The checks of an audit, and the findings that they report. */
import type { Channel } from '../../domain/message.ts';

export interface AuditScope {
  /** Operations accepted since then are counted, and older ones that have work in the queue. */
  readonly since: Date;
  /** Only this operation (UUID) of them; null: all. */
  readonly operationId: string | null;
  /** Work that has waited for less than this is not reported. */
  readonly patienceMs: number;
  /** Carriers of the configuration. */
  readonly carriers: readonly string[];
  /** Senders of the configuration. */
  readonly senders: readonly {
    readonly channel: Channel;
    readonly address: string;
    readonly carrier: string;
  }[];
  /** Folder of the embedded database; null where the database is elsewhere. */
  readonly folder: string | null;
}

/** Kinds of findings, for programs that read them. */
export type Check =
  | 'counters'
  | 'status'
  | 'orphans'
  | 'batches'
  | 'tasks'
  | 'leases'
  | 'carriers'
  | 'overdue'
  | 'receipts'
  | 'inbound'
  | 'senders'
  | 'subscriptions'
  | 'quotas'
  | 'clock'
  | 'partitions'
  | 'indexes'
  | 'migrations'
  | 'vacuum'
  | 'transactions'
  | 'disk';

export interface Finding {
  readonly check: Check;
  /** The place of the finding; unique together with `check`. */
  readonly where: string;
  readonly what: string;
  /** How to correct it. */
  readonly advice: string;
  /**
   * Repairs the finding and describes the repair, in one transaction that checks again first: if nothing is left to
   * repair, nothing changes. Null if the decision is not for a program.
   */
  readonly repair: (() => Promise<string>) | null;
}

/** A number of things. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A duration as people say it. */
export function describeAge(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
