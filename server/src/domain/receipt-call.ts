/** Carrier callbacks and their results; each kind of carrier reads its own. */
import type { InboundMessage } from './inbound.ts';
import type { Receipt } from './receipt.ts';

/** A received call. Header names are lower-case. */
export interface InboundHttp {
  readonly method: string;
  readonly path: string;
  /** The URL that the provider called, as it is known outside: signatures are over it. */
  readonly fullUrl: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawBody: Buffer;
}

/** The result of a call. */
export interface ReceiptAnswer {
  /** The answer to send once the reports are stored. */
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly receipts: readonly Receipt[];
  readonly inbound: readonly InboundMessage[];
  /** The reason for which a genuine call has no result, though it should. */
  readonly unreadable?: string;
}

/** Reads one call received at `at`. Never throws or rejects. */
export type ReceiptParser = (
  request: InboundHttp,
  at: Date,
) => ReceiptAnswer | Promise<ReceiptAnswer>;
