/** States and events of a session, for its link. */
import type { PduOf } from './pdu.ts';

/** The state of a session. */
export type SessionState = 'CLOSED' | 'CONNECTING' | 'BINDING' | 'BOUND' | 'DRAINING' | 'UNBINDING';

/** A message from the SMSC: a receipt or an inbound message. */
export type Delivery = PduOf<'deliver_sm' | 'data_sm'>;

/** Why a session ended. */
export interface SessionEnd {
  readonly reason: string;
  /** The SMSC refused the bind permanently. */
  readonly isRefused: boolean;
}

/** Receiver of a session's events. */
export interface SessionEvents {
  onBound(): void;
  /** A request was answered or given up: there is room in the window. */
  onRoom(): void;
  /** Answer with a status, once, at any time. False: read no more until `resume`. */
  onDelivery(delivery: Delivery, answer: (status: number) => void): boolean;
  /** The SMSC sent a PDU that cannot be read, or that an SMSC must not send. */
  onDamage(): void;
  /** The last event, after the results of all requests. */
  onClosed(end: SessionEnd): void;
}
