/**
 * Requests and answers of the API. Generated from the server's `/openapi.json` by `npm run generate`: do not edit.
 */

export type AddSendersRequest = {
  senderId: string;
}[];
/**
 * PHONE is reached by RCS and SMS.
 *
 */
export type AddressChannel = 'PHONE' | 'WHATSAPP' | 'EMAIL';
/**
 * PHONE is reached by RCS and SMS.
 *
 */
export type MessageAddressChannel = 'PHONE' | 'WHATSAPP';
/**
 * Channel of delivery.
 *
 */
export type MessageChannel = 'SMS' | 'RCS' | 'WHATSAPP';

export type Scope = 'send' | 'read' | 'manage';

export type CallToAction = UrlAction | PhoneAction;

export type UrlActionType = 'URL';

export type PhoneActionType = 'PHONE_NUMBER';

export type CardAction = UrlAction | PhoneAction | CardQuickReply;

export type QuickReplyType = 'QUICK_REPLY';
/**
 * Channel of delivery.
 *
 */
export type Channel = 'SMS' | 'RCS' | 'WHATSAPP' | 'EMAIL';

export type ChannelModule = SmsModule | RcsModule;

export type RcsContent = RcsCardContent | RcsMediaContent | RcsTextContent;

export type RcsCardOrientation = 'HORIZONTAL' | 'VERTICAL';

export type RcsThumbnailAlignment = 'LEFT' | 'RIGHT';

export type RcsMediaHeight = 'TALL' | 'MEDIUM' | 'SHORT';

export type RcsSuggestion = RcsReplySuggestion | RcsActionSuggestion;

export type RcsAction =
  | RcsOpenUrlAction
  | RcsDialAction
  | RcsViewLocationAction
  | RcsCreateCalendarEventAction
  | RcsShareLocationAction;

export type ViewLocation = ViewLocationByPoint | ViewLocationByQuery;

export type GrantType = 'client_credentials';

export type SenderStatus = 'ACTIVATED' | 'DEACTIVATED';
/**
 * Unit of throughput and daily cap. Default: SEGMENTS for SMS, MESSAGES otherwise.
 *
 */
export type RateUnit = 'MESSAGES' | 'SEGMENTS';

export type EventType =
  | 'com.twilio.comms-api.operation.scheduled'
  | 'com.twilio.comms-api.operation.processing'
  | 'com.twilio.comms-api.operation.completed'
  | 'fanfare.operation.canceled'
  | 'fanfare.operation.progress'
  | 'com.twilio.comms-api.message.queued'
  | 'com.twilio.comms-api.message.sent'
  | 'com.twilio.comms-api.message.failed'
  | 'com.twilio.comms-api.message.delivered'
  | 'com.twilio.comms-api.message.undelivered'
  | 'com.twilio.comms-api.message.read'
  | 'fanfare.message.canceled'
  | 'com.twilio.comms-api.message.inbound-received'
  | 'fanfare.email.queued'
  | 'fanfare.email.sent'
  | 'fanfare.email.failed'
  | 'fanfare.email.delivered'
  | 'fanfare.email.undelivered'
  | 'fanfare.email.opened'
  | 'fanfare.email.canceled';

export type DeliveryStatus = 'PENDING' | 'DELIVERED' | 'FAILED';

export type TextEncoding = 'GSM-7' | 'UCS-2';

export type EmailStatus =
  | 'SCHEDULED'
  | 'QUEUED'
  | 'SENT'
  | 'DELIVERED'
  | 'UNDELIVERED'
  | 'OPENED'
  | 'FAILED'
  | 'CANCELED'
  | 'INBOUND';

export type OperationStatus = 'SCHEDULED' | 'PROCESSING' | 'COMPLETED' | 'CANCELED';

export type MessageStatus =
  | 'SCHEDULED'
  | 'QUEUED'
  | 'SENT'
  | 'UNDELIVERED'
  | 'DELIVERED'
  | 'READ'
  | 'FAILED'
  | 'CANCELED'
  | 'GROUP'
  | 'INBOUND';

export type MessageContent = TextWithMedia | StoredContent | ChannelModules;

export type MessageRecipient = AddressRecipient | ConnectedAddressRecipient;
/**
 * Default: the default sender of each channel.
 *
 */
export type MessageSender = AddressSender | SenderIdSender | SenderPoolSender;
/**
 * Channel of delivery. No sender has PUSH.
 *
 */
export type SoughtChannel = 'SMS' | 'RCS' | 'WHATSAPP' | 'EMAIL' | 'PUSH';

export type NamedSender = NamedMessageSender | NamedCredentials | NamedEmailSender;

export type SentMessageStatus =
  'SCHEDULED' | 'QUEUED' | 'SENT' | 'UNDELIVERED' | 'DELIVERED' | 'READ' | 'FAILED' | 'CANCELED';

export type RecipientStatus =
  | 'SCHEDULED'
  | 'QUEUED'
  | 'SENT'
  | 'UNDELIVERED'
  | 'DELIVERED'
  | 'READ'
  | 'FAILED'
  | 'CANCELED'
  | 'OPENED'
  | 'UNADDRESSABLE';
/**
 * Optional.
 *
 */
export type RotateSubscriptionSecretRequest = {
  /**
   * How long deliveries are also signed with the previous secret.
   */
  overlapSeconds?: number | undefined;
  /**
   * `whsec_` and the base64 of 24 to 64 bytes. Default: a generated secret.
   */
  secret?: string | undefined;
} | null;
/**
 * The operation (202), or with dryRun the preview (200).
 *
 */
export type SendEmailsAnswer = OperationReference | EmailDryRun;
/**
 * The operation (202), or with dryRun the preview (200).
 *
 */
export type SendMessagesAnswer = OperationReference | DryRun;

export type SenderPoolOperationStatus = 'PROCESSING' | 'COMPLETED' | 'CANCELED';
/**
 * STATUS_CALLBACK: made for requests that name its URL as statusCallback.
 *
 */
export type SubscriptionOrigin = 'API' | 'STATUS_CALLBACK';

export type SubscriptionStatus = 'ENABLED' | 'DISABLED';

export type ExportFormat = 'ndjson' | 'csv';

export interface AccessToken {
  /**
   * For the header `Authorization: Bearer …`.
   */
  access_token: string;
  /**
   * Always Bearer.
   */
  token_type: string;
  /**
   * Seconds.
   */
  expires_in: number;
  /**
   * The scopes of the token, with a space between them.
   */
  scope: string;
}

export interface AccessTokenError {
  /**
   * A word of RFC 6749, such as invalid_client.
   */
  error: string;
  error_description: string;
}

export interface AddSuppressionRequest {
  /**
   * E.164, or an e-mail address; its case does not matter.
   */
  address: string;
  senderId?: string | undefined;
  senderPoolId?: string | undefined;
  reason?: string | undefined;
}

export interface AddressRecipient {
  /**
   * E.164.
   */
  address: string;
  channel: MessageAddressChannel;
  /**
   * Values of template variables.
   */
  variables?: {
    [k: string]: string;
  };
}

export interface AddressSender {
  /**
   * Number, short code or RCS agent id.
   */
  address: string;
  channel: MessageChannel;
}

export interface ApiKey {
  /**
   * `SK` and 32 hex digits.
   */
  sid: string;
  name: string | null;
  /**
   * `send`: sends, cancels, pauses, resumes. `read`: reads, searches, streams. `manage`: senders, pools, templates, suppressions, subscriptions, erasing.
   */
  scopes: Scope[];
  /**
   * When it was made.
   */
  createdAt: Date;
  /**
   * The key is refused from this time on; null: never.
   */
  expiresAt: Date | null;
  /**
   * When it was revoked.
   */
  revokedAt: Date | null;
  /**
   * When it was last used, to the minute.
   */
  lastUsedAt: Date | null;
}

export interface ApiKeyList {
  apiKeys: ApiKey[];
}

export interface ApiKeyWithSecret {
  /**
   * `SK` and 32 hex digits.
   */
  sid: string;
  name: string | null;
  /**
   * `send`: sends, cancels, pauses, resumes. `read`: reads, searches, streams. `manage`: senders, pools, templates, suppressions, subscriptions, erasing.
   */
  scopes: Scope[];
  /**
   * When it was made.
   */
  createdAt: Date;
  /**
   * The key is refused from this time on; null: never.
   */
  expiresAt: Date | null;
  /**
   * When it was revoked.
   */
  revokedAt: Date | null;
  /**
   * When it was last used, to the minute.
   */
  lastUsedAt: Date | null;
  /**
   * Shown only here.
   */
  secret: string;
}

export interface AttemptError {
  code: number;
  message: string;
  /**
   * Extension: the carrier's own words, or the reason in detail.
   */
  detail?: string;
  /**
   * The page that explains the code.
   */
  infoUrl: string;
}

export interface UrlAction {
  type: UrlActionType;
  /**
   * Liquid; at most 25 characters when rendered.
   */
  title: string;
  /**
   * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
   */
  url: string;
}

export interface PhoneAction {
  type: PhoneActionType;
  /**
   * Liquid; at most 25 characters when rendered.
   */
  title: string;
  /**
   * Liquid; E.164 when rendered.
   */
  phone: string;
}

export interface CardQuickReply {
  type?: QuickReplyType;
  /**
   * Liquid; at most 25 characters when rendered.
   */
  title: string;
  /**
   * Liquid; at most 200 characters when rendered.
   */
  id: string;
}

