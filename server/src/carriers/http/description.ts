/**
 * A description of an HTTP provider, as plain data for a configuration file: how to submit, how to read answers, how to
 * verify and read callbacks. `docs/carriers/http.md` explains every member.
 */
import type { Carriage } from '../../domain/carriage.ts';
import type { Keyword } from '../../domain/keywords.ts';
import type { Channel } from '../../domain/message.ts';
import type { Receipt } from '../../domain/receipt.ts';

/** The protocol of a provider. */
export interface HttpDescription {
  readonly request: RequestDescription;
  readonly response: ResponseDescription;
  /** The provider's own error codes, as it writes them, in answers and receipts. */
  readonly errors?: Readonly<Record<string, ErrorRule>>;
  /** The provider's codes equal the codes of our error table, where it has them. */
  readonly sharesCodes?: boolean;
  /** Absent: the provider never calls back. */
  readonly receipts?: ReceiptsDescription;
}

/** One submission. Strings are Liquid templates over the variables of a submission (`template.ts`). */
export interface RequestDescription {
  readonly method: 'POST' | 'PUT' | 'GET';
  /** Scheme, host and port are fixed; behind them templates, whose values are percent-encoded. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly auth: AuthDescription;
  /** Absent: no body. */
  readonly body?: { readonly kind: 'json' | 'form'; readonly template: BodyTemplate };
  /** Media that one message may have; one with more is refused instead of sent without them. As many as there is a place for when absent. */
  readonly mediaMax?: number;
  /** Limits of a channel that differ from the places in the template; `domain/carriage.ts`. */
  readonly carries?: Readonly<Partial<Record<Channel, Partial<Carriage>>>>;
}

/**
 * A body as JSON. Strings are templates; a string, list or object with an empty result is omitted. Special forms:
 * `{"$value": pointer}`, `{"$each": pointer, "item": template}` or `$first`, and `{"$switch": [{"when": pointer, "use": template}]}`.
 */
export type BodyTemplate =
  | string
  | number
  | boolean
  | null
  | readonly BodyTemplate[]
  | { readonly [name: string]: BodyTemplate };

/** The authentication of requests. It contains no templates. */
export type AuthDescription =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | JwtAuthDescription;

/** A service account: a signed JWT is exchanged for an access token (RFC 7523, section 2.1). */
export interface JwtAuthDescription {
  readonly kind: 'oauth-jwt';
  readonly clientEmail: string;
  /** PKCS #8 in PEM; signs with RS256. */
  readonly privateKey: string;
  readonly tokenUrl: string;
  readonly scope: string;
}

/** The meaning of an answer. `rejected` and `retry` settle the attempt; see `SendResult`. */
export interface ErrorRule {
  /** `accepted`: it was taken, whatever the status says; a repetition that the provider recognises. */
  readonly kind: 'accepted' | 'rejected' | 'retry' | 'throttled' | 'unknown';
  /** Of our error table; 30008 when absent. */
  readonly code?: number;
}

/** The reading of answers to submissions. */
export interface ResponseDescription {
  /** Statuses that accept; all of 200 to 299 when absent. */
  readonly accepts?: readonly number[];
  /** Where the provider's id stands in the answer, or a template for an id that we chose ourselves. */
  readonly id: { readonly pointer: string } | { readonly template: string };
  readonly errorCode?: string | readonly string[];
  readonly errorDetail?: string | readonly string[];
  /** By words that an answer from HTTP 400 on has, in any case; they count first, where one code or status says several things. */
  readonly phrases?: Readonly<Record<string, ErrorRule>>;
  /** Meanings by HTTP status, which replace the provider's code and the defaults. */
  readonly statuses?: Readonly<Record<string, ErrorRule>>;
}

/** The provider's callbacks to `/carriers/{name}/receipts`. Pointers locate members; of several, the first match counts. */
export interface ReceiptsDescription {
  readonly verify: VerifyDescription;
  readonly challenge?: ChallengeDescription;
  /** `query`: the parameters of the URL are the one event. */
  readonly format: 'json' | 'form' | 'query';
  /** Pointer to a string of the body that holds the real body as base64. */
  readonly envelope?: string;
  /** The answer to a callback that was read; 200 and empty when absent. */
  readonly answer?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  readonly statuses: StatusesDescription;
  readonly inbound?: InboundDescription;
  /** Choices of people on the provider's own pages: stop, or start again. No message comes with them. */
  readonly preferences?: PreferencesDescription;
}

/** Pointers to receipts in a callback, and their meanings. */
export interface StatusesDescription {
  readonly events: string;
  readonly reference?: string | readonly string[];
  readonly providerId?: string | readonly string[];
  readonly status: string | readonly string[];
  /** Our word for each of the provider's; unlisted words are ignored. */
  readonly words: Readonly<Record<string, Receipt['status']>>;
  readonly errorCode?: string | readonly string[];
  readonly errorDetail?: string | readonly string[];
}

/** Pointers to inbound messages in a callback. */
export interface InboundDescription {
  readonly events: string;
  /** Only events that have one of these; all when absent. */
  readonly when?: string | readonly string[];
  readonly channel: Channel;
  /** Starts of `from` that are cut off and name another channel, `whatsapp:`. */
  readonly prefixes?: Readonly<Record<string, Channel>>;
  /** `digits`: numbers come without their plus. */
  readonly numbers?: 'e164' | 'digits';
  readonly from: string | readonly string[];
  readonly to: string | readonly string[];
  /** Where the provider names the service that `to` belongs to, if messages may be sent from such a service in place of a number. */
  readonly service?: string | readonly string[];
  readonly text: string | readonly string[];
  readonly id?: string | readonly string[];
  /**
   * The place where the provider states that the message was a keyword (stop, start or help), and its words for these,
   * in any case. It takes precedence over the text and is not answered: the provider has answered. Such an event counts
   * without any of `when`.
   */
  readonly keyword?: {
    readonly at: string | readonly string[];
    readonly words: Readonly<Record<string, Keyword>>;
  };
  /** RFC 3339, or Unix time in seconds or milliseconds; the time of arrival when absent or unreadable. */
  readonly at?: string | readonly string[];
}

/** Pointers to opt-outs in a callback; each needs one of the words in `keyword`. */
export type PreferencesDescription = Omit<
  InboundDescription,
  'when' | 'service' | 'text' | 'keyword'
> &
  Required<Pick<InboundDescription, 'keyword'>>;

/** The authentication of a callback. */
export type VerifyDescription =
  /** Anyone may report anything. Only for networks that keep others out. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'secret';
      readonly in: 'header' | 'query';
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: 'bearer'; readonly token: string }
  /** HMAC over the body as received, or over the content of the envelope. */
  | {
      readonly kind: 'hmac';
      readonly header: string;
      readonly algorithm: 'sha1' | 'sha256' | 'sha512';
      readonly encoding: 'hex' | 'base64';
      /** In front of the digest, `sha256=`. */
      readonly prefix?: string;
      readonly secret: string;
    }
  /** X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted form fields. */
  | { readonly kind: 'classic'; readonly authToken: string };

/** The provider's verification of our URL: it sends a token that we know, and expects a value back. */
export type ChallengeDescription =
  | {
      /** A GET with parameters. */
      readonly kind: 'query';
      readonly tokenName: string;
      readonly token: string;
      readonly echo: string;
    }
  | {
      /** A POST with JSON; names are pointers. */
      readonly kind: 'json';
      readonly tokenName: string;
      readonly token: string;
      readonly echo: string;
    };
