/** The parts of which the server consists. */
import type { Sealer } from '../domain/email-links.ts';
import type { StreamSource } from '../domain/live-events.ts';
import type { Channel } from '../domain/message.ts';
import type { ReceiptParser } from '../domain/receipt-call.ts';
import type { Logger } from '../lib/log.ts';
import type { ApiMetrics } from '../lib/metrics.ts';
import type { Store } from '../store/store.ts';
import type { Who } from './edge/identify.ts';
import type { RequestThreads } from './edge/request-threads.ts';
import type { Streams } from './edge/stream.ts';
import type { Unread } from './edge/unread.ts';
import type { SubscriptionDeps } from './subscriptions/handlers.ts';

export interface ServerOptions {
  /** Origin for links; null: the request's own. */
  readonly publicUrl: string | null;
  /** Proxies whose headers are trusted: none, how many, or their networks. */
  readonly trustProxy: false | number | string[];
  /** Milliseconds from not being ready to refusing requests. */
  readonly shutdownDelayMs: number;
  /** Channels of each configured carrier. */
  readonly carriers: Readonly<Record<string, readonly Channel[]>>;
  readonly dashboard: { readonly enabled: boolean };
  /** Origins whose pages may call the API from browsers. */
  readonly cors: { readonly origins: readonly string[] };
  /** Bytes of a request to send e-mails. */
  readonly emails: { readonly requestBytesMax: number };
  readonly limits: {
    readonly requestsPerSecond: number;
    readonly requestBytesMax: number;
    readonly inFlightBytesMax: number;
    /** Of these, at most by one account. */
    readonly accountInFlightBytesMax: number;
    readonly inFlightRequestsMax: number;
    readonly accountInFlightRequestsMax: number;
    readonly wrongCredentialsPerMinute: number;
    /** Lifetime of an access token. */
    readonly accessTokenSeconds: number;
    /** Streams of one account on this node. */
    readonly streamsPerAccount: number;
    /** Bytes of answers and streams that clients have not taken yet. */
    readonly unreadBytesMax: number;
    /** Of these, at most of one account. */
    readonly accountUnreadBytesMax: number;
    /** Milliseconds for a client to read a byte of its pending answer. */
    readonly unreadTimeoutMs: number;
    /** Milliseconds for a request's headers, and for all of it. */
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
    /** Milliseconds for all of a streamed request. */
    readonly streamTimeoutMs: number;
  };
  /** Certificate and key, PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export interface ServerDeps {
  readonly options: ServerOptions;
  readonly log: Logger;
  readonly store: Store;
  readonly metrics: ApiMetrics;
  /** Metrics of the other threads, in Prometheus' text format. */
  readonly measureThreads: () => Promise<string>;
  /** Null for a node that serves operators only. */
  readonly api: ApiDeps | null;
}

export interface ApiDeps {
  readonly threads: RequestThreads;
  /** Seals the links of e-mails. */
  readonly sealer: Sealer;
  /** Seals sessions of the dashboard and access tokens. */
  readonly credentialSealer: Sealer;
  /** The node itself. */
  readonly node: { readonly roles: readonly string[]; readonly embedded: boolean };
  /** Readers of carrier callbacks, by the name of the carrier. */
  readonly receiptParsers: ReadonlyMap<string, ReceiptParser>;
  /** The events and operations of live streams. */
  readonly streamSource: StreamSource;
  readonly subscriptions: SubscriptionDeps;
}

export type AllDeps = ServerDeps &
  ApiDeps & { readonly who: Who; readonly unread: Unread; readonly streams: Streams };
