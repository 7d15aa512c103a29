/**
 * A message: one recipient of an operation on its way.
 *
 * ```
 *  SCHEDULED ──due──▶ QUEUED ──accepted by a carrier──▶ SENT ──receipt──▶ DELIVERED ──▶ READ
 *      │                │  │                             │                    ▲
 *      │                │  └─refused, expired──▶ FAILED  └──▶ UNDELIVERED ────┘ (a better, later receipt)
 *      └───cancel───────┴──▶ CANCELED
 * ```
 * The arrows are the only transitions. A status only changes to a higher rank, so a duplicate, late or
 * reordered receipt never counts twice and never downgrades a message.
 */

/** Channels of messages. */
export const MESSAGE_CHANNELS = ['SMS', 'RCS', 'WHATSAPP'] as const;
/** All channels. E-mails are a separate resource on the same path. */
export const CHANNELS = [...MESSAGE_CHANNELS, 'EMAIL'] as const;
export type Channel = (typeof CHANNELS)[number];
/** Channels that a request may ask for. No sender has the channel PUSH, so nothing is found for it. */
export const ASKED_CHANNELS = [...CHANNELS, 'PUSH'] as const;
export type AskedChannel = (typeof ASKED_CHANNELS)[number];

/** Address spaces of messages' recipients: `PHONE` is reachable by SMS and RCS. */
export const MESSAGE_ADDRESS_CHANNELS = ['PHONE', 'WHATSAPP'] as const;
/** All address spaces; each channel uses one. */
export const ADDRESS_CHANNELS = [...MESSAGE_ADDRESS_CHANNELS, 'EMAIL'] as const;
export type AddressChannel = (typeof ADDRESS_CHANNELS)[number];

/**
 * Message states in order of rank; PostgreSQL's enum `message_status` has the same words in the same
 * order, so `<` means the same there. FAILED and CANCELED end a message that was never accepted by a
 * carrier, hence they rank above all: no receipt can follow them.
 */
export const MESSAGE_STATUSES = [
  'SCHEDULED',
  'QUEUED',
  'SENT',
  'UNDELIVERED',
  'DELIVERED',
  'READ',
  'FAILED',
  'CANCELED',
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

const RANK = new Map<MessageStatus, number>(MESSAGE_STATUSES.map((status, rank) => [status, rank]));

/** The rank of a status; a message only changes to a higher one. */
export function rankOf(status: MessageStatus): number {
  return RANK.get(status) ?? -1;
}

/** One address of a recipient, in the order the sender prefers. */
export interface Address {
  readonly address: string;
  readonly channel: AddressChannel;
  /** Of the person, with an e-mail address. */
  readonly name?: string;
}

/**
 * One entry of `to`. `connected` records the form in the request (`addresses` instead of `address`),
 * so that answers use the same form.
 */
export interface Recipient {
  readonly addresses: readonly [Address, ...Address[]];
  readonly connected: boolean;
  readonly variables: Readonly<Record<string, string>> | null;
}

/** Text and media of a message, before (templates) or after (rendered) personalisation. */
export interface Content {
  readonly text: string | null;
  /** At most 10 URLs, in order. */
  readonly mediaUrls: readonly string[];
}