export interface CarouselCard {
  /**
   * Liquid; at most 160 characters when rendered.
   */
  title?: string;
  /**
   * Liquid; at most 160 characters together with the title when rendered.
   */
  body: string;
  /**
   * Liquid; the URL of an image or a video.
   */
  media: string;
  actions: CardAction[];
}
/**
 * Cards side by side, below a text. RCS does not show the text.
 *
 */
export interface CarouselContent {
  /**
   * Liquid; at most 1024 characters when rendered.
   */
  body: string;
  /**
   * All cards have the same kinds of buttons in the same order.
   */
  cards: CarouselCard[];
}

export interface CarrierList {
  carriers: {
    name: string;
    channels: Channel[];
    /**
     * Messages due and not yet settled, of all accounts and nodes.
     */
    queueMessages: number;
    /**
     * Age of the batch that has been due for longest.
     */
    queueAgeSeconds: number;
    state: {
      /**
       * Configured connections.
       */
      connections: number | null;
      /**
       * Usable connections.
       */
      connected: number | null;
      /**
       * Why some are not usable.
       */
      detail: string | null;
      /**
       * Submissions without an answer.
       */
      inFlight: number;
      /**
       * Submissions that may be unanswered now.
       */
      window: number;
      /**
       * Configured maximum of the window.
       */
      windowMax: number;
      /**
       * Whether it backs off, because the carrier throttles.
       */
      throttled: boolean;
    } | null;
  }[];
}

export interface SmsModule {
  sms: {
    /**
     * Liquid; at most 1600 characters when rendered.
     */
    text?: string;
    media?: {
      /**
       * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
       */
      url: string;
    }[];
  };
}

export interface RcsModule {
  rcs: RcsContent;
}

export interface RcsCardContent {
  richCard: RcsRichCard;
}

export interface RcsRichCard {
  standaloneCard: {
    cardOrientation?: RcsCardOrientation;
    thumbnailImageAlignment?: RcsThumbnailAlignment;
    /**
     * At least a title, a description or media.
     */
    cardContent: {
      /**
       * Liquid; at most 200 characters when rendered.
       */
      title?: string;
      /**
       * Liquid; at most 2000 characters when rendered.
       */
      description?: string;
      media?: RcsMedia;
      suggestions?: RcsSuggestion[];
    };
  };
}

export interface RcsMedia {
  contentInfo: {
    /**
     * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
     */
    fileUrl: string;
    /**
     * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
     */
    thumbnailUrl?: string;
    forceRefresh?: boolean;
  };
  height?: RcsMediaHeight;
}

export interface RcsReplySuggestion {
  reply: {
    /**
     * Liquid; at most 25 characters when rendered.
     */
    text: string;
    /**
     * Liquid; at most 2048 characters when rendered.
     */
    postbackData: string;
  };
}

export interface RcsActionSuggestion {
  action: RcsAction;
}

export interface RcsOpenUrlAction {
  /**
   * Liquid; at most 25 characters when rendered.
   */
  text: string;
  /**
   * Liquid; at most 2048 characters when rendered.
   */
  postbackData: string;
  openUrlAction: {
    /**
     * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
     */
    url: string;
  };
}

export interface RcsDialAction {
  /**
   * Liquid; at most 25 characters when rendered.
   */
  text: string;
  /**
   * Liquid; at most 2048 characters when rendered.
   */
  postbackData: string;
  dialAction: {
    /**
     * Liquid; E.164 when rendered.
     */
    phoneNumber: string;
  };
}

export interface RcsViewLocationAction {
  /**
   * Liquid; at most 25 characters when rendered.
   */
  text: string;
  /**
   * Liquid; at most 2048 characters when rendered.
   */
  postbackData: string;
  viewLocationAction: ViewLocation;
}

export interface ViewLocationByPoint {
  latLong: {
    latitude: number;
    longitude: number;
  };
  /**
   * Liquid; at most 100 characters when rendered.
   */
  label?: string;
}

export interface ViewLocationByQuery {
  /**
   * Liquid; at most 2000 characters when rendered.
   */
  query: string;
  /**
   * Liquid; at most 100 characters when rendered.
   */
  label?: string;
}

export interface RcsCreateCalendarEventAction {
  /**
   * Liquid; at most 25 characters when rendered.
   */
  text: string;
  /**
   * Liquid; at most 2048 characters when rendered.
   */
  postbackData: string;
  createCalendarEventAction: {
    /**
     * Liquid; an RFC 3339 instant with zone when rendered.
     */
    startTime: string;
    /**
     * Liquid; an RFC 3339 instant with zone when rendered.
     */
    endTime: string;
    /**
     * Liquid; at most 100 characters when rendered.
     */
    title: string;
    /**
     * Liquid; at most 500 characters when rendered.
     */
    description: string;
  };
}

export interface RcsShareLocationAction {
  /**
   * Liquid; at most 25 characters when rendered.
   */
  text: string;
  /**
   * Liquid; at most 2048 characters when rendered.
   */
  postbackData: string;
  shareLocationAction: {};
}

export interface RcsMediaContent {
  media: RcsMedia;
  suggestions?: RcsSuggestion[];
}

export interface RcsTextContent {
  /**
   * Liquid; at most 3072 characters when rendered.
   */
  text: string;
  suggestions?: RcsSuggestion[];
}

export interface ChannelModules {
  /**
   * At most one for each channel.
   */
  modules: ChannelModule[];
}

export interface ConnectedAddressRecipient {
  /**
   * Addresses of one person, the preferred one first.
   */
  addresses: RecipientAddress[];
  /**
   * Values of template variables.
   */
  variables?: {
    [k: string]: string;
  };
}

export interface RecipientAddress {
  /**
   * E.164.
   */
  address: string;
  channel: MessageAddressChannel;
}
/**
 * Addresses of one person, the preferred one first.
 *
 */
export interface ConnectedAddresses {
  addresses: MessageAddress[];
}

export interface MessageAddress {
  address: string;
  channel: MessageAddressChannel;
}

export interface ContentTemplate {
  id: string;
  friendlyName: string | null;
  language: string | null;
  variables: {
    [k: string]: string;
  };
  /**
   * As stored.
   */
  types: {
    [k: string]: {
      [k: string]: unknown;
    };
  };
  /**
   * When it was stored.
   */
  createdAt: Date;
}

export interface ContentTemplateList {
  contents: ContentTemplate[];
  pagination: Pagination;
}

export interface Pagination {
  /**
   * Token of the next page, null on the last.
   */
  next: string | null;
  /**
   * Token of this page.
   */
  self: string | null;
}

export interface CreateAccessTokenRequest {
  grant_type: GrantType;
  /**
   * The SID of an API key, unless HTTP Basic has it.
   */
  client_id?: string | undefined;
  /**
   * The secret of the API key, unless HTTP Basic has it.
   */
  client_secret?: string | undefined;
  /**
   * Scopes of the key, with a space between them. Default: all its scopes.
   */
  scope?: string | undefined;
}

export interface CreateApiKeyRequest {
  name?: (string | null) | undefined;
  /**
   * `send`: sends, cancels, pauses, resumes. `read`: reads, searches, streams. `manage`: senders, pools, templates, suppressions, subscriptions, erasing.
   */
  scopes?: Scope[] | undefined;
  /**
   * In the future, RFC 3339 with zone. Without it the key does not expire.
   */
  expiresAt?: Date | string | undefined;
}

export interface CreateContentRequest {
  friendlyName?: string | undefined;
  language?: string | undefined;
  /**
   * Default values of variables.
   */
  variables?:
    | {
        [k: string]: string;
      }
    | undefined;
  types: {
    'twilio/carousel'?: CarouselContent | undefined;
    'twilio/text'?:
      | {
          /**
           * Liquid; at most 1600 characters when rendered.
           */
          body: string;
        }
      | undefined;
    'twilio/media'?:
      | {
          /**
           * Liquid; at most 1600 characters when rendered.
           */
          body?: string | undefined;
          /**
           * Items: Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
           */
          media: string[];
        }
      | undefined;
    'twilio/quick-reply'?:
      | {
          /**
           * Liquid; at most 1024 characters when rendered.
           */
          body: string;
          actions: QuickReply[];
        }
      | undefined;
    'twilio/call-to-action'?:
      | {
          /**
           * Liquid; at most 640 characters when rendered.
           */
          body: string;
          actions: CallToAction[];
        }
      | undefined;
    'twilio/card'?:
      | {
          /**
           * Liquid; at most 200 characters when rendered.
           */
          title: string;
          /**
           * Liquid; at most 60 characters when rendered.
           */
          subtitle?: string | undefined;
          /**
           * Liquid; at most 1600 characters when rendered.
           */
          body?: string | undefined;
          media?: string[] | undefined;
          actions?: CardAction[] | undefined;
        }
      | undefined;
  };
}

export interface QuickReply {
  type?: QuickReplyType;
  /**
   * Liquid; at most 20 characters when rendered.
   */
  title: string;
  /**
   * Liquid; at most 200 characters when rendered.
   */
  id: string;
}

export interface CreateSenderPoolRequest {
  name?: string | undefined;
  senders?:
    | {
        senderId: string;
      }[]
    | undefined;
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
}

