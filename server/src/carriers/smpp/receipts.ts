/**
 * Receipts in deliver_sm (SMPP 3.4, 4.6.1 and appendix B): from optional parameters where the SMSC sends them, else
 * from the text, whose form every SMSC varies:
 *
 * ```
 *  id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text:…
 * ```
 */
import { ERRORS, type ErrorName } from '../../domain/errors.ts';
import { candidateProviderIds, type Receipt } from '../../domain/receipt.ts';
import { decodeText, type DefaultAlphabet } from './alphabet.ts';
import { ESM_CLASS, TAGS } from './commands.ts';
import type { Tlvs } from './pdu.ts';

/** A message from the SMSC with its octets in one place: short_message or message_payload, without a header. */
export interface ReceiptSource {
  readonly esmClass: number;
  readonly dataCoding: number;
  readonly octets: Buffer;
  readonly tlvs: Tlvs;
}

/** What a message from the SMSC is: a receipt, one that says nothing final, or no receipt at all. */
export type ReceiptReading =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'ignored'; readonly reason: string }
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

/** What `stat` begins with and means (appendix B, table B-2, and what is seen in the wild). Looked through in order. */
const STATES: readonly (readonly [RegExp, State])[] = [
  [/^DELI?V/, 'DELIVERED'],
  [/^(READ|SEEN|DISPLAY)/, 'READ'],
  [/^(ENROUT|ACCEP|ACKED|BUFF|SCHED|PEND|QUEUE|SENT|PROCESS)/, null],
  [/^(EXPIR|UNDEL)/, 'unreachable'],
  [/^REJ/, 'refused'],
  [/^(DELET|UNKN|FAIL|SKIP|CANCEL)/, 'carrierFault'],
];

/** Fields are looked for in so many characters; a payload could be 64 kB. */
const TEXT_LENGTH_MAX = 2_048;
const FIELD =
  /(?:^|[\s;,|])(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat(?:us)?|err(?:or)?|text)\s{0,4}[:=]/gi;

/** Fields by name without spaces, in lower case; each as it stands first. The values are trimmed, without quotes. */
export function readReceiptFields(text: string): ReadonlyMap<string, string> {
  const limited = text.slice(0, TEXT_LENGTH_MAX).replaceAll('\0', ' ');
  const found: { name: string; from: number; at: number }[] = [];
  const names = new Set<string>();
  for (const match of limited.matchAll(FIELD)) {
    const name = nameOf(match[1] ?? '');
    // A second one is part of the message's own words.
    if (names.has(name)) continue;
    names.add(name);
    found.push({ name, at: match.index, from: match.index + match[0].length });
  }
  return new Map(
    found.map(({ name, from }, i) => [
      name,
      limited
        .slice(from, found[i + 1]?.at)
        .replace(/[\s,;|]+$/, '')
        .trimStart()
        .replace(/^(["'])(.*)\1$/s, '$2')
        .trim(),
    ]),
  );
}

function nameOf(word: string): string {
  const name = word.toLowerCase().replace(/[ _]/, '');
  return name === 'status' ? 'stat' : name === 'error' ? 'err' : name;
}

/**
 * Reads a message as a receipt. By `esm_class` (5.2.12) where it says so; a message that is not marked counts only when
 * it cannot be anything else: some SMSCs forget the mark. A user's acknowledgement (0x10) is an answer in their own
 * words and no receipt.
 */
export function readReceipt(source: ReceiptSource, alphabet: DefaultAlphabet): ReceiptReading {
  const type = source.esmClass & ESM_CLASS.typeMask;
  const text = decodeText(source.octets, source.dataCoding, alphabet) ?? '';
  const fields = readReceiptFields(text);
  const isMarked = type === ESM_CLASS.receipt || type === ESM_CLASS.intermediate;
  const idTlv = textOf(source.tlvs.get(TAGS.receipted_message_id));
  const looksLikeOne =
    /^\s*id\s*:/i.test(text) && fields.has('stat') && (fields.has('donedate') || fields.has('sub'));
  if (!isMarked && idTlv === '' && !looksLikeOne)
    return type === ESM_CLASS.deliveryAck || type === ESM_CLASS.abort
      ? { kind: 'ignored', reason: 'An acknowledgement that names no message' }
      : { kind: 'none' };
  // Despite its name the handset's own acknowledgement says that it was read (2.11).
  const words = stateWordsOf(source.tlvs, fields) || (type === ESM_CLASS.deliveryAck ? 'READ' : '');
  if (words === '') return { kind: 'ignored', reason: 'A receipt without a state' };
  const state = STATES.find(([pattern]) => pattern.test(words))?.[1];
  if (state === null) return { kind: 'ignored', reason: `Not final: ${words}` };
  const providerIds = candidateProviderIds(idTlv === '' ? firstWord(fields.get('id')) : idTlv);
  if (providerIds.length === 0) return { kind: 'ignored', reason: 'A receipt without an id' };
  if (state === 'DELIVERED' || state === 'READ')
    return { kind: 'receipt', receipt: { providerIds, status: state } };
  const detail = [words, ...errorsOf(source.tlvs, fields)].join(', ');
  const { code } = ERRORS[state ?? 'carrierFault'];
  return { kind: 'receipt', receipt: { providerIds, status: 'UNDELIVERED', code, detail } };
}

/** The state in upper case: message_state where it is known, else `stat`. */
function stateWordsOf(tlvs: Tlvs, fields: ReadonlyMap<string, string>): string {
  const number = tlvs.get(TAGS.message_state)?.[0];
  const named = number === undefined ? undefined : STATE_NAMES[number];
  return named ?? firstWord(fields.get('stat')).toUpperCase().slice(0, 32);
}

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
