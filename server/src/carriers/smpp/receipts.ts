/**
 * Reads receipts in deliver_sm (SMPP 3.4, 4.6.1 and appendix B): from optional parameters if the SMSC sends them,
 * otherwise from the text (`receipt-text.ts`), which is ASCII regardless of data_coding.
 */
import { ERRORS, type ErrorName } from '../../domain/errors.ts';
import { spellProviderId, type Receipt } from '../../domain/receipt.ts';
import { DATA_CODING, decodeText, type DefaultAlphabet } from './alphabet.ts';
import { ESM_CLASS, TAGS } from './commands.ts';
import { PROVIDER_ID_MAX, type Tlvs } from './pdu.ts';
import { readReceiptFields, TEXT_LENGTH_MAX } from './receipt-text.ts';

/** A message from the SMSC with its octets in one place: short_message or message_payload, without a header. */
export interface ReceiptSource {
  readonly esmClass: number;
  /** The addresses that it goes from and to, as they stand there. */
  readonly source: string;
  readonly destination: string;
  readonly dataCoding: number;
  readonly octets: Buffer;
  readonly tlvs: Tlvs;
}

/** Options for reading a carrier's receipts. */
export interface ReceiptRules {
  readonly alphabet: DefaultAlphabet;
  /** The meaning of the addresses of a receipt: the recipient (4.6.1), or none. */
  readonly source: 'recipient' | 'any';
  /** Whether a message counts that is not marked as a receipt, but reads like one and comes from the recipient. */
  readonly unmarked: boolean;
}

/**
 * The kind of a message from the SMSC: a final receipt, a receipt without a final state, an incomplete receipt, or not a
 * receipt.
 */
export type ReceiptReading =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'ignored' | 'unreadable'; readonly reason: string }
  | { readonly kind: 'none' };

/** States as words for our records. `null`: not final. */
type State = 'DELIVERED' | 'READ' | ErrorName | null;

/** message_state (5.2.28) by number; 0 and 9 are of SMPP 5.0. */
const STATE_NAMES = [
  'SCHEDULED',
  'ENROUTE',
  'DELIVERED',
  'EXPIRED',
  'DELETED',
  'UNDELIVERABLE',
  'ACCEPTED',
  'UNKNOWN',
  'REJECTED',
  'SKIPPED',
] as const;

/**
 * Prefixes of `stat` with their meanings, letters only (appendix B, table B-2, and values of real SMSCs). The order matters:
 * words for failed deliveries start like those for delivered ones, and a message delivered to a network is not delivered yet.
 */
const STATES: readonly (readonly [RegExp, State])[] = [
  [/^DELIVER(ED|Y)TO(THE)?(NETWORK|SMSC|OPERATOR|CARRIER)/, null],
  [/^DELIVERY?(UNCERTAIN|PENDING|DELAYED)/, null],
  [/^(DELI?VE?RE?D|DLVRE?D|DELIVERY?(OK|SUCC)|(DELIV|DELIVER|OK|SUCCESS)$)/, 'DELIVERED'],
  [/^(READ|SEEN|DISPLAY)/, 'READ'],
  [/^(ENR|ONROUTE|INTRANSIT|ACCEP|ACKED|BUFF|SCHED|PEND|QUEUE|SENT|(IN)?PRO[CG])/, null],
  [/^(SUBMIT|TRANSMIT|DISPATCH|FORWARD|STORED|WAIT|RETRY|DELAYED|DEFER|TEMP)/, null],
  [/^(EXPIR|UNDEL|NOTDEL|NOTDLV|DELIV)/, 'unreachable'],
  [/^REJ/, 'refused'],
  [/^(DELET|UNKN|FAIL|SKIP|CANCEL)/, 'carrierFault'],
];

/**
 * Reads a message as a receipt. `esm_class` has its type (5.2.12): a delivery receipt of the SMSC; an intermediate
 * notification, which is never final (2.11); an acknowledgement of the handset, which means, despite its name, that the
 * message was read; or an acknowledgement of the user, which is an ordinary message. A message without a type is not a
 * receipt unless `unmarked` says so, because everybody can write a text like a receipt.
 */
export function readReceipt(source: ReceiptSource, rules: ReceiptRules): ReceiptReading {
  const type = typeOf(source.esmClass);
  if (type === ESM_CLASS.intermediate) return { kind: 'ignored', reason: 'An intermediate one' };
  if (type === ESM_CLASS.abort) return { kind: 'ignored', reason: 'The end of a conversation' };
  const isMarked = type === ESM_CLASS.receipt || type === ESM_CLASS.deliveryAck;
  if (!isMarked && !(rules.unmarked && type === ESM_CLASS.plain)) return { kind: 'none' };
  const fields = readFields(source, rules.alphabet);
  const idTlv = textOf(source.tlvs.get(TAGS.receipted_message_id));
  if (!isMarked && !readsLikeOne(source, fields, idTlv)) return { kind: 'none' };
  const id = [idTlv, firstWord(fields.get('id'))].find((each) => ID.test(each));
  if (id === undefined && type === ESM_CLASS.deliveryAck)
    return { kind: 'ignored', reason: 'An acknowledgement that names no message' };
  const words = stateWordsOf(source.tlvs, fields) || (type === ESM_CLASS.deliveryAck ? 'READ' : '');
  if (words === '') return { kind: 'unreadable', reason: 'A receipt without a state' };
  const letters = words.replaceAll(/[^A-Z]/g, '');
  const state = STATES.find(([pattern]) => pattern.test(letters))?.[1];
  if (state === null) return { kind: 'ignored', reason: `Not final: ${words}` };
  if (id === undefined) return { kind: 'unreadable', reason: 'A receipt without an id' };
  const named = { providerIds: spellProviderId(id), ...recipientsOf(source, rules) };
  if (state === 'DELIVERED' || state === 'READ')
    return { kind: 'receipt', receipt: { ...named, status: state } };
  const detail = [words, ...errorsOf(source.tlvs, fields)].join(', ');
  const { code } = ERRORS[state ?? 'carrierFault'];
  return { kind: 'receipt', receipt: { ...named, status: 'UNDELIVERED', code, detail } };
}