export interface CreateSenderRequest {
  /**
   * For EMAIL also `*@domain`.
   */
  address: string;
  channel: Channel;
  carrier?: string | undefined;
  displayName?: (string | null) | undefined;
  status?: SenderStatus | undefined;
  /**
   * Use it when a request names no sender.
   */
  default?: boolean | undefined;
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  /**
   * Units per second over all nodes; null is no limit.
   */
  throughput?: (number | null) | undefined;
  throughputUnit?: RateUnit | undefined;
  /**
   * Units per day of UTC; null is no limit.
   */
  dailyCap?: (number | null) | undefined;
  /**
   * Nothing is sent between start and end, by the recipient's clock. The period includes midnight if end is earlier.
   */
  quietHours?:
    | ({
        start: string;
        end: string;
      } | null)
    | undefined;
}
/**
 * Either with url or with sink.
 *
 */
export interface CreateSubscriptionRequest {
  /**
   * The URL that events are posted to.
   */
  url?: string | undefined;
  /**
   * A sink of the configuration.
   */
  sink?: string | undefined;
  /**
   * Types, or prefixes with "*" at the end. The types are: com.twilio.comms-api.operation.scheduled, com.twilio.comms-api.operation.processing, com.twilio.comms-api.operation.completed, fanfare.operation.canceled, fanfare.operation.progress, com.twilio.comms-api.message.queued, com.twilio.comms-api.message.sent, com.twilio.comms-api.message.failed, com.twilio.comms-api.message.delivered, com.twilio.comms-api.message.undelivered, com.twilio.comms-api.message.read, fanfare.message.canceled, com.twilio.comms-api.message.inbound-received, fanfare.email.queued, fanfare.email.sent, fanfare.email.failed, fanfare.email.delivered, fanfare.email.undelivered, fanfare.email.opened, fanfare.email.canceled.
   */
  types?: string[] | undefined;
  /**
   * Only events of messages or operations with all of these tags.
   */
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  batch?:
    | {
        /**
         * Maximum events of one request.
         */
        size?: number | undefined;
        /**
         * How long events are collected.
         */
        delayMs?: number | undefined;
      }
    | undefined;
  description?: string | undefined;
  /**
   * The key of X-Twilio-Signature, instead of the secret. Never shown.
   */
  authToken?: string | undefined;
  /**
   * `whsec_` and the base64 of 24 to 64 bytes. Default: a generated secret.
   */
  secret?: string | undefined;
}

export interface Delivery {
  id: string;
  type: EventType;
  /**
   * Id of the operation or of the inbound message.
   */
  subject: string;
  /**
   * Number of events: one for each message.
   */
  events: number;
  status: DeliveryStatus;
  /**
   * Failed requests.
   */
  tries: number;
  /**
   * When it is due, if it is PENDING.
   */
  nextTryAt: Date | null;
  /**
   * Time of the event.
   */
  createdAt: Date;
  /**
   * When it last changed.
   */
  updatedAt: Date;
}

export interface DeliveryAttempt {
  id: string;
  delivered: boolean;
  /**
   * The status of the answer, if there was one.
   */
  httpStatus: number | null;
  /**
   * The error.
   */
  detail: string | null;
  /**
   * Events of the request.
   */
  events: number;
  firstDeliveryId: string;
  lastDeliveryId: string;
  /**
   * Milliseconds.
   */
  tookMs: number;
  /**
   * When the request was begun.
   */
  createdAt: Date;
}

export interface DeliveryAttemptList {
  attempts: DeliveryAttempt[];
  pagination: Pagination;
}

export interface DeliveryList {
  deliveries: Delivery[];
  pagination: Pagination;
}

export interface DryRun {
  /**
   * Always true.
   */
  dryRun: boolean;
  recipients: number;
  /**
   * SMS segments of the first routes, in total.
   */
  segments: number;
  /**
   * The time of sending; null means at once.
   */
  scheduledFor: Date | null;
  messages: DryRunMessage[];
  unaddressable: ErrorItem[];
  duplicates: DuplicateAddress[];
  totals?: DryRunTotals;
}

export interface DryRunMessage {
  context: string;
  channel: MessageChannel;
  from: string;
  to: MessageAddress;
  encoding: TextEncoding | null;
  segments: number | null;
  /**
   * The plain text for this channel.
   */
  text: string | null;
  mediaUrls: string[];
  rich: {
    [k: string]: unknown;
  } | null;
  tags: {
    [k: string]: string;
  };
  fallbacks: DryRunRoute[];
}

export interface DryRunRoute {
  channel: MessageChannel;
  from: string;
  to: MessageAddress;
  encoding: TextEncoding | null;
  segments: number | null;
  /**
   * The plain text for this channel.
   */
  text: string | null;
  mediaUrls: string[];
  rich: {
    [k: string]: unknown;
  } | null;
}

export interface ErrorItem {
  code: number;
  message: string;
  /**
   * The page that explains the code.
   */
  infoUrl: string;
  /**
   * JSON path of the value at fault, or the text "null".
   */
  context: string;
}

export interface DuplicateAddress {
  address: string;
  contexts: string[];
}
/**
 * Of a streamed request: the lists have only the first entries.
 *
 */
export interface DryRunTotals {
  messages: number;
  unaddressable: number;
  /**
   * Recipients whose address occurred before.
   */
  duplicates: number;
  /**
   * Problems of lines.
   */
  problems?: number;
  byChannel: {
    [k: string]: number;
  };
  encodings: {
    [k: string]: number;
  };
  /**
   * Unaddressable recipients by error code.
   */
  codes: {
    [k: string]: number;
  };
  /**
   * The 100 senders with most messages.
   */
  senders: {
    channel: string;
    from: string;
    messages: number;
    /**
     * Of SMS; else as many as messages.
     */
    segments: number;
  }[];
}

export interface Email {
  id: string;
  from: EmailFrom;
  to: EmailParty[];
  status: EmailStatus;
  /**
   * Its operation.
   */
  related: RelatedResource[];
  tags: {
    [k: string]: string;
  };
  /**
   * The time of sending.
   */
  scheduledFor: Date | null;
  /**
   * When its operation was accepted.
   */
  createdAt: Date;
  /**
   * When it last changed.
   */
  updatedAt: Date;
  /**
   * When it was erased; null if it was not. An erased one has no attempts and no tags, and its recipient's address and its texts are empty.
   */
  deletedAt: Date | null;
  content: {
    subject: string;
    html: string;
    /**
     * Present if the request has it.
     */
    text?: string;
    headers?: {
      [k: string]: string;
    };
    attachments: {
      filename: string;
      contentType: string;
      /**
       * Bytes.
       */
      size: number;
    }[];
  };
  /**
   * Extension: oldest first.
   */
  attempts: EmailAttempt[];
  error?: AttemptError;
}

export interface EmailFrom {
  address: string;
  name?: string;
  senderId?: string;
}

export interface EmailParty {
  address: string;
  name?: string;
}

export interface RelatedResource {
  name: string;
  id: string;
  uri: string;
}

export interface EmailAttempt {
  id: string;
  to: EmailParty[];
  infoUrl: string;
  from: EmailFrom;
  status: EmailStatus;
  /**
   * When the attempt was submitted.
   */
  attemptedAt: Date;
  error?: AttemptError;
}

export interface EmailAddressRecipient {
  /**
   * Answers show the domain in ASCII and lower case.
   */
  address: string;
  /**
   * Shown beside the address.
   */
  name?: string;
  /**
   * Values of template variables.
   */
  variables?: {
    [k: string]: string;
  };
}

export interface EmailAddressSender {
  /**
   * Answers show the domain in ASCII and lower case.
   */
  address: string;
  /**
   * Shown beside the address.
   */
  name?: string;
}

export interface EmailAttachment {
  /**
   * Without a path.
   */
  filename: string;
  /**
   * Media type.
   */
  contentType: string;
  /**
   * Base64.
   */
  content: string;
}

export interface EmailDryRun {
  /**
   * Always true.
   */
  dryRun: boolean;
  recipients: number;
  /**
   * The time of sending; null means at once.
   */
  scheduledFor: Date | null;
  emails: {
    context: string;
    from: EmailParty;
    to: EmailParty;
    subject: string;
    headers: {
      [k: string]: string;
    };
    tags: {
      [k: string]: string;
    };
    /**
     * Only for the first ten.
     */
    html?: string;
    /**
     * Only for the first ten.
     */
    text?: string | null;
  }[];
  unaddressable: ErrorItem[];
  duplicates: DuplicateAddress[];
  totals?: DryRunTotals;
}

export interface EmailHtmlContent {
  /**
   * Liquid; one line of at most 998 characters when rendered.
   */
  subject: string;
  /**
   * Liquid, which does not escape: write {{ name | escape }}.
   */
  html: string;
  /**
   * Liquid. Default: made from html.
   */
  text?: string;
  /**
   * At most 3670016 bytes together, decoded.
   */
  attachments?: EmailAttachment[];
  /**
   * Further headers. Values are Liquid, one line of at most 998 characters when rendered. List-Unsubscribe, List-Unsubscribe-Post and Message-ID replace Fanfare's; other headers that Fanfare sets are refused.
   */
  headers?: {
    [k: string]: string;
  };
}

export interface EmailList {
  emails: EmailSummary[];
  pagination: Pagination;
}

