/**
 * Handles PDUs that are damaged, or that an SMSC must not send. The length of such a PDU is known, so the session goes on
 * with the next one. Only an impossible length ends the session (`frames.ts`).
 *
 * | What                                                   | Becomes                                           |
 * | ------------------------------------------------------ | ------------------------------------------------- |
 * | an answer, with any fault behind its header            | taken: its status and sequence are in the header  |
 * | deliver_sm, data_sm; only optional parameters cut off  | taken, if the readable part has a meaning         |
 * | deliver_sm, data_sm otherwise                          | answered with the status of the fault             |
 * | any other request, an unknown one too                  | generic_nack with ESME_RINVCMDID (4.3.1)          |
 * | alert_notification, outbind, an unknown answer         | nothing: they have no answer                      |
 */
import { findCommand, isResponse, TAGS, type CommandName } from './commands.ts';
import { NO_TLVS, type Pdu, type PduError } from './pdu.ts';
import { STATUS } from './statuses.ts';

/** Number of octets of a PDU in the log. */
const SHOWN_MAX = 256;

/** The first octets in hexadecimal, for the log. */
export function formatOctets(octets: Buffer): string {
  return octets.toString('hex', 0, SHOWN_MAX) + (octets.length > SHOWN_MAX ? '…' : '');
}

/** Whether only an SMSC takes a command. */
export function isForSmsc(command: CommandName): boolean {
  return command === 'submit_sm' || (command.startsWith('bind_') && !command.endsWith('_resp'));
}

/** The usable part of a PDU that cannot be read completely, or null. */
export function salvage({ pdu }: PduError): Pdu | null {
  switch (pdu?.command) {
    case undefined:
    case 'alert_notification':
    case 'submit_sm':
      return null;
    case 'deliver_sm':
      return pdu.shortMessage.length > 0 || saysSomething(pdu.tlvs) ? pdu : null;
    case 'data_sm':
      return saysSomething(pdu.tlvs) ? pdu : null;
    default:
      return pdu;
  }
}

function saysSomething(tlvs: ReadonlyMap<number, Buffer>): boolean {
  return tlvs.has(TAGS.message_payload) || tlvs.has(TAGS.receipted_message_id);
}

/** The answer to a refused PDU; null for no answer, so that two sides never answer each other forever. */
export function refusePdu(id: number, sequence: number, status: number): Pdu | null {
  const command = findCommand(id);
  if (isResponse(id) || command === 'alert_notification' || command === 'outbind') return null;
  if (command === 'deliver_sm' || command === 'data_sm')
    return { command: `${command}_resp`, status, sequence, messageId: '', tlvs: NO_TLVS };
  return { command: 'generic_nack', status: STATUS.invalidCommand, sequence };
}
