/**
 * Events for subscribers: our name and the public type of each. Events of the hosted API keep its types and data schemas,
 * so that programs written for it keep working. Types of Fanfare's own begin with `fanfare.`. Pure.
 */
import { encodeTypeId } from './ids.ts';

/** The prefix of the hosted API's types. */
const HOSTED = 'com.twilio.comms-api.';
const OWN = 'fanfare.';
const SCHEMAS = 'https://events-schemas.twilio.com/CommsApi.';

interface EventKind {
  /** The CloudEvents `type`. */
  readonly type: string;
  /** The CloudEvents `dataschema`; null for our own. */
  readonly schema: string | null;
}

const hosted = (name: string, schema: string): EventKind => ({
  type: `${HOSTED}${name}`,
  schema: `${SCHEMAS}${schema}`,
});
const own = (name: string): EventKind => ({ type: `${OWN}${name}`, schema: null });

/** By the name in the database. */
export const EVENT_KINDS = {
  'operation.scheduled': hosted('operation.scheduled', 'OperationScheduled/2'),
  'operation.processing': hosted('operation.processing', 'OperationProcessing/2'),
  'operation.completed': hosted('operation.completed', 'OperationCompleted/2'),
  'operation.canceled': own('operation.canceled'),
  'operation.progress': own('operation.progress'),
  'message.queued': hosted('message.queued', 'MessageQueued/3'),
  'message.sent': hosted('message.sent', 'MessageSent/4'),
  'message.failed': hosted('message.failed', 'MessageFailed/4'),
  'message.delivered': hosted('message.delivered', 'MessageDelivered/4'),
  'message.undelivered': hosted('message.undelivered', 'MessageUndelivered/4'),
  'message.read': hosted('message.read', 'MessageRead/4'),
  'message.canceled': own('message.canceled'),
  'message.inbound': hosted('message.inbound-received', 'MessageInbound/2'),
  'email.queued': own('email.queued'),
  'email.sent': own('email.sent'),
  'email.failed': own('email.failed'),
  'email.delivered': own('email.delivered'),
  'email.undelivered': own('email.undelivered'),
  'email.read': own('email.opened'),
  'email.canceled': own('email.canceled'),
} as const satisfies Record<string, EventKind>;

export type EventName = keyof typeof EVENT_KINDS;

export const EVENT_NAMES = Object.keys(EVENT_KINDS) as readonly EventName[];

/** Default maximum of events in one request, and default time to collect them: at most about 50 kB. */
export const BATCH_SIZE_DEFAULT = 100;
export const BATCH_SIZE_MAX = 1_000;
export const BATCH_DELAY_MS_DEFAULT = 200;
export const BATCH_DELAY_MS_MAX = 60_000;

/** The event that tests a subscription. No subscription selects it. */
export const TEST_TYPE = `${OWN}subscription.test`;

/** All types in the order of the table. */
export const EVENT_TYPES: readonly string[] = EVENT_NAMES.map((name) => EVENT_KINDS[name].type);

/**
 * The names that match a type, or a pattern that ends with `*` (`fanfare.email.*`). Empty if none matches.
 */
export function matchEventType(pattern: string): EventName[] {
  const start = pattern.endsWith('*') ? pattern.slice(0, -1) : null;
  return EVENT_NAMES.filter((name) => {
    const { type } = EVENT_KINDS[name];
    return start === null ? type === pattern : type.startsWith(start);
  });
}

/** A row of the event log: an event of one resource, or the same event of many messages. */
export interface EventRow {
  /** UUID; events of the row count from 1 in its last 24 bits. */
  readonly id: string;
  /** UUID of the operation; of an inbound message, its own. */
  readonly subjectId: string;
  readonly name: EventName;
  readonly at: Date;
  /** 0 before the first attempt. */
  readonly attempt: number;
  /** Position among the candidates of the recipient. */
  readonly candidate: number;
  readonly errorCode: number | null;
  /** Of messages: their positions in `to`. */
  readonly ordinals: readonly number[] | null;
  /** Of progress: the counters then. */
  readonly stats: Readonly<Record<string, number>> | null;
}

/** The public ID of a row's subject. */
export function encodeSubject({ name, subjectId }: Pick<EventRow, 'name' | 'subjectId'>): string {
  return encodeTypeId(name === 'message.inbound' ? 'comms_message' : 'comms_operation', subjectId);
}

/** Events in a row of the log. */
export function countEvents(row: Pick<EventRow, 'ordinals'>): number {
  return row.ordinals?.length ?? 1;
}