/**
 * The type of a message (5.2.12). Some SMSCs set other bits besides the receipt's. Such a message is still a receipt, and its
 * state decides whether it is final. Messages of people never have the receipt's bit.
 */
function typeOf(esmClass: number): number {
  const type = esmClass & ESM_CLASS.typeMask;
  return (type & ESM_CLASS.receipt) === 0 ? type : ESM_CLASS.receipt;
}

/** An id that can be looked up: printable, and not longer than stored ids. */
const ID = new RegExp(`^[\x20-\x7e\xa0-\xff]{1,${PROVIDER_ID_MAX}}$`);

/** It can only be a receipt, and has the recipient's address. */
function readsLikeOne(
  { source, tlvs }: ReceiptSource,
  fields: ReadonlyMap<string, string>,
  idTlv: string,
): boolean {
  if (!/[1-9]/.test(source)) return false;
  if (idTlv !== '' && tlvs.has(TAGS.message_state)) return true;
  return fields.has('id') && fields.has('stat') && (fields.has('donedate') || fields.has('sub'));
}

/**
 * The recipient: the source address of the receipt (4.6.1). Some SMSCs keep the addresses of the submission; this is
 * unambiguous, since a message to another destination cannot reach us. A receipt that the SMSC has not written itself must
 * come from the recipient.
 */
function recipientsOf(
  { esmClass, source, destination }: ReceiptSource,
  rules: ReceiptRules,
): { readonly recipients?: readonly string[]; readonly mustMatch?: true } {
  if (typeOf(esmClass) !== ESM_CLASS.receipt) return { recipients: [source], mustMatch: true };
  if (rules.source === 'any' || source === '') return {};
  return { recipients: [source, destination] };
}

/** Fields read as ASCII (appendix B), by data_coding, or as UCS-2: the first that gives an id or a state. */
function readFields(
  { octets, dataCoding }: ReceiptSource,
  alphabet: DefaultAlphabet,
): ReadonlyMap<string, string> {
  const ascii = readReceiptFields(octets.toString('latin1', 0, TEXT_LENGTH_MAX));
  // A control character in an id is one of another alphabet.
  if (ID.test(firstWord(ascii.get('id')))) return ascii;
  for (const coding of [dataCoding, DATA_CODING.ucs2]) {
    const fields = readReceiptFields(decodeText(octets, coding, alphabet) ?? '');
    if (fields.has('id') || fields.has('stat')) return fields;
  }
  return ascii;
}

/** The state in upper case: message_state if known, otherwise `stat`, which some SMSCs write as a number. */
function stateWordsOf(tlvs: Tlvs, fields: ReadonlyMap<string, string>): string {
  const octets = tlvs.get(TAGS.message_state) ?? NO_OCTETS;
  // Some write it in more octets than one (5.3.2.35).
  const number = octets.length > 0 && octets.length <= 4 ? octets.readUIntBE(0, octets.length) : -1;
  const stat = (fields.get('stat') ?? '').toUpperCase().slice(0, WORDS_LENGTH_MAX);
  return (
    STATE_NAMES[number] ?? (/^\d+$/.test(stat) ? STATE_NAMES[Number(stat)] : undefined) ?? stat
  );
}

/** Characters of a state that are looked at. */
const WORDS_LENGTH_MAX = 32;
const NO_OCTETS = Buffer.alloc(0);

/** The cause of a failure: `err`, and network_error_code (5.3.2.31: one octet of network, two of code). */
function errorsOf(tlvs: Tlvs, fields: ReadonlyMap<string, string>): string[] {
  const err = firstWord(fields.get('err')).slice(0, 32);
  const network = tlvs.get(TAGS.network_error_code);
  return [
    ...(err === '' || /^0+$/.test(err) ? [] : [`err ${err}`]),
    ...(network?.length === 3
      ? [`network error ${network.readUInt16BE(1)} (network type ${network[0] ?? 0})`]
      : []),
  ];
}

/** An optional parameter that is a C-octet string; some SMSCs omit its NUL. */
function textOf(octets: Buffer | undefined): string {
  if (octets === undefined) return '';
  const nul = octets.indexOf(0);
  return octets.toString('latin1', 0, nul < 0 ? octets.length : nul).trim();
}

function firstWord(text = ''): string {
  return /^\S+/.exec(text)?.[0] ?? '';
}