export interface EmailSummary {
  id: string;
  from: EmailFrom;
  to: EmailParty[];
  status: EmailStatus;
  /**
   * Its operation.
   */
  related: RelatedResource[];
  tags: {
    [k: string]: string;
  };
  /**
   * The time of sending.
   */
  scheduledFor: Date | null;
  /**
   * When its operation was accepted.
   */
  createdAt: Date;
  /**
   * When it last changed.
   */
  updatedAt: Date;
  /**
   * When it was erased; null if it was not. An erased one has no attempts and no tags, and its recipient's address and its texts are empty.
   */
  deletedAt: Date | null;
}

export interface EmailOperation {
  id: string;
  status: OperationStatus;
  /**
   * Extension: since when nothing is submitted; null when not paused.
   */
  pausedAt: Date | null;
  /**
   * When it was accepted.
   */
  createdAt: Date;
  /**
   * When a counter last changed.
   */
  updatedAt: Date;
  /**
   * Extension: number of changes; of two states, the one with the higher number is the later one.
   */
  revision: number;
  /**
   * Extension: the main fields of the request. In lists only with `details=true`.
   */
  details?: {
    /**
     * The first words of its content, as a template.
     */
    excerpt: string;
    /**
     * As requested, not rendered.
     */
    tags: {
      [k: string]: string;
    };
    /**
     * The time of sending, if it is the same for all messages.
     */
    scheduledFor: Date | null;
    /**
     * No messages are sent after this time.
     */
    expireAt: Date | null;
  };
  stats: {
    /**
     * E-mails.
     */
    total: number;
    /**
     * Recipients. Recipients without an e-mail are listed under Errors.
     */
    recipients: number;
    /**
     * Submissions to carriers.
     */
    attempts: number;
    /**
     * E-mails SCHEDULED.
     */
    scheduled: number;
    /**
     * E-mails QUEUED.
     */
    queued: number;
    /**
     * E-mails that a carrier accepted, including delivered, undelivered and opened ones.
     */
    sent: number;
    /**
     * Delivered e-mails, including opened ones.
     */
    delivered: number;
    /**
     * E-mails OPENED.
     */
    opened: number;
    /**
     * E-mails UNDELIVERED.
     */
    undelivered: number;
    /**
     * E-mails FAILED.
     */
    failed: number;
    /**
     * E-mails CANCELED.
     */
    canceled: number;
  };
}

export interface EmailOperationError {
  code: number;
  message: string;
  /**
   * Extension: the carrier's own words, or the reason in detail.
   */
  detail?: string;
  /**
   * The page that explains the code.
   */
  infoUrl: string;
  /**
   * JSON path of the recipient in the request.
   */
  context: string;
  to: EmailParty[];
  emailId: string | null;
}

export interface EmailOperationErrorList {
  errors: EmailOperationError[];
  pagination: Pagination;
}

export interface EmailOperationList {
  operations: EmailOperation[];
  pagination: Pagination;
}

export interface EmailReceipt {
  attemptId: string;
  to: EmailParty;
  from: EmailFrom;
  status: EmailStatus;
  /**
   * When the attempt was submitted.
   */
  attemptedAt: Date;
  error?: AttemptError;
}

export interface EmailReceiptList {
  receipts: EmailReceipt[];
  pagination: Pagination;
}

export interface ErrorList {
  /**
   * The first 100.
   */
  errors: ErrorItem[];
  /**
   * All problems found.
   */
  total: number;
  /**
   * The first one's.
   */
  code: number;
  /**
   * The first one's.
   */
  message: string;
  status: number;
}

export interface ImportSuppressionsRequest {
  /**
   * Items: E.164, or an e-mail address; its case does not matter.
   */
  addresses: string[];
  senderId?: string | undefined;
  senderPoolId?: string | undefined;
  reason?: string | undefined;
}

export interface Message {
  id: string;
  from: MessageFrom;
  to: (MessageAddress | ConnectedAddresses)[];
  status: MessageStatus;
  /**
   * Its operation.
   */
  related: RelatedResource[];
  tags: {
    [k: string]: string;
  };
  /**
   * The time of sending.
   */
  scheduledFor: Date | null;
  /**
   * When its operation was accepted.
   */
  createdAt: Date;
  /**
   * When it last changed.
   */
  updatedAt: Date;
  /**
   * When it was erased; null if it was not. An erased one has no attempts and no tags, and its recipient's address and its texts are empty.
   */
  deletedAt: Date | null;
  /**
   * The requested content, rendered for the recipient. For a template, its id and the content of the channel.
   */
  content: {
    text?: string;
    media?: {
      url: string;
    }[];
    modules?: {
      sms?: {
        [k: string]: unknown;
      };
      rcs?: {
        [k: string]: unknown;
      };
    }[];
    contentId?: string;
  };
  /**
   * Oldest first.
   */
  attempts: MessageAttempt[];
  error?: AttemptError;
}
/**
 * Of an inbound message it is the person, with the id of the sender that received it.
 *
 */
export interface MessageFrom {
  address: string;
  channel: MessageChannel;
  senderId?: string;
  senderPoolId?: string;
}

export interface MessageAttempt {
  id: string;
  from: MessageFrom;
  to: MessageAddress[];
  status: MessageStatus;
  /**
   * When it was submitted.
   */
  attemptedAt: Date;
  /**
   * Leads to the message.
   */
  infoUrl: string;
  error?: AttemptError;
}

export interface TextWithMedia {
  /**
   * Liquid; at most 1600 characters when rendered.
   */
  text?: string;
  media?: {
    /**
     * Liquid; when rendered an absolute URL, http or https, without user and password, at most 2,048 characters.
     */
    url: string;
  }[];
}

export interface StoredContent {
  contentId: string;
}

export interface MessageList {
  messages: MessageSummary[];
  pagination: Pagination;
}

export interface MessageSummary {
  id: string;
  from: MessageFrom;
  to: (MessageAddress | ConnectedAddresses)[];
  status: MessageStatus;
  /**
   * Its operation.
   */
  related: RelatedResource[];
  tags: {
    [k: string]: string;
  };
  /**
   * The time of sending.
   */
  scheduledFor: Date | null;
  /**
   * When its operation was accepted.
   */
  createdAt: Date;
  /**
   * When it last changed.
   */
  updatedAt: Date;
  /**
   * When it was erased; null if it was not. An erased one has no attempts and no tags, and its recipient's address and its texts are empty.
   */
  deletedAt: Date | null;
}

export interface SenderIdSender {
  senderId: string;
}

export interface SenderPoolSender {
  senderPoolId: string;
  channels?: {
    /**
     * Use only these channels.
     */
    filterIn?: SoughtChannel[];
    /**
     * The lower number is tried first; a channel may appear once.
     */
    priority?: {
      channel: SoughtChannel;
      priority: number;
    }[];
  };
}

export interface NamedCredentials {
  fcm?: string;
  apn?: string;
}

export interface NamedEmailSender {
  address: string;
  name?: string;
}

export interface NamedMessageSender {
  address: string;
  channel: Channel;
}

export interface Operation {
  id: string;
  status: OperationStatus;
  /**
   * Extension: since when nothing is submitted; null when not paused.
   */
  pausedAt: Date | null;
  /**
   * When it was accepted.
   */
  createdAt: Date;
  /**
   * When a counter last changed.
   */
  updatedAt: Date;
  /**
   * Extension: number of changes; of two states, the one with the higher number is the later one.
   */
  revision: number;
  /**
   * Extension: the main fields of the request. In lists only with `details=true`.
   */
  details?: {
    /**
     * The first words of its content, as a template.
     */
    excerpt: string;
    /**
     * As requested, not rendered.
     */
    tags: {
      [k: string]: string;
    };
    /**
     * The time of sending, if it is the same for all messages.
     */
    scheduledFor: Date | null;
    /**
     * No messages are sent after this time.
     */
    expireAt: Date | null;
  };
  /**
   * The counters agree with each other at every moment.
   */
  stats: {
    /**
     * Messages: the sum of the eight counters by status.
     */
    total: number;
    /**
     * Recipients: total + unaddressable.
     */
    recipients: number;
    /**
     * Submissions to carriers.
     */
    attempts: number;
    /**
     * Recipients that no sender reaches.
     */
    unaddressable: number;
    /**
     * Messages SCHEDULED.
     */
    scheduled: number;
    /**
     * Messages QUEUED.
     */
    queued: number;
    /**
     * Messages SENT: accepted by a carrier, without a receipt.
     */
    sent: number;
    /**
     * Messages DELIVERED and not read.
     */
    delivered: number;
    /**
     * Messages READ.
     */
    read: number;
    /**
     * Messages UNDELIVERED.
     */
    undelivered: number;
    /**
     * Messages FAILED.
     */
    failed: number;
    /**
     * Messages CANCELED.
     */
    canceled: number;
  };
}

export interface OperationError {
  code: number;
  message: string;
  /**
   * Extension: the carrier's own words, or the reason in detail.
   */
  detail?: string;
  /**
   * The page that explains the code.
   */
  infoUrl: string;
  /**
   * JSON path of the recipient in the request.
   */
  context: string;
  to: MessageAddress[];
  messageId: string | null;
}

export interface OperationErrorList {
  errors: OperationError[];
  pagination: Pagination;
}

export interface OperationList {
  operations: Operation[];
  pagination: Pagination;
}

export interface OperationReference {
  operationId: string;
  operationLocation: string;
}

