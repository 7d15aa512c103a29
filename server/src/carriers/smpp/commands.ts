/** Constants of SMPP 3.4: command ids (5.1.2.1), tags of optional parameters (5.3.2), bits of `esm_class` (5.2.12). */

/** Command ids by name. A response has bit 31 set. */
export const COMMAND_IDS = {
  generic_nack: 0x80000000,
  bind_receiver: 0x00000001,
  bind_receiver_resp: 0x80000001,
  bind_transmitter: 0x00000002,
  bind_transmitter_resp: 0x80000002,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  deliver_sm_resp: 0x80000005,
  unbind: 0x00000006,
  unbind_resp: 0x80000006,
  bind_transceiver: 0x00000009,
  bind_transceiver_resp: 0x80000009,
  outbind: 0x0000000b,
  enquire_link: 0x00000015,
  enquire_link_resp: 0x80000015,
  alert_notification: 0x00000102,
  data_sm: 0x00000103,
  data_sm_resp: 0x80000103,
} as const;

/** The commands that the codec knows. */
export type CommandName = keyof typeof COMMAND_IDS;

const NAMES = new Map<number, CommandName>(
  Object.entries(COMMAND_IDS).map(([name, id]) => [id, name as CommandName]),
);

/** The name of a command id, undefined for one that the codec does not know. */
export function findCommand(id: number): CommandName | undefined {
  return NAMES.get(id);
}

/** Whether a command id is a response's (5.1.2). */
export function isResponse(id: number): boolean {
  return id >= 0x80000000;
}

/** Tags of the optional parameters that are read or written here; others are kept by number (5.3.2). */
export const TAGS = {
  receipted_message_id: 0x001e,
  source_port: 0x020a,
  destination_port: 0x020b,
  sar_msg_ref_num: 0x020c,
  sar_total_segments: 0x020e,
  sar_segment_seqnum: 0x020f,
  sc_interface_version: 0x0210,
  network_error_code: 0x0423,
  message_payload: 0x0424,
  delivery_failure_reason: 0x0425,
  message_state: 0x0427,
} as const;

/** `esm_class` (5.2.12): the type of message in bits 2 to 5, and the user data header's indicator. */
export const ESM_CLASS = {
  typeMask: 0x3c,
  plain: 0x00,
  receipt: 0x04,
  deliveryAck: 0x08,
  userAck: 0x10,
  abort: 0x18,
  intermediate: 0x20,
  userDataHeader: 0x40,
} as const;

/** Longest `short_message` in octets (4.4.1); longer ones go into `message_payload`. */
export const SHORT_MESSAGE_MAX = 254;
/** The supported version, as `interface_version` (5.2.4). */
export const INTERFACE_VERSION = 0x34;
/** Sequence numbers run from 1 to this and begin again (5.1.4). */
export const SEQUENCE_MAX = 0x7fffffff;
/** Type of number and numbering plan (5.2.5, 5.2.6), as far as they describe an address. */
export const TON = {
  unknown: 0,
  international: 1,
  national: 2,
  networkSpecific: 3,
  alphanumeric: 5,
} as const;
export const NPI = { unknown: 0, isdn: 1 } as const;
