/** Options of an SMTP connection, with units, defaults and limits. */
import type { Logger } from '../../lib/log.ts';

/** Protection of the connection: STARTTLS required; STARTTLS if offered; TLS from the start; none. */
export const SMTP_SECURITY = ['starttls', 'starttls-optional', 'tls', 'none'] as const;
export type SmtpSecurity = (typeof SMTP_SECURITY)[number];

/** A key to sign with (RFC 6376). */
export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

export interface SmtpOptions {
  /** The carrier's name. */
  readonly name: string;
  readonly host: string;
  /** 1 to 65535. Default 587, submission. */
  readonly port: number;
  /** Default `starttls`. */
  readonly security: SmtpSecurity;
  /** Certificates to trust instead of the system's, as PEM text; null: the system's. */
  readonly ca: string | null;
  /** Name in the certificate when it is not `host`; null: `host`. */
  readonly servername: string | null;
  /** Whether a certificate that cannot be verified ends the connection. Default true. */
  readonly rejectUnauthorized: boolean;
  /** Null: no log-in. */
  readonly username: string | null;
  readonly password: string | null;
  /** Name that the server is greeted with; null: this machine's. */
  readonly clientName: string | null;
  /** Maximum connections, 1 to 100. Default 4. Also the window: each carries one e-mail at a time. */
  readonly connections: number;
  /** E-mails over one connection before it is made anew, 1 to 100,000. Default 100. */
  readonly messagesPerConnection: number;
  /** Milliseconds for a connection, for the greeting, and of silence. Defaults 10,000, 10,000 and 60,000. */
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** Milliseconds until an e-mail is tried again that was refused for now, greylisting among it. Default 300,000. */
  readonly retryAfterMs: number;
  /** The treatment of an e-mail whose answer was lost. Default `hold`. */
  readonly ambiguous: 'hold' | 'resend';
  /**
   * When an e-mail counts as delivered: when the server has accepted it, and with it the duty to deliver or to report
   * (RFC 5321, 4.2.5 and 6.1), or when it reports success (RFC 3461). Default `accept`.
   */
  readonly deliveredOn: 'accept' | 'report';
  /**
   * Address for reports, `bounces@example.com`: each e-mail uses `bounces+{reference}@example.com`. Null: the address of
   * the sender, which Fanfare does not read.
   */
  readonly bounceAddress: string | null;
  /** Where mail to `bounceAddress` is taken; null: it is not. */
  readonly bounceListen: { readonly host: string; readonly port: number } | null;
  /** Null: not signed. */
  readonly dkim: DkimKey | null;
  readonly logger: Logger;
  /** Called for a report without a result. */
  readonly onDamage: () => void;
}

/** The defaults of all options except address and credentials. */
export const SMTP_DEFAULTS = {
  port: 587,
  security: 'starttls',
  ca: null,
  servername: null,
  rejectUnauthorized: true,
  username: null,
  password: null,
  clientName: null,
  connections: 4,
  messagesPerConnection: 100,
  connectTimeoutMs: 10_000,
  greetingTimeoutMs: 10_000,
  answerTimeoutMs: 60_000,
  retryAfterMs: 300_000,
  ambiguous: 'hold',
  deliveredOn: 'accept',
  bounceAddress: null,
  bounceListen: null,
  dkim: null,
} as const satisfies Partial<SmtpOptions>;
