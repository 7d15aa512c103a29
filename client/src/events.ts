/** The events of the API (CloudEvents 1.0): one union, discriminated by `type`. */
import type { Operation } from './api.ts';

/** All event types. */
export const EVENT_TYPES = [
  'com.twilio.comms-api.operation.scheduled',
  'com.twilio.comms-api.operation.processing',
  'com.twilio.comms-api.operation.completed',
  'fanfare.operation.canceled',
  'fanfare.operation.progress',
  'com.twilio.comms-api.message.queued',
  'com.twilio.comms-api.message.sent',
  'com.twilio.comms-api.message.failed',
  'com.twilio.comms-api.message.delivered',
  'com.twilio.comms-api.message.undelivered',
  'com.twilio.comms-api.message.read',
  'fanfare.message.canceled',
  'com.twilio.comms-api.message.inbound-received',
  'fanfare.email.queued',
  'fanfare.email.sent',
  'fanfare.email.failed',
  'fanfare.email.delivered',
  'fanfare.email.undelivered',
  'fanfare.email.opened',
  'fanfare.email.canceled',
  'fanfare.subscription.test',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/**
 * ```ts
 * if (event.type === 'com.twilio.comms-api.message.failed')
 *   console.log(event.data.message_id, event.data.error_code);
 * ```
 * A newer server may send types that are not here yet: ignore them.
 */
export type FanfareEvent = { [Type in EventType]: CloudEvent<Type> }[EventType];

/** An event of one type. */
export interface CloudEvent<Type extends EventType> {
  readonly specversion: '1.0';
  /** Stays the same when the event is delivered again. */
  readonly id: string;
  /** Path of the resource. */
  readonly source: string;
  readonly type: Type;
  /** Of types that the hosted API has. */
  readonly dataschema?: string;
  readonly datacontenttype: 'application/json';
  readonly time: Date;
  readonly data: EventData<Type>;
}

/** The data of an event of a type. */
export type EventData<Type extends EventType> = Type extends 'fanfare.operation.progress'
  ? ProgressEventData
  : Type extends `${string}.operation.${string}`
    ? OperationEventData
    : Type extends 'com.twilio.comms-api.message.inbound-received'
      ? InboundEventData
      : Type extends `${string}.message.${string}`
        ? MessageEventData
        : Type extends `${string}.email.${string}`
          ? EmailEventData
          : TestEventData;

export interface OperationEventData {
  readonly operation_id: string;
}

export interface ProgressEventData extends OperationEventData {
  /** As it was at `time`. */
  readonly stats: Operation['stats'];
}

/** What events of messages and of e-mails have in common. */
interface AttemptEventData {
  readonly operation_id: string;
  readonly account_sid: string;
  /** From "1"; "0" while no carrier was asked. */
  readonly attempt: string;
  /** Of failed and undelivered ones. */
  readonly error_code?: string;
  /** `SM…`, from the first attempt on. */
  readonly downstream_id?: string;
  /** The sender; absent once the message is erased. */
  readonly from?: {
    readonly id?: string;
    readonly address: string;
    readonly channel: 'SMS' | 'RCS' | 'WHATSAPP' | 'EMAIL';
  };
  /** The recipient; absent once the message is erased. */
  readonly to?: {
    readonly address: string;
    readonly channel: 'PHONE' | 'WHATSAPP' | 'EMAIL';
  };
  readonly tags: Readonly<Record<string, string>>;
}

export interface MessageEventData extends AttemptEventData {
  readonly message_id: string;
}

export interface EmailEventData extends AttemptEventData {
  readonly email_id: string;
}

export interface InboundEventData {
  readonly operation_id: null;
  readonly message_id: string;
  readonly account_sid: string;
  readonly downstream_id: string;
  readonly session_id: null;
  readonly from: { readonly address: string; readonly channel: 'SMS' | 'RCS' | 'WHATSAPP' };
  /** One of your senders. */
  readonly to: {
    readonly id?: string;
    readonly address: string;
    readonly channel: 'PHONE' | 'WHATSAPP';
  };
  readonly text: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface TestEventData {
  readonly subscription_id: string;
}
