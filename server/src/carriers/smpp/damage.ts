/**
 * Damage: what is done with a PDU that cannot be read, or that nobody sends to us. Its length bounds it, so the stream
 * behind it is sound and goes on; only a length that cannot be ends the session (`frames.ts`).
 *
 * | What                                                   | Becomes                                           |
 * | ------------------------------------------------------ | ------------------------------------------------- |
 * | an answer, whatever is wrong behind its header         | taken: its status and sequence are in the header  |
 * | deliver_sm, data_sm; only optional parameters cut off  | taken, when what is left says something           |
 * | deliver_sm, data_sm otherwise                          | answered with the status of the fault             |
 * | any other request, an unknown one too                  | generic_nack with ESME_RINVCMDID (4.3.1)          |
 * | alert_notification, outbind, an unknown answer         | nothing: they have no answer                      |
 */
import { findCommand, isResponse, TAGS, type CommandName } from './commands.ts';
import { NO_TLVS, type Pdu, type PduError } from './pdu.ts';
import { STATUS } from './statuses.ts';

/** Octets of a PDU that are shown. */
const SHOWN_MAX = 256;

/** The first octets in hexadecimal, for the log. */
export function showOctets(octets: Buffer): string {
  return octets.toString('hex', 0, SHOWN_MAX) + (octets.length > SHOWN_MAX ? '…' : '');
}

/** Whether only an SMSC takes a command. */
export function isForSmsc(command: CommandName): boolean {
  return command === 'submit_sm' || (command.startsWith('bind_') && !command.endsWith('_resp'));
}

/** What is taken of a PDU that cannot be read to its end, or null. */
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

/** The answer to a PDU that is not taken; null: there is none, or two sides could answer each other for ever. */
export function refusePdu(id: number, sequence: number, status: number): Pdu | null {
  const command = findCommand(id);
  if (isResponse(id) || command === 'alert_notification' || command === 'outbind') return null;
  if (command === 'deliver_sm' || command === 'data_sm')
    return { command: `${command}_resp`, status, sequence, messageId: '', tlvs: NO_TLVS };
  return { command: 'generic_nack', status: STATUS.invalidCommand, sequence };
}
