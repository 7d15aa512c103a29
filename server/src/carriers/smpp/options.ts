/** Options of an SMPP connection, with units, defaults and limits. */
import type { Logger } from '../../lib/log.ts';
import type { DefaultAlphabet } from './alphabet.ts';

/** TLS to the SMSC. */
export interface SmppTls {
  /** Certificates to trust instead of the system's, as PEM text; null: the system's. */
  readonly ca: string | null;
  /** Name that the certificate must have, also sent as SNI; null: `host`. */
  readonly servername: string | null;
  /** Whether a certificate that cannot be verified ends the connection. Default true. */
  readonly rejectUnauthorized: boolean;
}

/** Type of number and numbering plan: by the address's form, or always these (0 to 255 each). */
export type Numbering = 'auto' | { readonly ton: number; readonly npi: number };

export interface SmppOptions {
  /** The carrier's name. */
  readonly name: string;
  readonly host: string;
  /** 1 to 65535. Default 2775, as registered for SMPP. */
  readonly port: number;
  /** Null: plain TCP. Default null. */
  readonly tls: SmppTls | null;
  /** The account at the SMSC (`system_id`): 1 to 15 characters by the standard, 64 here. */
  readonly systemId: string;
  /** 0 to 8 characters by the standard, 64 here. */
  readonly password: string;
  /** `system_type`, 0 to 12 characters. Default empty. */
  readonly systemType: string;
  /** `address_range` of the bind: which addresses messages are wanted for; 0 to 40 characters. Default empty. */
  readonly addressRange: string;
  /** Each bind is one transceiver, or a transmitter and a receiver. Default `transceiver`. */
  readonly bindMode: 'transceiver' | 'pair';
  /** Sessions (in mode `pair`: pairs) at once, 1 to 32. Default 1. */
  readonly binds: number;
  /** Most sessions (pairs) of all nodes together, 1 to 1,000; null: `binds` on each node. Default null. */
  readonly bindsMax: number | null;
  /** Requests without an answer on one session, 1 to 1,000. Default 50. */
  readonly windowPerBind: number;
  /** The treatment of a submission whose answer was lost. Default `hold`. */
  readonly ambiguous: 'hold' | 'resend';

  /** Milliseconds for TCP, TLS and the bind together. Default 10,000. */
  readonly bindTimeoutMs: number;
  /** Milliseconds until a request without an answer is given up. Default 30,000. */
  readonly responseTimeoutMs: number;
  /** Milliseconds of silence after which enquire_link is sent. Default 30,000. */
  readonly enquireLinkMs: number;
  /** Longest pause before the first and before any later try to connect, in milliseconds. Defaults 1,000 and 60,000. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Milliseconds that a submission waits for a session when none is bound. Default 5,000. */
  readonly unboundWaitMs: number;
  /** Milliseconds to leave the SMSC alone after it said that we are too fast. Default 1,000. */
  readonly throttledMs: number;
  /** Milliseconds for which later parts of a message are tried again, its first being taken. Default 60,000. */
  readonly partRetryMs: number;
  /** Milliseconds that a stop, or the answer to the SMSC's unbind, waits for answers. Default 10,000. */
  readonly stopTimeoutMs: number;

  /** The meaning of `data_coding` 0. Default `gsm-7`. */
  readonly alphabet: DefaultAlphabet;
  /** How texts of more than one part go: with headers, with SAR parameters, or whole in one. Default `udh`. */
  readonly longMessages: 'udh' | 'sar' | 'payload';
  /** Default `auto`, both. */
  readonly sourceNumbering: Numbering;
  readonly destinationNumbering: Numbering;
  /** `service_type`, 0 to 5 characters. Default empty. */
  readonly serviceType: string;
  /** Calling code of the country whose numbers come without one in messages to us, digits; null: none does. Default null. */
  readonly inboundCountryCode: string | null;
  /** The national trunk prefix, digits. Default `0`. */
  readonly inboundTrunkPrefix: string;
  /** Whether to request receipts. Default true. */
  readonly registeredDelivery: boolean;
  /** The meaning of the addresses of a receipt: the recipient (4.6.1), or none. Default `recipient`. */
  readonly receiptSource: 'recipient' | 'any';
  /** Whether a message counts as a receipt that is not marked as one. Default false. */
  readonly unmarkedReceipts: boolean;
  /**
   * Carriers of one group accept receipts for each other's messages; null: carriers with the same host, port and system
   * id form a group. Default null.
   */
  readonly receiptGroup: string | null;

  readonly logger: Logger;
  /** A number in [0, 1), for the jitter of reconnects and the first reference of long messages. */
  readonly random: () => number;
  /** Called for each unit from the SMSC that cannot be read. */
  readonly onDamage: () => void;
}

/** The defaults of all options except address and credentials. */
export const SMPP_DEFAULTS = {
  port: 2775,
  tls: null,
  systemType: '',
  addressRange: '',
  bindMode: 'transceiver',
  binds: 1,
  bindsMax: null,
  windowPerBind: 50,
  ambiguous: 'hold',
  bindTimeoutMs: 10_000,
  responseTimeoutMs: 30_000,
  enquireLinkMs: 30_000,
  reconnectMinMs: 1_000,
  reconnectMaxMs: 60_000,
  unboundWaitMs: 5_000,
  throttledMs: 1_000,
  partRetryMs: 60_000,
  stopTimeoutMs: 10_000,
  alphabet: 'gsm-7',
  longMessages: 'udh',
  sourceNumbering: 'auto',
  destinationNumbering: 'auto',
  serviceType: '',
  inboundCountryCode: null,
  inboundTrunkPrefix: '0',
  registeredDelivery: true,
  receiptSource: 'recipient',
  unmarkedReceipts: false,
  receiptGroup: null,
} as const satisfies Partial<SmppOptions>;
