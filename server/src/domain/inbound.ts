/** A message that somebody sent to one of our senders. */
import type { Channel } from './message.ts';

export interface InboundMessage {
  readonly channel: Channel;
  /** Who wrote: E.164 with a plus where the carrier says that the number is international, else as it came. */
  readonly from: string;
  /** The address of ours that it was sent to, in the same form. */
  readonly to: string;
  /** Whole: parts are put together. */
  readonly text: string;
  /** The carrier's id of it, or null. */
  readonly providerId: string | null;
  readonly receivedAt: Date;
}