export interface OperationReport {
  /**
   * The first words of its content, as a template.
   */
  excerpt: string;
  /**
   * As requested, not rendered.
   */
  tags: {
    [k: string]: string;
  };
  /**
   * The time of sending, if it is the same for all messages.
   */
  scheduledFor: Date | null;
  /**
   * No messages are sent after this time.
   */
  expireAt: Date | null;
  senders: {
    channel: Channel;
    address: string;
    carrier: string;
    /**
     * Messages whose current candidate uses it.
     */
    total: number;
    statuses: {
      status: SentMessageStatus;
      /**
       * Messages.
       */
      count: number;
    }[];
  }[];
  /**
   * The most frequent first, at most 100.
   */
  errors: {
    code: number;
    message: string;
    /**
     * What to do.
     */
    advice: string | null;
    /**
     * A carrier's own words in one of them.
     */
    detail: string | null;
    infoUrl: string;
    /**
     * Recipients with this error.
     */
    count: number;
    /**
     * Up to three.
     */
    examples: {
      /**
       * Id of the message or e-mail; null if there is none.
       */
      messageId: string | null;
      address: string;
    }[];
  }[];
  /**
   * How long each of `buckets` is.
   */
  stepSeconds: number;
  /**
   * In order, without empty ones.
   */
  buckets: {
    /**
     * When it begins.
     */
    at: Date;
    /**
     * Messages submitted, by their current attempt.
     */
    submitted: number;
    /**
     * Messages delivered, read or undelivered.
     */
    settled: number;
    /**
     * Seconds from the submission to the last receipt: median.
     */
    latency50: number | null;
    /**
     * Seconds from the submission to the last receipt: 95th percentile.
     */
    latency95: number | null;
  }[];
}

export interface OperationRequest {
  /**
   * The chosen recipients; empty if there are none.
   */
  to: MessageRecipient[];
  content: MessageContent;
  from?: MessageSender | undefined;
  /**
   * Metadata. Values may be Liquid; rendered values have 1 to 256 characters: letters, digits and . _ ~ -.
   */
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
}

export interface Receipt {
  attemptId: string;
  from: MessageFrom;
  to: MessageAddress;
  status: MessageStatus;
  /**
   * When the attempt was submitted.
   */
  attemptedAt: Date;
  error?: AttemptError;
}

export interface ReceiptList {
  receipts: Receipt[];
  pagination: Pagination;
}
/**
 * A line of an export.
 *
 */
export interface RecipientResult {
  /**
   * Position in `to`, from 0.
   */
  ordinal: number;
  /**
   * Of the current candidate; the first one if there is no message.
   */
  address: string;
  /**
   * Of the current candidate; of the address if there is no message.
   */
  channel: string | null;
  status: RecipientStatus;
  /**
   * Address of the sender; null if there is no message.
   */
  from: string | null;
  errorCode: number | null;
  /**
   * The carrier's words, or the meaning of the code.
   */
  error: string | null;
  /**
   * Submissions to carriers.
   */
  attempts: number;
  /**
   * Of the last attempt.
   */
  attemptedAt: Date | null;
  /**
   * Of the last change; null if there is no message.
   */
  updatedAt: Date | null;
  /**
   * Id of the message or e-mail; null if there is none.
   */
  id: string | null;
  variables: {
    [k: string]: string;
  } | null;
  /**
   * Continues the export behind this line.
   */
  pageToken: string;
}
/**
 * With deliveryIds, or with dates.
 *
 */
export interface ReplaySubscriptionRequest {
  deliveryIds?: string[] | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * Only deliveries with these statuses. Default: FAILED; with deliveryIds, any.
   */
  statuses?: DeliveryStatus[] | undefined;
}

export interface ResolveSendersRequest {
  recipientAddresses: {
    address: string;
    channel: AddressChannel;
  }[];
  senderPoolId?: string | undefined;
  /**
   * No sender has `fcm` and `apn`.
   */
  senderAddresses?: NamedSender[] | undefined;
  channels?:
    | {
        /**
         * Use only these channels.
         */
        filterIn?: SoughtChannel[] | undefined;
        /**
         * The lower number is tried first; a channel may appear once.
         */
        priority?:
          | {
              channel: SoughtChannel;
              priority: number;
            }[]
          | undefined;
      }
    | undefined;
}

export interface ResolvedSenders {
  results: {
    from: {
      senderId: string;
      displayName: string | null;
      channel: Channel;
      address: string;
    };
    to: {
      address: string;
      channel: AddressChannel;
    };
    /**
     * 0 is tried first.
     */
    priority: number;
  }[];
}

export interface ResourceReference {
  resourceId: string;
  resourceLocation: string;
}

export interface RotatedSecret {
  /**
   * The new secret. Shown only here.
   */
  secret: string;
  /**
   * Until then, deliveries are also signed with the previous secret.
   */
  previousUntil: Date;
}

export interface SearchEmailsRequest {
  /**
   * Sent to.
   */
  address?: string | undefined;
  operationId?: string | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  status?: EmailStatus | undefined;
  /**
   * `key:value;key:value`, all of them.
   */
  tags?: string | undefined;
}

export interface SearchMessagesRequest {
  operationId?: string | undefined;
  sessionId?: string | undefined;
  profile?: string | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * Sent to.
   */
  address?: string | undefined;
  channel?: MessageChannel | undefined;
  status?: MessageStatus | undefined;
  /**
   * `key:value;key:value`, all of them.
   */
  tags?: string | undefined;
}

export interface SearchSendersRequest {
  address: string;
  channel: SoughtChannel;
  status?: SenderStatus | undefined;
  pageToken?: string | undefined;
  pageSize?: number | undefined;
}

export interface SearchSuppressionsRequest {
  /**
   * E.164, or an e-mail address; its case does not matter.
   */
  address: string;
}

export interface SendEmailsRequest {
  from: EmailAddressSender;
  to: EmailAddressRecipient[];
  content: EmailHtmlContent;
  /**
   * When to send, at most 7 days ahead; a past instant means now.
   */
  schedule?:
    | {
        /**
         * RFC 3339 date-times: instants, or without a zone the local time of each recipient. All must be the same time.
         */
        sendAt: string[];
      }
    | undefined;
  /**
   * Metadata. Values may be Liquid; rendered values have 1 to 256 characters: letters, digits and . _ ~ -.
   */
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  /**
   * Extension: messages that no carrier has by then end FAILED (30036).
   */
  expireAt?: Date | string | undefined;
  /**
   * Extension: a URL that receives all events of this operation. It is listed as a subscription.
   */
  statusCallback?: string | undefined;
  /**
   * Extension: show the messages without sending them; the answer is 200.
   */
  dryRun?: boolean | undefined;
  /**
   * Accepted without effect: the mail server chooses the IP address.
   */
  ipPoolName?: string | undefined;
  /**
   * Extension: whether it has a one-click unsubscribe link; requires publicUrl. Default: emails.unsubscribe of the configuration; false with a List-Unsubscribe in content.headers.
   */
  unsubscribe?: boolean | undefined;
  /**
   * Extension: whether it has a picture that reports the opening; requires publicUrl. Default: emails.trackOpens of the configuration.
   */
  trackOpens?: boolean | undefined;
}

export interface SendMessagesRequest {
  to: MessageRecipient[];
  content: MessageContent;
  from?: MessageSender | undefined;
  /**
   * When to send, at most 7 days ahead; a past instant means now.
   */
  schedule?:
    | {
        /**
         * RFC 3339 date-times: instants, or without a zone the local time of each recipient. All must be the same time.
         */
        sendAt: string[];
      }
    | undefined;
  /**
   * Metadata. Values may be Liquid; rendered values have 1 to 256 characters: letters, digits and . _ ~ -.
   */
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  /**
   * Extension: messages that no carrier has by then end FAILED (30036).
   */
  expireAt?: Date | string | undefined;
  /**
   * Extension: a URL that receives all events of this operation. It is listed as a subscription.
   */
  statusCallback?: string | undefined;
  /**
   * Extension: show the messages without sending them; the answer is 200.
   */
  dryRun?: boolean | undefined;
}

export interface Sender {
  id: string;
  displayName: string | null;
  address: string;
  channel: Channel;
  status: SenderStatus;
  tags: {
    [k: string]: string;
  };
  /**
   * Extension.
   */
  carrier: string;
  /**
   * Extension: used when a request names no sender.
   */
  default: boolean;
  /**
   * Units per second over all nodes; null is no limit.
   */
  throughput: number | null;
  throughputUnit: RateUnit;
  /**
   * Units per day of UTC; null is no limit.
   */
  dailyCap: number | null;
  /**
   * Nothing is sent between start and end, by the recipient's clock. The period includes midnight if end is earlier.
   */
  quietHours: {
    start: string;
    end: string;
  } | null;
  /**
   * Extension: comes from the configuration.
   */
  configured: boolean;
  /**
   * When it was added.
   */
  createdAt: Date;
  /**
   * When it was last changed.
   */
  updatedAt: Date;
}

export interface SenderList {
  senders: Sender[];
  pagination: Pagination;
}

export interface SenderPool {
  id: string;
  name: string;
  tags: {
    [k: string]: string;
  };
  /**
   * When it was made.
   */
  createdAt: Date;
  /**
   * When it or its members last changed.
   */
  updatedAt: Date;
}

