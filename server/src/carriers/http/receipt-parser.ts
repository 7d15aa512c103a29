/**
 * Reads one callback of a provider: verifies it, answers a verification request, and returns its receipts and inbound
 * messages. It needs only the description and the raw call, no connection, so it runs in any thread that serves HTTP. The
 * same call always gives the same result. A repeated call is harmless, because receipts are idempotent and inbound messages
 * have the provider's id.
 */
import { ERRORS } from '../../domain/errors.ts';
import type { InboundMessage } from '../../domain/inbound.ts';
import type { Keyword } from '../../domain/keywords.ts';
import { readInstant } from '../../domain/instant.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { keepable } from '../../domain/storable.ts';
import type { InboundHttp, ReceiptAnswer } from '../../domain/receipt-call.ts';
import { charsetOf, parseForm } from '../../lib/decode-text.ts';
import { readBodyText } from './body-text.ts';
import { parsePointers, readProviderId, readText, shareCode } from './classify.ts';
import type {
  ChallengeDescription,
  HttpDescription,
  InboundDescription,
  ReceiptsDescription,
  StatusesDescription,
} from './description.ts';
import { parseJsonText } from './json.ts';
import { findPlaces, parsePointer, placeOf, type Place, type Pointer } from './pointer.ts';
import { headerOf, isGenuine, sameText } from './verify.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
const ECHO_LENGTH_MAX = 1_024;
const DETAIL_LENGTH_MAX = 300;
/** Maximum lengths of an inbound text and of an address. */
const INBOUND_TEXT_MAX = 10_000;
const ADDRESS_MAX = 256;

/**
 * Prepares a description.
 * @throws Error for an invalid pointer, or if the verified part of a call is not the part that is read.
 */
export function createReceiptParser(
  description: HttpDescription,
): (request: InboundHttp, at: Date) => ReceiptAnswer {
  const { receipts } = description;
  if (receipts === undefined) return () => refuse(404, 'This carrier takes no receipts.');
  if (receipts.format === 'query' && receipts.verify.kind === 'hmac')
    throw new Error('A signature over the body says nothing of parameters; verify another way.');
  const envelope = receipts.envelope === undefined ? null : parsePointer(receipts.envelope);
  const answerChallenge = compileChallenge(receipts.challenge);
  const readReceipts = compileStatuses(receipts.statuses, description);
  const readers = [receipts.inbound, receipts.preferences].flatMap((each) =>
    each === undefined ? [] : compileInbound(each),
  );
  const { status = 200, headers = {}, body = '' } = receipts.answer ?? {};

  return (request, at) => {
    const method = request.method.toUpperCase();
    const expected = receipts.format === 'query' ? ['GET', 'POST'] : ['POST'];
    const challenged = answerChallenge(request, method);
    if (challenged !== null) return challenged;
    if (!expected.includes(method)) return refuse(405, 'This method is not for receipts.');
    const opened = openBody(request, receipts, envelope);
    // A caller without a valid proof of origin gets no details.
    if (!isGenuine(receipts.verify, request, opened?.signed ?? request.rawBody))
      return refuse(403, 'The signature or secret is missing or wrong.');
    if (opened === null)
      return {
        ...refuse(400, NOT_READ),
        unreadable: `${NOT_READ} It is to be ${receipts.format}.`,
      };
    const from = placeOf(opened.document);
    const read = readReceipts(from, request);
    const inbound = readers.flatMap((each) => each(from, request, at));
    const isEmpty = read.words === 0 && inbound.length === 0;
    const unreadable = isEmpty ? 'It has nothing of what the description names.' : read.unreadable;
    return {
      answer: { status, headers, body },
      receipts: read.receipts,
      inbound,
      ...(unreadable === null ? {} : { unreadable }),
    };
  };
}

const NOT_READ = 'The body is not what this carrier sends.';

function refuse(status: number, body: string): ReceiptAnswer {
  return { answer: { status, headers: TEXT, body }, receipts: [], inbound: [] };
}

