/** An inbound message: what a recipient wrote to one of our senders. Pure. */
import type { Channel } from './message.ts';

/** As the carrier handed it over; the same message may come more than once. */
export interface InboundMessage {
  readonly channel: Channel;
  /** Who wrote, E.164 where the carrier says so. */
  readonly from: string;
  /** The sender's address that was written to. */
  readonly to: string;
  /** Empty when only media came. */
  readonly text: string;
  /** The carrier's id of it, by which a repetition is recognised; null when it gives none. */
  readonly providerId: string | null;
  readonly receivedAt: Date;
}
