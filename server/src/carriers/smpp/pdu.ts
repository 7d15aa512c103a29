/** Protocol data units of SMPP 3.4 as values (chapter 4). Texts are the octets read as Latin-1. */
import type { CommandName } from './commands.ts';

/** Optional parameters (TLVs) by tag, in their order; unknown ones are kept, of a repeated one the last. */
export type Tlvs = ReadonlyMap<number, Buffer>;

/** Longest id that is kept, in characters; the standard has 64 (5.2.23). */
export const PROVIDER_ID_MAX = 255;

/** No optional parameters; shared. */
export const NO_TLVS: Tlvs = new Map();

/** An address with its type of number and numbering plan (5.2.5 to 5.2.8). */
export interface SmppAddress {
  readonly ton: number;
  readonly npi: number;
  readonly address: string;
}

interface Numbered {
  /** `command_status` (5.1.3); 0 in requests. */
  readonly status: number;
  /** `sequence_number` (5.1.4). */
  readonly sequence: number;
}

/** bind_receiver, bind_transmitter, bind_transceiver (4.1). */
export interface BindBody {
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  readonly interfaceVersion: number;
  readonly addressRange: SmppAddress;
}

/** submit_sm and deliver_sm (4.4.1, 4.6.1): the same fields. */
export interface MessageBody {
  readonly serviceType: string;
  readonly source: SmppAddress;
  readonly destination: SmppAddress;
  readonly esmClass: number;
  readonly protocolId: number;
  readonly priority: number;
  readonly scheduledAt: string;
  readonly validity: string;
  readonly registeredDelivery: number;
  readonly replaceIfPresent: number;
  readonly dataCoding: number;
  readonly defaultMessageId: number;
  readonly shortMessage: Buffer;
  readonly tlvs: Tlvs;
}

/** data_sm (4.7.1). */
export interface DataBody {
  readonly serviceType: string;
  readonly source: SmppAddress;
  readonly destination: SmppAddress;
  readonly esmClass: number;
  readonly registeredDelivery: number;
  readonly dataCoding: number;
  readonly tlvs: Tlvs;
}

/** submit_sm_resp, deliver_sm_resp, data_sm_resp (4.4.2, 4.6.2, 4.7.2). The id is empty where the body is missing. */
export interface MessageIdBody {
  readonly messageId: string;
  readonly tlvs: Tlvs;
}

/** The bind responses (4.1). */
export interface SystemIdBody {
  readonly systemId: string;
  readonly tlvs: Tlvs;
}

export type BindName = 'bind_receiver' | 'bind_transmitter' | 'bind_transceiver';
type HeaderOnlyName =
  'generic_nack' | 'unbind' | 'unbind_resp' | 'enquire_link' | 'enquire_link_resp';
type With<Name extends CommandName, Body> = Name extends CommandName
  ? Numbered & Body & { readonly command: Name }
  : never;

/** Every PDU that the codec writes and reads, distinguished by `command`. */
export type Pdu =
  | With<HeaderOnlyName, unknown>
  | With<BindName, BindBody>
  | With<`${BindName}_resp`, SystemIdBody>
  | With<'submit_sm' | 'deliver_sm', MessageBody>
  | With<'data_sm', DataBody>
  | With<'submit_sm_resp' | 'deliver_sm_resp' | 'data_sm_resp', MessageIdBody>
  | With<'outbind', { readonly systemId: string; readonly password: string }>
  | With<
      'alert_notification',
      { readonly source: SmppAddress; readonly esme: SmppAddress; readonly tlvs: Tlvs }
    >;

/** A PDU of one command, or of several. */
export type PduOf<Name extends CommandName> = Extract<Pdu, { readonly command: Name }>;

/** A PDU that cannot be read, or not to its end. Only a length that cannot be makes the stream behind it unsound. */
export class PduError extends Error {
  override readonly name = 'PduError';
  /** The content of an answer to it (5.1.3). */
  readonly status: number;
  /** Its octets, or the octets of an impossible length. A view. */
  readonly octets: Buffer;
  /** The readable part, if only its optional parameters or the end of its last string is missing. */
  readonly pdu: Pdu | null;

  constructor(message: string, status: number, octets: Buffer, pdu: Pdu | null = null) {
    super(message);
    this.status = status;
    this.octets = octets;
    this.pdu = pdu;
  }
}
