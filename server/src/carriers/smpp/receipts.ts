/**
 * Receipts in deliver_sm (SMPP 3.4, 4.6.1 and appendix B): from optional parameters where the SMSC sends them, else
 * from the text (`receipt-text.ts`), which is ASCII whatever data_coding says.
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

/** How a carrier's receipts are read. */
export interface ReceiptRules {
  readonly alphabet: DefaultAlphabet;
  /** What the addresses of a receipt say: who the recipient is (4.6.1), or nothing. */
  readonly source: 'recipient' | 'any';
  /** Whether a message counts that is not marked as a receipt, but reads like one and comes from the recipient. */
  readonly unmarked: boolean;
}

/**
 * What a message from the SMSC is: a receipt, one that says nothing final, one that does not say what it should, or no
 * receipt at all.
 */
export type ReceiptReading =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'ignored' | 'unreadable'; readonly reason: string }
  | { readonly kind: 'none' };

/** States in words, as we show them. `null`: not final. */
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
 * What `stat` begins with and means, letters only (appendix B, table B-2, and what is seen in the wild). Looked through in order: a
 * delivery that failed begins like one that did not, and what came to a network is still on its way.
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
 * Reads a message as a receipt. What it is, `esm_class` says (5.2.12): an SMSC's delivery receipt; an intermediate
 * notification, which is never final (2.11); a handset's acknowledgement, which says despite its name that it was read; a
 * user's acknowledgement, an answer in their own words and so a message like any other. A message without a mark is a
 * message, unless `unmarked` says otherwise: everybody can write the words of a receipt.
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
 * The type of a message (5.2.12). Some SMSCs set bits of their own beside that of a receipt: it is one all the same, and its state
 * says whether it is final. A person's words never have that bit.
 */
function typeOf(esmClass: number): number {
  const type = esmClass & ESM_CLASS.typeMask;
  return (type & ESM_CLASS.receipt) === 0 ? type : ESM_CLASS.receipt;
}

/** An id that can be looked for: printable, and not longer than any that is kept. */
const ID = new RegExp(`^[\x20-\x7e\xa0-\xff]{1,${PROVIDER_ID_MAX}}$`);

/** It can be nothing else, and says who it comes from. */
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
 * Who the recipient is: where the receipt comes from (4.6.1). Some SMSCs leave the addresses of the submission as they
 * were; nobody can send us what goes to somebody else. What an SMSC has not written itself must come from the recipient.
 */
function recipientsOf(
  { esmClass, source, destination }: ReceiptSource,
  rules: ReceiptRules,
): { readonly recipients?: readonly string[]; readonly mustMatch?: true } {
  if (typeOf(esmClass) !== ESM_CLASS.receipt) return { recipients: [source], mustMatch: true };
  if (rules.source === 'any' || source === '') return {};
  return { recipients: [source, destination] };
}

/** Fields as ASCII (appendix B), or else as data_coding says, or else in UCS-2: whichever shows an id or a state. */
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

/** The state in upper case: message_state where it is known, else `stat`, which some write as the number of a state. */
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

/** What the SMSC says about the cause: `err`, and network_error_code (5.3.2.31: one octet of network, two of code). */
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

/** An optional parameter that is a C-octet string; its NUL is forgotten by some. */
function textOf(octets: Buffer | undefined): string {
  if (octets === undefined) return '';
  const nul = octets.indexOf(0);
  return octets.toString('latin1', 0, nul < 0 ? octets.length : nul).trim();
}

function firstWord(text = ''): string {
  return /^\S+/.exec(text)?.[0] ?? '';
}