export interface SenderPoolList {
  senderPools: SenderPool[];
  pagination: Pagination;
}

export interface SenderPoolOperation {
  id: string;
  status: SenderPoolOperationStatus;
  stats: {
    /**
     * Senders named.
     */
    total: number;
    /**
     * Always 0.
     */
    queued: number;
    /**
     * Members now.
     */
    created: number;
    /**
     * Ids that are not senders of the account.
     */
    failed: number;
  };
  /**
   * When it was requested.
   */
  createdAt: Date;
  /**
   * When it was completed.
   */
  updatedAt: Date;
}

export interface SenderPoolOperationList {
  operations: SenderPoolOperation[];
  pagination: Pagination;
}
/**
 * Either with url or with sink.
 *
 */
export interface Subscription {
  id: string;
  url?: string;
  sink?: string;
  origin: SubscriptionOrigin;
  types: string[];
  tags: {
    [k: string]: string;
  };
  description: string | null;
  batch: {
    size: number;
    delayMs: number;
  };
  status: SubscriptionStatus;
  /**
   * Why the server disabled it.
   */
  reason: string | null;
  /**
   * Failed requests since the last successful one.
   */
  failures: number;
  /**
   * When the first of them failed.
   */
  failingSince: Date | null;
  /**
   * Time of the last successful delivery.
   */
  lastDeliveryAt: Date | null;
  /**
   * Whether an authToken is set.
   */
  hasAuthToken: boolean;
  /**
   * When it was made.
   */
  createdAt: Date;
  /**
   * When it was last changed.
   */
  updatedAt: Date;
}

export interface SubscriptionList {
  subscriptions: Subscription[];
  pagination: Pagination;
}

export interface SubscriptionReplay {
  /**
   * Deliveries that are due now.
   */
  replayed: number;
}

export interface SubscriptionTest {
  delivered: boolean;
  /**
   * The status of the answer, if there was one.
   */
  httpStatus: number | null;
  /**
   * The error.
   */
  detail: string | null;
  /**
   * Milliseconds.
   */
  tookMs: number;
}

export interface SubscriptionWithSecret {
  id: string;
  url?: string;
  sink?: string;
  origin: SubscriptionOrigin;
  types: string[];
  tags: {
    [k: string]: string;
  };
  description: string | null;
  batch: {
    size: number;
    delayMs: number;
  };
  status: SubscriptionStatus;
  /**
   * Why the server disabled it.
   */
  reason: string | null;
  /**
   * Failed requests since the last successful one.
   */
  failures: number;
  /**
   * When the first of them failed.
   */
  failingSince: Date | null;
  /**
   * Time of the last successful delivery.
   */
  lastDeliveryAt: Date | null;
  /**
   * Whether an authToken is set.
   */
  hasAuthToken: boolean;
  /**
   * When it was made.
   */
  createdAt: Date;
  /**
   * When it was last changed.
   */
  updatedAt: Date;
  /**
   * The key that signs deliveries. Shown only here.
   */
  secret: string;
}
/**
 * Without sender and pool it applies to the whole account.
 *
 */
export interface Suppression {
  id: string;
  address: string;
  senderId: string | null;
  senderPoolId: string | null;
  reason: string | null;
  /**
   * When it was added.
   */
  createdAt: Date;
}

export interface SuppressionImport {
  /**
   * Addresses in the request.
   */
  total: number;
  /**
   * New entries.
   */
  created: number;
}

export interface SuppressionList {
  suppressions: Suppression[];
  pagination: Pagination;
}

export interface System {
  /**
   * The node that answers.
   */
  node: {
    host: string;
    roles: string[];
    nodeVersion: string;
    /**
     * When it started.
     */
    startedAt: Date;
    /**
     * Memory of its process.
     */
    memoryBytes: number;
  };
  /**
   * Nodes that send.
   */
  dispatchNodes: number;
  queue: {
    /**
     * Messages due and not yet settled.
     */
    messages: number;
    /**
     * Age of the batch that has been due for longest.
     */
    ageSeconds: number;
    /**
     * Batches that are due or at work.
     */
    readyBatches: number;
    /**
     * Batches that are not due yet.
     */
    waitingBatches: number;
  };
  /**
   * Outbox events that are not in the event log yet.
   */
  outboxPending: number;
  database: {
    version: string;
    sizeBytes: number;
    /**
     * Connections to this database.
     */
    connections: number;
    /**
     * Maximum connections of PostgreSQL.
     */
    connectionsMax: number;
    embedded: boolean;
  };
}

export interface UpdateSenderPoolRequest {
  name?: string | undefined;
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
}

export interface UpdateSenderRequest {
  carrier?: string | undefined;
  displayName?: (string | null) | undefined;
  status?: SenderStatus | undefined;
  /**
   * Use it when a request names no sender.
   */
  default?: boolean | undefined;
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  /**
   * Units per second over all nodes; null is no limit.
   */
  throughput?: (number | null) | undefined;
  throughputUnit?: RateUnit | undefined;
  /**
   * Units per day of UTC; null is no limit.
   */
  dailyCap?: (number | null) | undefined;
  /**
   * Nothing is sent between start and end, by the recipient's clock. The period includes midnight if end is earlier.
   */
  quietHours?:
    | ({
        start: string;
        end: string;
      } | null)
    | undefined;
}

export interface UpdateSubscriptionRequest {
  /**
   * The URL that events are posted to.
   */
  url?: string | undefined;
  /**
   * A sink of the configuration.
   */
  sink?: string | undefined;
  /**
   * Types, or prefixes with "*" at the end. The types are: com.twilio.comms-api.operation.scheduled, com.twilio.comms-api.operation.processing, com.twilio.comms-api.operation.completed, fanfare.operation.canceled, fanfare.operation.progress, com.twilio.comms-api.message.queued, com.twilio.comms-api.message.sent, com.twilio.comms-api.message.failed, com.twilio.comms-api.message.delivered, com.twilio.comms-api.message.undelivered, com.twilio.comms-api.message.read, fanfare.message.canceled, com.twilio.comms-api.message.inbound-received, fanfare.email.queued, fanfare.email.sent, fanfare.email.failed, fanfare.email.delivered, fanfare.email.undelivered, fanfare.email.opened, fanfare.email.canceled.
   */
  types?: string[] | undefined;
  /**
   * Only events of messages or operations with all of these tags.
   */
  tags?:
    | {
        [k: string]: string;
      }
    | undefined;
  batch?:
    | {
        /**
         * Maximum events of one request.
         */
        size?: number | undefined;
        /**
         * How long events are collected.
         */
        delayMs?: number | undefined;
      }
    | undefined;
  description?: (string | null) | undefined;
  /**
   * The key of X-Twilio-Signature, instead of the secret. Never shown.
   */
  authToken?: (string | null) | undefined;
  status?: SubscriptionStatus | undefined;
}