/** The document in a call, and its signed bytes; null if there is none. */
function openBody(
  request: InboundHttp,
  { format }: ReceiptsDescription,
  envelope: Pointer | null,
): { document: unknown; signed: Buffer } | null {
  const { rawBody } = request;
  if (format === 'query') return { document: request.query, signed: rawBody };
  const document =
    format === 'form'
      ? parseForm(rawBody.toString('latin1'), charsetOf(headerOf(request, 'content-type')))
      : parseJson(rawBody, request.headers);
  if (document === undefined) return null;
  if (envelope === null) return { document, signed: rawBody };
  const token = readText(placeOf(document), [envelope]);
  if (token === null) return null;
  const signed = Buffer.from(token, 'base64');
  const inner = parseJson(signed);
  return inner === undefined ? null : { document: inner, signed };
}

const parseJson = (bytes: Buffer, headers: InboundHttp['headers'] = {}) =>
  parseJsonText(readBodyText(bytes, headers) ?? '');

function compileChallenge(
  challenge: ChallengeDescription | undefined,
): (request: InboundHttp, method: string) => ReceiptAnswer | null {
  if (challenge === undefined) return () => null;
  const token = challenge.kind === 'json' ? parsePointers(challenge.tokenName) : [];
  const echo = challenge.kind === 'json' ? parsePointers(challenge.echo) : [];
  const parameter = (request: InboundHttp, name: string) => {
    const value = request.query[name];
    return typeof value === 'string' ? value : null;
  };
  return (request, method) => {
    if (method !== (challenge.kind === 'query' ? 'GET' : 'POST')) return null;
    const body =
      challenge.kind === 'json'
        ? placeOf(parseJson(request.rawBody, request.headers))
        : placeOf(null);
    const given =
      challenge.kind === 'query' ? parameter(request, challenge.tokenName) : readText(body, token);
    const word =
      challenge.kind === 'query' ? parameter(request, challenge.echo) : readText(body, echo);
    if (given === null || word === null) return null;
    if (!sameText(given, challenge.token) || word.length > ECHO_LENGTH_MAX)
      return refuse(403, 'The token is wrong.');
    return { answer: { status: 200, headers: TEXT, body: word }, receipts: [], inbound: [] };
  };
}

/** A reader of one member of an event, which may also be in the URL. */
type FieldReader = (event: Place, request: InboundHttp) => string | null;

function compileField(sources: string | readonly string[] | undefined): FieldReader {
  const pointers = parsePointers(sources);
  return (event, { query }) => {
    for (const pointer of pointers) {
      const text =
        pointer.parameter === null
          ? readText(event, [pointer])
          : readText(placeOf(query[pointer.parameter]), [HERE]);
      if (text !== null) return text;
    }
    return null;
  };
}

const HERE = parsePointer('');

function compileStatuses(
  statuses: StatusesDescription,
  description: HttpDescription,
): (
  from: Place,
  request: InboundHttp,
) => {
  readonly receipts: readonly Receipt[];
  /** Events that have a word for a status, known or not. */
  readonly words: number;
  readonly unreadable: string | null;
} {
  const events = parsePointer(statuses.events);
  const reference = compileField(statuses.reference);
  const providerId = compileField(statuses.providerId);
  const status = compileField(statuses.status);
  const errorCode = compileField(statuses.errorCode);
  const errorDetail = compileField(statuses.errorDetail);

  const meaningOf = compileWords(statuses.words);

  /** Null: the event has a status but names no message. */
  function read(event: Place, request: InboundHttp, word: string): Receipt | 'other' | null {
    const known = meaningOf(word);
    if (known === undefined) return 'other';
    const own = readProviderId(reference(event, request));
    const theirs = readProviderId(providerId(event, request));
    const subject =
      own !== null ? { reference: own } : theirs !== null ? { providerIds: [theirs] } : null;
    if (subject === null) return null;
    if (known !== 'UNDELIVERED') return { ...subject, status: known };
    const code = errorCode(event, request);
    const words = errorDetail(event, request) ?? `Reported as ${word}`;
    return {
      ...subject,
      status: known,
      code: codeOf(description, code),
      detail: (code === null ? words : `${words} (code ${code})`).slice(0, DETAIL_LENGTH_MAX),
    };
  }

  return (from, request) => {
    const all = findPlaces(from, events).flatMap((event) => {
      const word = status(event, request);
      return word === null ? [] : [read(event, request, word)];
    });
    return {
      receipts: all.filter((each) => each !== null && each !== 'other'),
      words: all.length,
      unreadable: all.includes(null) ? 'A receipt names no message.' : null,
    };
  };
}

