/** A send request with a checked shape: the body of `POST /Messages` and `POST /Emails`. */
import type { ModulesContent } from './content.ts';
import type { EmailAttachment } from './email.ts';
import type { EmailContent } from './email-content.ts';
import type { AddressChannel, AskedChannel, Channel } from './message.ts';

export interface RequestedAddress {
  readonly address: string;
  readonly channel: AddressChannel;
  /** With an e-mail address. */
  readonly name?: string;
}

export type RequestedVariables = Readonly<Record<string, string>>;

export type RequestedRecipient =
  | (RequestedAddress & { readonly variables?: RequestedVariables })
  | { readonly addresses: readonly RequestedAddress[]; readonly variables?: RequestedVariables };

export type RequestedContent =
  | { readonly text?: string; readonly media?: readonly { readonly url: string }[] }
  | { readonly contentId: string }
  | ModulesContent
  | EmailContent;

export type RequestedSender =
  | { readonly address: string; readonly channel: Channel; readonly name?: string }
  | { readonly senderId: string }
  | { readonly senderPoolId: string; readonly channels?: ChannelControls };

/** The channels of a pool to use; the lowest priority number comes first. */
export interface ChannelControls {
  readonly filterIn?: readonly AskedChannel[];
  readonly priority?: readonly { readonly channel: AskedChannel; readonly priority: number }[];
}

/** A request without its recipients. */
export interface SendHead {
  readonly content: RequestedContent;
  readonly from?: RequestedSender;
  /** The files of an e-mail, as its content names them. */
  readonly attachments?: readonly EmailAttachment[];
  readonly schedule?: { readonly sendAt: readonly string[] };
  /** Values may be Liquid templates. */
  readonly tags?: Readonly<Record<string, string>>;
  /** RFC 3339; messages that no carrier has by then are not sent any more. */
  readonly expireAt?: string;
  /** A URL that receives all events of the operation. */
  readonly statusCallback?: string;
  /** Show the messages without writing anything. */
  readonly dryRun?: boolean;
}

export interface SendRequest extends SendHead {
  readonly to: readonly RequestedRecipient[];
}