export interface ListMessagesQuery {
  /**
   * Only this operation (alias: `operation_id`).
   */
  operationId?: string | undefined;
  /**
   * No message has a session: the list is empty.
   */
  sessionId?: string | undefined;
  /**
   * No message has a profile: the list is empty.
   */
  profile?: string | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * Channel of delivery.
   */
  channel?: MessageChannel | undefined;
  status?: MessageStatus | undefined;
  /**
   * `key:value;key:value`, all of them.
   */
  tags?: Record<string, string> | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface SearchMessagesQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListOperationsQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  status?: OperationStatus | undefined;
  /**
   * Extension: `key:value;key:value`, all of them, as requested.
   */
  tags?: Record<string, string> | string | undefined;
  /**
   * Extension: with `true`, each operation has `details`, the main fields of its request.
   */
  details?: boolean | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListOperationErrorsQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListEmailsQuery {
  /**
   * Only this operation.
   */
  operationId?: string | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  status?: EmailStatus | undefined;
  /**
   * `key:value;key:value`, all of them.
   */
  tags?: Record<string, string> | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface SearchEmailsQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListEmailOperationsQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  status?: OperationStatus | undefined;
  /**
   * Extension: `key:value;key:value`, all of them, as requested.
   */
  tags?: Record<string, string> | string | undefined;
  /**
   * Extension: with `true`, each operation has `details`, the main fields of its request.
   */
  details?: boolean | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListEmailOperationErrorsQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListSendersQuery {
  /**
   * Channel of delivery. No sender has PUSH.
   */
  channel?: SoughtChannel | undefined;
  status?: SenderStatus | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface SearchSendersQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListSenderPoolsQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * Only operations on this pool.
   */
  operationId?: string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListSenderPoolOperationsQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  status?: SenderPoolOperationStatus | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListSenderPoolSendersQuery {
  /**
   * Channel of delivery. No sender has PUSH.
   */
  channel?: SoughtChannel | undefined;
  status?: SenderStatus | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListSuppressionsQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface SearchSuppressionsQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListContentQuery {
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface StreamEventsQuery {
  /**
   * Event types, or prefixes with `*`, separated by commas.
   */
  types?: string | undefined;
  /**
   * Like the header Last-Event-ID: continue after this event.
   */
  lastEventId?: string | undefined;
}

export interface ListSubscriptionsQuery {
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListDeliveriesQuery {
  status?: DeliveryStatus | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface ListDeliveryAttemptsQuery {
  delivered?: boolean | undefined;
  /**
   * Created after this instant. A plain date, such as `2030-01-31`, is that day and later, in UTC.
   */
  startDate?: Date | string | undefined;
  /**
   * Created before this instant, which is not before startDate. A plain date, such as `2030-01-31`, means the start of that day in UTC.
   */
  endDate?: Date | string | undefined;
  /**
   * `pagination.next` of the previous page.
   */
  pageToken?: string | undefined;
  /**
   * Entries of a page.
   */
  pageSize?: number | undefined;
}

export interface FetchOperationRequestQuery {
  /**
   * Statuses of messages, separated by commas, such as `FAILED,UNDELIVERED`. Default: all.
   */
  statuses?: string | undefined;
}

export interface ExportOperationQuery {
  /**
   * Statuses, separated by commas, such as `FAILED,UNADDRESSABLE`. Default: all.
   */
  statuses?: string | undefined;
  /**
   * Default: CSV if `Accept` has `text/csv`, else NDJSON.
   */
  format?: ExportFormat | undefined;
  /**
   * The `pageToken` of a line: the export continues behind it, a CSV without its header row.
   */
  pageToken?: string | undefined;
}

export interface ExportEmailOperationQuery {
  /**
   * Statuses, separated by commas, such as `FAILED,UNADDRESSABLE`. Default: all.
   */
  statuses?: string | undefined;
  /**
   * Default: CSV if `Accept` has `text/csv`, else NDJSON.
   */
  format?: ExportFormat | undefined;
  /**
   * The `pageToken` of a line: the export continues behind it, a CSV without its header row.
   */
  pageToken?: string | undefined;
}

/** The parameters and answers of each endpoint, by its operationId. */
export interface Endpoints {
  listMessages: { query: ListMessagesQuery; body: undefined; answer: MessageList };
  sendMessages: { query: undefined; body: SendMessagesRequest; answer: SendMessagesAnswer };
  searchMessages: { query: SearchMessagesQuery; body: SearchMessagesRequest; answer: MessageList };
  listOperations: { query: ListOperationsQuery; body: undefined; answer: OperationList };
  fetchOperation: { query: undefined; body: undefined; answer: Operation };
  deleteOperation: { query: undefined; body: undefined; answer: undefined };
  streamOperation: { query: undefined; body: undefined; answer: undefined };
  listOperationErrors: {
    query: ListOperationErrorsQuery;
    body: undefined;
    answer: OperationErrorList;
  };
  pauseOperation: { query: undefined; body: undefined; answer: Operation };
  resumeOperation: { query: undefined; body: undefined; answer: Operation };
  cancelOperation: { query: undefined; body: undefined; answer: Operation };
  seekMessage: { query: undefined; body: undefined; answer: undefined };
  fetchMessage: { query: undefined; body: undefined; answer: Message };
  deleteMessage: { query: undefined; body: undefined; answer: undefined };
  listReceipts: { query: undefined; body: undefined; answer: ReceiptList };
  cancelMessage: { query: undefined; body: undefined; answer: Message };
  listEmails: { query: ListEmailsQuery; body: undefined; answer: EmailList };
  sendEmails: { query: undefined; body: SendEmailsRequest; answer: SendEmailsAnswer };
  searchEmails: { query: SearchEmailsQuery; body: SearchEmailsRequest; answer: EmailList };
  listEmailOperations: {
    query: ListEmailOperationsQuery;
    body: undefined;
    answer: EmailOperationList;
  };
  fetchEmailOperation: { query: undefined; body: undefined; answer: EmailOperation };
  deleteEmailOperation: { query: undefined; body: undefined; answer: undefined };
  streamEmailOperation: { query: undefined; body: undefined; answer: undefined };
  listEmailOperationErrors: {
    query: ListEmailOperationErrorsQuery;
    body: undefined;
    answer: EmailOperationErrorList;
  };
  pauseEmailOperation: { query: undefined; body: undefined; answer: EmailOperation };
  resumeEmailOperation: { query: undefined; body: undefined; answer: EmailOperation };
  cancelEmailOperation: { query: undefined; body: undefined; answer: EmailOperation };
  fetchEmail: { query: undefined; body: undefined; answer: Email };
  deleteEmail: { query: undefined; body: undefined; answer: undefined };
  listEmailReceipts: { query: undefined; body: undefined; answer: EmailReceiptList };
  cancelEmail: { query: undefined; body: undefined; answer: Email };
  listSenders: { query: ListSendersQuery; body: undefined; answer: SenderList };
  createSender: { query: undefined; body: CreateSenderRequest; answer: Sender };
  searchSenders: { query: SearchSendersQuery; body: SearchSendersRequest; answer: SenderList };
  resolveSenders: { query: undefined; body: ResolveSendersRequest; answer: ResolvedSenders };
  fetchSender: { query: undefined; body: undefined; answer: Sender };
  updateSender: { query: undefined; body: UpdateSenderRequest; answer: Sender };
  deleteSender: { query: undefined; body: undefined; answer: undefined };
  listSenderPools: { query: ListSenderPoolsQuery; body: undefined; answer: SenderPoolList };
  createSenderPool: { query: undefined; body: CreateSenderPoolRequest; answer: OperationReference };
  listSenderPoolOperations: {
    query: ListSenderPoolOperationsQuery;
    body: undefined;
    answer: SenderPoolOperationList;
  };
  fetchSenderPoolOperation: { query: undefined; body: undefined; answer: SenderPoolOperation };
  fetchSenderPool: { query: undefined; body: undefined; answer: SenderPool };
  updateSenderPool: { query: undefined; body: UpdateSenderPoolRequest; answer: ResourceReference };
  deleteSenderPool: { query: undefined; body: undefined; answer: ResourceReference };
  listSenderPoolSenders: { query: ListSenderPoolSendersQuery; body: undefined; answer: SenderList };
  addSenderPoolSenders: { query: undefined; body: AddSendersRequest; answer: OperationReference };
  removeSenderPoolSender: { query: undefined; body: undefined; answer: ResourceReference };
  listSuppressions: { query: ListSuppressionsQuery; body: undefined; answer: SuppressionList };
  addSuppression: { query: undefined; body: AddSuppressionRequest; answer: Suppression };
  importSuppressions: {
    query: undefined;
    body: ImportSuppressionsRequest;
    answer: SuppressionImport;
  };
  searchSuppressions: {
    query: SearchSuppressionsQuery;
    body: SearchSuppressionsRequest;
    answer: SuppressionList;
  };
  exportSuppressions: { query: undefined; body: undefined; answer: undefined };
  removeSuppression: { query: undefined; body: undefined; answer: undefined };
  listContent: { query: ListContentQuery; body: undefined; answer: ContentTemplateList };
  createContent: { query: undefined; body: CreateContentRequest; answer: ContentTemplate };
  fetchContent: { query: undefined; body: undefined; answer: ContentTemplate };
  deleteContent: { query: undefined; body: undefined; answer: undefined };
  streamEvents: { query: StreamEventsQuery; body: undefined; answer: undefined };
  listSubscriptions: { query: ListSubscriptionsQuery; body: undefined; answer: SubscriptionList };
  createSubscription: {
    query: undefined;
    body: CreateSubscriptionRequest;
    answer: SubscriptionWithSecret;
  };
  fetchSubscription: { query: undefined; body: undefined; answer: Subscription };
  updateSubscription: { query: undefined; body: UpdateSubscriptionRequest; answer: Subscription };
  deleteSubscription: { query: undefined; body: undefined; answer: undefined };
  rotateSubscriptionSecret: {
    query: undefined;
    body: RotateSubscriptionSecretRequest;
    answer: RotatedSecret;
  };
  testSubscription: { query: undefined; body: undefined; answer: SubscriptionTest };
  replaySubscription: {
    query: undefined;
    body: ReplaySubscriptionRequest;
    answer: SubscriptionReplay;
  };
  listDeliveries: { query: ListDeliveriesQuery; body: undefined; answer: DeliveryList };
  listDeliveryAttempts: {
    query: ListDeliveryAttemptsQuery;
    body: undefined;
    answer: DeliveryAttemptList;
  };
  fetchOperationReport: { query: undefined; body: undefined; answer: OperationReport };
  fetchOperationRequest: {
    query: FetchOperationRequestQuery;
    body: undefined;
    answer: OperationRequest;
  };
  fetchEmailOperationReport: { query: undefined; body: undefined; answer: OperationReport };
  exportOperation: { query: ExportOperationQuery; body: undefined; answer: undefined };
  exportEmailOperation: { query: ExportEmailOperationQuery; body: undefined; answer: undefined };
  listApiKeys: { query: undefined; body: undefined; answer: ApiKeyList };
  createApiKey: { query: undefined; body: CreateApiKeyRequest; answer: ApiKeyWithSecret };
  revokeApiKey: { query: undefined; body: undefined; answer: undefined };
  listCarriers: { query: undefined; body: undefined; answer: CarrierList };
  fetchSystem: { query: undefined; body: undefined; answer: System };
}

/** Method, path below `/v1`, and for lists the field that has the entries. */
export const ENDPOINTS = {
  listMessages: ['GET', '/Messages', 'messages'],
  sendMessages: ['POST', '/Messages'],
  searchMessages: ['POST', '/Messages/Search', 'messages'],
  listOperations: ['GET', '/Messages/Operations', 'operations'],
  fetchOperation: ['GET', '/Messages/Operations/{operationId}'],
  deleteOperation: ['DELETE', '/Messages/Operations/{operationId}'],
  streamOperation: ['GET', '/Messages/Operations/{operationId}/Stream'],
  listOperationErrors: ['GET', '/Messages/Operations/{operationId}/Errors', 'errors'],
  pauseOperation: ['POST', '/Messages/Operations/{operationId}/Pause'],
  resumeOperation: ['POST', '/Messages/Operations/{operationId}/Resume'],
  cancelOperation: ['POST', '/Messages/Operations/{operationId}/Cancel'],
  seekMessage: ['GET', '/Messages/Seek/{identifier}'],
  fetchMessage: ['GET', '/Messages/{messageId}'],
  deleteMessage: ['DELETE', '/Messages/{messageId}'],
  listReceipts: ['GET', '/Messages/{messageId}/Receipts', 'receipts'],
  cancelMessage: ['POST', '/Messages/{messageId}/Cancel'],
  listEmails: ['GET', '/Emails', 'emails'],
  sendEmails: ['POST', '/Emails'],
  searchEmails: ['POST', '/Emails/Search', 'emails'],
  listEmailOperations: ['GET', '/Emails/Operations', 'operations'],
  fetchEmailOperation: ['GET', '/Emails/Operations/{operationId}'],
  deleteEmailOperation: ['DELETE', '/Emails/Operations/{operationId}'],
  streamEmailOperation: ['GET', '/Emails/Operations/{operationId}/Stream'],
  listEmailOperationErrors: ['GET', '/Emails/Operations/{operationId}/Errors', 'errors'],
  pauseEmailOperation: ['POST', '/Emails/Operations/{operationId}/Pause'],
  resumeEmailOperation: ['POST', '/Emails/Operations/{operationId}/Resume'],
  cancelEmailOperation: ['POST', '/Emails/Operations/{operationId}/Cancel'],
  fetchEmail: ['GET', '/Emails/{emailId}'],
  deleteEmail: ['DELETE', '/Emails/{emailId}'],
  listEmailReceipts: ['GET', '/Emails/{emailId}/Receipts', 'receipts'],
  cancelEmail: ['POST', '/Emails/{emailId}/Cancel'],
  listSenders: ['GET', '/Senders', 'senders'],
  createSender: ['POST', '/Senders'],
  searchSenders: ['POST', '/Senders/Search', 'senders'],
  resolveSenders: ['POST', '/Senders/Resolve'],
  fetchSender: ['GET', '/Senders/{senderId}'],
  updateSender: ['PATCH', '/Senders/{senderId}'],
  deleteSender: ['DELETE', '/Senders/{senderId}'],
  listSenderPools: ['GET', '/SenderPools', 'senderPools'],
  createSenderPool: ['POST', '/SenderPools'],
  listSenderPoolOperations: ['GET', '/SenderPools/Operations', 'operations'],
  fetchSenderPoolOperation: ['GET', '/SenderPools/Operations/{operationId}'],
  fetchSenderPool: ['GET', '/SenderPools/{senderPoolId}'],
  updateSenderPool: ['PATCH', '/SenderPools/{senderPoolId}'],
  deleteSenderPool: ['DELETE', '/SenderPools/{senderPoolId}'],
  listSenderPoolSenders: ['GET', '/SenderPools/{senderPoolId}/Senders', 'senders'],
  addSenderPoolSenders: ['POST', '/SenderPools/{senderPoolId}/Senders'],
  removeSenderPoolSender: ['DELETE', '/SenderPools/{senderPoolId}/Senders/{senderId}'],
  listSuppressions: ['GET', '/Suppressions', 'suppressions'],
  addSuppression: ['POST', '/Suppressions'],
  importSuppressions: ['POST', '/Suppressions/Import'],
  searchSuppressions: ['POST', '/Suppressions/Search', 'suppressions'],
  exportSuppressions: ['GET', '/Suppressions/Export'],
  removeSuppression: ['DELETE', '/Suppressions/{suppressionId}'],
  listContent: ['GET', '/Content', 'contents'],
  createContent: ['POST', '/Content'],
  fetchContent: ['GET', '/Content/{contentId}'],
  deleteContent: ['DELETE', '/Content/{contentId}'],
  streamEvents: ['GET', '/Stream'],
  listSubscriptions: ['GET', '/Subscriptions', 'subscriptions'],
  createSubscription: ['POST', '/Subscriptions'],
  fetchSubscription: ['GET', '/Subscriptions/{subscriptionId}'],
  updateSubscription: ['PATCH', '/Subscriptions/{subscriptionId}'],
  deleteSubscription: ['DELETE', '/Subscriptions/{subscriptionId}'],
  rotateSubscriptionSecret: ['POST', '/Subscriptions/{subscriptionId}/RotateSecret'],
  testSubscription: ['POST', '/Subscriptions/{subscriptionId}/Test'],
  replaySubscription: ['POST', '/Subscriptions/{subscriptionId}/Replay'],
  listDeliveries: ['GET', '/Subscriptions/{subscriptionId}/Deliveries', 'deliveries'],
  listDeliveryAttempts: ['GET', '/Subscriptions/{subscriptionId}/Attempts', 'attempts'],
  fetchOperationReport: ['GET', '/Messages/Operations/{operationId}/Report'],
  fetchOperationRequest: ['GET', '/Messages/Operations/{operationId}/Request'],
  fetchEmailOperationReport: ['GET', '/Emails/Operations/{operationId}/Report'],
  exportOperation: ['GET', '/Messages/Operations/{operationId}/Export'],
  exportEmailOperation: ['GET', '/Emails/Operations/{operationId}/Export'],
  listApiKeys: ['GET', '/ApiKeys', 'apiKeys'],
  createApiKey: ['POST', '/ApiKeys'],
  revokeApiKey: ['DELETE', '/ApiKeys/{apiKeySid}'],
  listCarriers: ['GET', '/Carriers', 'carriers'],
  fetchSystem: ['GET', '/System'],
} as const;

/** Names of the query parameters of endpoints that have some. */
export const QUERY_NAMES: { readonly [Name in keyof Endpoints]?: Readonly<Record<string, true>> } =
  {
    listMessages: {
      operationId: true,
      sessionId: true,
      profile: true,
      startDate: true,
      endDate: true,
      channel: true,
      status: true,
      tags: true,
      pageToken: true,
      pageSize: true,
    },
    searchMessages: { pageToken: true, pageSize: true },
    listOperations: {
      startDate: true,
      endDate: true,
      status: true,
      tags: true,
      details: true,
      pageToken: true,
      pageSize: true,
    },
    listOperationErrors: { pageToken: true, pageSize: true },
    listEmails: {
      operationId: true,
      startDate: true,
      endDate: true,
      status: true,
      tags: true,
      pageToken: true,
      pageSize: true,
    },
    searchEmails: { pageToken: true, pageSize: true },
    listEmailOperations: {
      startDate: true,
      endDate: true,
      status: true,
      tags: true,
      details: true,
      pageToken: true,
      pageSize: true,
    },
    listEmailOperationErrors: { pageToken: true, pageSize: true },
    listSenders: {
      channel: true,
      status: true,
      startDate: true,
      endDate: true,
      pageToken: true,
      pageSize: true,
    },
    searchSenders: { pageToken: true, pageSize: true },
    listSenderPools: {
      startDate: true,
      endDate: true,
      operationId: true,
      pageToken: true,
      pageSize: true,
    },
    listSenderPoolOperations: {
      startDate: true,
      endDate: true,
      status: true,
      pageToken: true,
      pageSize: true,
    },
    listSenderPoolSenders: {
      channel: true,
      status: true,
      startDate: true,
      endDate: true,
      pageToken: true,
      pageSize: true,
    },
    listSuppressions: { startDate: true, endDate: true, pageToken: true, pageSize: true },
    searchSuppressions: { pageToken: true, pageSize: true },
    listContent: { startDate: true, endDate: true, pageToken: true, pageSize: true },
    streamEvents: { types: true, lastEventId: true },
    listSubscriptions: { pageToken: true, pageSize: true },
    listDeliveries: {
      status: true,
      startDate: true,
      endDate: true,
      pageToken: true,
      pageSize: true,
    },
    listDeliveryAttempts: {
      delivered: true,
      startDate: true,
      endDate: true,
      pageToken: true,
      pageSize: true,
    },
    fetchOperationRequest: { statuses: true },
    exportOperation: { statuses: true, format: true, pageToken: true },
    exportEmailOperation: { statuses: true, format: true, pageToken: true },
  };

/** Fields of answers that are dates. */
export const DATE_FIELDS: ReadonlySet<string> = new Set([
  'at',
  'attemptedAt',
  'createdAt',
  'deletedAt',
  'endDate',
  'expireAt',
  'expiresAt',
  'failingSince',
  'lastDeliveryAt',
  'lastUsedAt',
  'nextTryAt',
  'pausedAt',
  'previousUntil',
  'revokedAt',
  'scheduledFor',
  'startDate',
  'startedAt',
  'updatedAt',
]);

/** Fields with names of the user's own: nothing in them is a date. */
export const FREE_FIELDS: ReadonlySet<string> = new Set([
  'byChannel',
  'codes',
  'encodings',
  'headers',
  'rcs',
  'rich',
  'shareLocationAction',
  'sms',
  'tags',
  'types',
  'variables',
]);