/** Exact matches, otherwise the only match that differs in case or surrounding blanks. */
function compileWords(
  words: StatusesDescription['words'],
): (word: string) => Receipt['status'] | undefined {
  const fold = (word: string) => word.trim().toLowerCase();
  return (word) => {
    if (Object.hasOwn(words, word)) return words[word];
    const like = new Set(
      Object.entries(words)
        .filter(([known]) => fold(known) === fold(word))
        .map(([, meaning]) => meaning),
    );
    return like.size === 1 ? [...like][0] : undefined;
  };
}

function codeOf(description: HttpDescription, code: string | null): number {
  const { errors = {} } = description;
  const rule = code !== null && Object.hasOwn(errors, code) ? errors[code] : undefined;
  return rule?.code ?? shareCode(description, code) ?? ERRORS.carrierFault.code;
}

/** A reader of messages; without a text, of opt-outs that the provider reports separately. */
function compileInbound(
  inbound: Omit<InboundDescription, 'text'> & Partial<Pick<InboundDescription, 'text'>>,
): (from: Place, request: InboundHttp, at: Date) => InboundMessage[] {
  const events = parsePointer(inbound.events);
  const when = inbound.when === undefined ? null : parsePointers(inbound.when);
  const [sender, to, service, text, id, time] = [
    compileField(inbound.from),
    compileField(inbound.to),
    compileField(inbound.service),
    compileField(inbound.text),
    compileField(inbound.id),
    compileField(inbound.at),
  ] as const;

  const keywordOf = compileKeyword(inbound.keyword);

  function read(event: Place, request: InboundHttp, at: Date): InboundMessage[] {
    const keyword = keywordOf(event, request);
    const isMessage =
      inbound.text !== undefined &&
      (when === null || when.some((pointer) => findPlaces(event, pointer).length > 0));
    if (!isMessage && keyword === null) return [];
    const [writer, receiver] = [sender(event, request), to(event, request)];
    if (writer === null || writer === '' || receiver === null) return [];
    const { channel, address } = stripPrefix(writer, inbound);
    const named = keepable(service(event, request) ?? '', ADDRESS_MAX);
    return [
      {
        channel,
        from: plain(address, inbound, ADDRESS_MAX),
        to: plain(stripPrefix(receiver, inbound).address, inbound, ADDRESS_MAX),
        ...(named === '' ? {} : { service: named }),
        text: keepable(text(event, request) ?? '', INBOUND_TEXT_MAX),
        providerId: readProviderId(id(event, request)),
        ...(keyword === null ? {} : { keyword }),
        receivedAt: readTime(time(event, request), at),
      },
    ];
  }
  return (from, request, at) =>
    findPlaces(from, events).flatMap((event) => read(event, request, at));
}

/** Our word for the provider's status of a message; null if there is none. */
function compileKeyword(
  described: InboundDescription['keyword'],
): (event: Place, request: InboundHttp) => Keyword | null {
  if (described === undefined) return () => null;
  const read = compileField(described.at);
  const known = new Map(
    Object.entries(described.words).map(([word, keyword]) => [word.toUpperCase(), keyword]),
  );
  return (event, request) => known.get(read(event, request)?.trim().toUpperCase() ?? '') ?? null;
}

function stripPrefix(
  text: string,
  { channel, prefixes = {} }: Pick<InboundDescription, 'channel' | 'prefixes'>,
) {
  for (const [prefix, named] of Object.entries(prefixes))
    if (text.startsWith(prefix)) return { channel: named, address: text.slice(prefix.length) };
  return { channel, address: text };
}

/** An address, with a plus if it is a number without one. */
function plain(
  address: string,
  { numbers }: Pick<InboundDescription, 'numbers'>,
  max: number,
): string {
  const text = keepable(address, max);
  return numbers === 'digits' && /^[1-9]\d{4,14}$/.test(text) ? `+${text}` : text;
}

/** The provider's time, but never in the future: its clock may be wrong, and ours orders the events. */
function readTime(text: string | null, at: Date): Date {
  if (text === null) return at;
  const unix = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : Number(text);
  const time = /^\d{9,14}$/.test(text) ? new Date(unix) : readInstant(text);
  return time === null || Number.isNaN(time.getTime()) || time > at ? at : time;
}
