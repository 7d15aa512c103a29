/**
 * Turns a submission into submit_sm PDUs (SMPP 3.4, 4.4.1). There is one PDU if the text fits or is sent as payload.
 * Otherwise each part is a PDU with a user data header (3GPP TS 23.040, 9.2.3.24.1) or SAR parameters (5.3.2.22 to
 * 5.3.2.24).
 */
import { CARRIAGE, fitContent } from '../../domain/carriage.ts';
import { ERRORS } from '../../domain/errors.ts';
import type { Submission } from '../carrier.ts';
import { toSmppAddress } from './addresses.ts';
import { encodeText, splitText } from './alphabet.ts';
import { ESM_CLASS, SHORT_MESSAGE_MAX, TAGS } from './commands.ts';
import { PDU_LENGTH_MAX } from './frames.ts';
import type { SmppOptions } from './options.ts';
import { NO_TLVS, type MessageBody } from './pdu.ts';

/** The reason why a submission cannot be sent. */
export interface Refusal {
  readonly code: number;
  readonly detail: string;
}

/** A header's and SAR's numbers are octets. */
const PARTS_MAX = 255;
/** Octets of a payload that leave room for the other fields of the PDU. */
const PAYLOAD_MAX = PDU_LENGTH_MAX - 1_024;
/** A part's header: its length, the element for concatenation with 8 bit, three octets of it. */
const HEADER = [0x05, 0x00, 0x03] as const;
const EMPTY = Buffer.alloc(0);
/** Longest validity period in days: a relative month is no fixed time, and no SMSC holds a message that long. */
const VALIDITY_DAYS_MAX = 31;

/**
 * The bodies to submit, in order, or the reason why there are none.
 * @param nextReference gives each long message a number; its lower bits are used
 */
export function composeMessages(
  submission: Submission,
  options: SmppOptions,
  nextReference: () => number,
  nowMs: number,
): MessageBody[] | Refusal {
  const fit = fitContent(submission, CARRIAGE.smpp.SMS);
  if (!fit.ok) return refuse('templateFailed', `Over SMPP ${fit.problem}`);
  const { expireAt } = submission;
  const { text } = fit.fitted;
  if (text === null || text === '')
    return refuse('templateFailed', 'SMS carries text only, and the message has none');
  const source = toSmppAddress(submission.from, options.sourceNumbering);
  if (source === null)
    return refuse('sender', `"${submission.from}" cannot be a source address over SMPP`);
  const destination = toSmppAddress(submission.to, options.destinationNumbering);
  if (destination === null)
    return refuse('phoneNumber', 'It cannot be a destination address over SMPP');
  if (expireAt !== null && expireAt.getTime() <= nowMs)
    return refuse('expired', 'It expired before it was submitted');
  const encoded = encodeText(text, options.alphabet);
  // All of a message that goes in one part; the others are made from it.
  const common: MessageBody = {
    serviceType: options.serviceType,
    source,
    destination,
    esmClass: ESM_CLASS.plain,
    protocolId: 0,
    priority: 0,
    scheduledAt: '',
    validity: expireAt === null ? '' : formatValidity(expireAt.getTime() - nowMs),
    registeredDelivery: options.registeredDelivery ? 1 : 0,
    replaceIfPresent: 0,
    dataCoding: encoded.dataCoding,
    defaultMessageId: 0,
    shortMessage: encoded.octets,
    tlvs: NO_TLVS,
  };
  if (encoded.octets.length <= encoded.single) return [common];
  if (options.longMessages === 'payload')
    return encoded.octets.length > PAYLOAD_MAX
      ? refuse('templateFailed', `The text has ${encoded.octets.length} octets; too many`)
      : [wholeOf(common, encoded.octets)];
  const parts = splitText(encoded);
  if (parts.length > PARTS_MAX)
    return refuse(
      'templateFailed',
      `The text has too many parts: ${parts.length}; ${PARTS_MAX} are possible`,
    );
  const reference = nextReference();
  return parts.map((part, i) =>
    options.longMessages === 'sar'
      ? sarPartOf(common, part, reference, parts.length, i + 1)
      : headedPartOf(common, part, reference, parts.length, i + 1),
  );
}

function refuse(error: 'templateFailed' | 'sender' | 'phoneNumber' | 'expired', detail: string) {
  return { code: ERRORS[error].code, detail };
}

/** In short_message if it fits, otherwise in message_payload (5.3.2.32); never in both. */
function wholeOf(common: MessageBody, octets: Buffer): MessageBody {
  return octets.length <= SHORT_MESSAGE_MAX
    ? { ...common, shortMessage: octets }
    : { ...common, shortMessage: EMPTY, tlvs: new Map([[TAGS.message_payload, octets]]) };
}

function headedPartOf(
  common: MessageBody,
  octets: Buffer,
  reference: number,
  total: number,
  number: number,
): MessageBody {
  const header = Buffer.from([...HEADER, reference & 0xff, total, number]);
  return {
    ...common,
    esmClass: ESM_CLASS.userDataHeader,
    shortMessage: Buffer.concat([header, octets]),
  };
}

function sarPartOf(
  common: MessageBody,
  octets: Buffer,
  reference: number,
  total: number,
  number: number,
): MessageBody {
  return {
    ...common,
    shortMessage: octets,
    tlvs: new Map([
      [TAGS.sar_msg_ref_num, Buffer.from([(reference >>> 8) & 0xff, reference & 0xff])],
      [TAGS.sar_total_segments, Buffer.from([total])],
      [TAGS.sar_segment_seqnum, Buffer.from([number])],
    ]),
  };
}

/** A time from now as `YYMMDDhhmmsstnnR` (7.1.1.2): at least a second, at most 31 days, rounded down. */
export function formatValidity(ms: number): string {
  const seconds = Math.max(1, Math.min(Math.floor(ms / 1000), VALIDITY_DAYS_MAX * 86_400));
  const pair = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60];
  return `0000${pair(days)}${pair(hours)}${pair(minutes)}${pair(seconds % 60)}000R`;
}
