/**
 * Ids: UUIDv7 in the database, TypeID in the API, and ids that are computed instead of looked up.
 *
 * ```
 *  operation  0192f0a0-aaaa-7bcd-9e01-234500000000   8 bits for a cell, then 24 bits that are 0
 *  message    0192f0a0-aaaa-7bcd-9e01-234500000012   operation + 1 + ordinal, here ordinal 17
 *  attempt  SM0192f0a0aaaa2bcd9e01234500000012       the version digit says which attempt, here the 2nd
 *  reference  2s-0192f0a0aaaa2bcd9e01234500000012    sent to a carrier: account 100 and the attempt
 * ```
 * The cell is 0. An installation of several PostgreSQL servers can route by it.
 *
 * So the id of a message contains its operation, its place in `to` and its creation time. A carrier's callback
 * contains account, message and attempt. Neither needs an index. Pure: time and chance are arguments.
 *
 * UUIDs are lower-case text of 36 characters, as PostgreSQL prints them. Functions with a UUID parameter trust
 * its form. `decodeTypeId` and the two `parse` functions check text from outside.
 */

/** Ordinals of one operation: 0 to 16,777,213. The last value of the 24 bits is not used. */
export const ORDINAL_MAX = 16_777_213;
/** Attempts of one message: 1 to 15, one hex digit. */
export const ATTEMPT_MAX = 15;

/** Fills an array with random bytes and returns it. */
export type FillRandom = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;

const fillSecurely: FillRandom = (bytes) => crypto.getRandomValues(bytes);

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Value of a hex digit by its character code; 255 for other characters. */
const HEX_VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value += 1) {
  HEX_VALUES[value.toString(16).charCodeAt(0)] = value;
  HEX_VALUES[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Digits of a UUID's text before the 24 bits that count the messages of an operation. */
const HEAD_LENGTH = 30;

/** 24 bits as six hex digits. */
function hex6(value: number): string {
  return `${HEX_PAIRS[value >> 16]}${HEX_PAIRS[(value >> 8) & 255]}${HEX_PAIRS[value & 255]}`;
}

/**
 * A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, version, 12 random bits,
 * variant, 62 random bits. `random` gives the 10 bytes after the time; six of their bits are overwritten.
 * @throws RangeError when `atMs` is not an integer from 0 to 2^48 - 1 or `random` is shorter than 10 bytes.
 */
export function uuidV7(atMs: number, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError('uuidV7 needs 10 random bytes');
  const byte = (i: number): string => HEX_PAIRS[random[i] ?? 0] ?? '00';
  const version = HEX_PAIRS[0x70 | ((random[0] ?? 0) & 0x0f)];
  const variant = HEX_PAIRS[0x80 | ((random[2] ?? 0) & 0x3f)];
  return `${timeGroups(atMs)}-${version}${byte(1)}-${variant}${byte(3)}-${byte(4)}${byte(5)}${byte(6)}${byte(7)}${byte(8)}${byte(9)}`;
}

/** `0192f0a0-aaaa`: the time's 48 bits. */
function timeGroups(atMs: number): string {
  if (!Number.isInteger(atMs) || atMs < 0 || atMs >= 2 ** 48)
    throw new RangeError(`not a time of 48 bits: ${atMs}`);
  const hex = atMs.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** A new operation's UUID: version 7 with 42 random bits, the cell 0, and 24 bits 0, which count its messages. */
export function newOperationUuid(atMs: number, fill: FillRandom = fillSecurely): string {
  const random = new Uint8Array(10);
  fill(random);
  random.fill(0, 6);
  return uuidV7(atMs, random);
}

/** A new UUID of version 7, for everything that is not an operation or a message. */
export function newUuid(atMs: number, fill: FillRandom = fillSecurely): string {
  const random = new Uint8Array(10);
  fill(random);
  return uuidV7(atMs, random);
}

/** The last 24 bits of a UUID. */
function tailOf(uuid: string): number {
  let tail = 0;
  for (let i = HEAD_LENGTH; i < 36; i += 1)
    tail = (tail << 4) | (HEX_VALUES[uuid.charCodeAt(i)] ?? 0);
  return tail;
}

/**
 * The UUID of the message at index `ordinal` of `to`: operation + 1 + ordinal. Called once per message.
 * @throws RangeError when `ordinal` is not an integer from 0 to `ORDINAL_MAX`.
 */
export function messageUuid(operationUuid: string, ordinal: number): string {
  if (!(ordinal >= 0 && ordinal <= ORDINAL_MAX) || !Number.isInteger(ordinal))
    throw new RangeError(`not an ordinal: ${ordinal}`);
  return operationUuid.slice(0, HEAD_LENGTH) + hex6(1 + ordinal);
}

/** The operation of a message. The UUID of an operation gives itself. */
export function operationUuidOf(uuid: string): string {
  return `${uuid.slice(0, HEAD_LENGTH)}000000`;
}

/** A message's index in `to`; -1 for an operation's own UUID. */
export function ordinalOf(uuid: string): number {
  return tailOf(uuid) - 1;
}

/** First and last UUID that messages of an operation can have, both included. */
export function messageUuidRange(operationUuid: string): { first: string; last: string } {
  return { first: messageUuid(operationUuid, 0), last: messageUuid(operationUuid, ORDINAL_MAX) };
}

/** The time of a version 7 UUID in Unix milliseconds. */
export function uuidTimeMs(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** A time that the database gave the row of a UUID. Its clock may be behind the clock of the node that made the UUID. */
export function timeOf(uuid: string, at: Date): Date {
  return new Date(Math.max(uuidTimeMs(uuid), at.getTime()));
}

/**
 * The smallest UUID of a time: its 48 bits, then zeros (so without a version). Every UUIDv7 from `atMs` on is
 * greater, every earlier one smaller. The migrations' `uuid_floor` does the same in SQL.
 * @throws RangeError as `uuidV7`.
 */
export function uuidLowerBound(atMs: number): string {
  return `${timeGroups(atMs)}-0000-0000-000000000000`;
}

/** Kinds of ids in the API. */
export type TypeIdPrefix =
  | 'comms_operation'
  | 'comms_message'
  | 'comms_email'
  | 'comms_sender'
  | 'comms_senderpool'
  | 'comms_suppression'
  | 'comms_subscription'
  | 'comms_delivery'
  | 'comms_deliveryattempt';

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';
/** Two characters of base32 for each value of 10 bits. */
const BASE32_PAIRS = Array.from(
  { length: 1024 },
  (_, value) => `${BASE32[value >> 5]}${BASE32[value & 31]}`,
);
const BASE32_VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 32; value += 1) BASE32_VALUES[BASE32.charCodeAt(value)] = value;

/** Positions of the 32 hex digits in a UUID's text. */
const HEX_POSITIONS = Uint8Array.from(
  [...'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'].flatMap((char, i) => (char === 'x' ? [i] : [])),
);

function digitAt(uuid: string, digit: number): number {
  return HEX_VALUES[uuid.charCodeAt(HEX_POSITIONS[digit] ?? 0)] ?? 0;
}

/**
 * A UUID as TypeID (specification 0.3): the prefix, `_` and 26 characters of lower-case Crockford base32,
 * the first of them 0 to 7.
 */
export function encodeTypeId(prefix: TypeIdPrefix, uuid: string): string {
  // 128 bits are 8 (two characters, led by two zero bits) and six times 20 (five hex digits, four characters).
  let text = `${prefix}_${BASE32_PAIRS[(digitAt(uuid, 0) << 4) | digitAt(uuid, 1)]}`;
  for (let digit = 2; digit < 32; digit += 5) {
    const bits =
      (digitAt(uuid, digit) << 16) |
      (digitAt(uuid, digit + 1) << 12) |
      (digitAt(uuid, digit + 2) << 8) |
      (digitAt(uuid, digit + 3) << 4) |
      digitAt(uuid, digit + 4);
    text += `${BASE32_PAIRS[bits >> 10]}${BASE32_PAIRS[bits & 1023]}`;
  }
  return text;
}

/**
 * The UUID of a TypeID, or null if the text is not a TypeID with this prefix. Strict: lower case only, no aliases
 * (i, l, o, u), so that an id has one spelling. UUIDs of any version are accepted.
 */
export function decodeTypeId(prefix: TypeIdPrefix, text: string): string | null {
  const start = prefix.length + 1;
  if (text.length !== start + 26 || !text.startsWith(prefix) || text[prefix.length] !== '_')
    return null;
  for (let i = start; i < text.length; i += 1)
    if ((BASE32_VALUES[text.charCodeAt(i)] ?? 255) === 255) return null;
  const value = (i: number): number => BASE32_VALUES[text.charCodeAt(start + i)] ?? 0;
  if (value(0) > 7) return null;
  let hex = HEX_PAIRS[(value(0) << 5) | value(1)] ?? '';
  for (let i = 2; i < 26; i += 4) {
    const bits = (value(i) << 15) | (value(i + 1) << 10) | (value(i + 2) << 5) | value(i + 3);
    hex += bits.toString(16).padStart(5, '0');
  }
  return uuidOfHex(hex);
}

/** The text of a UUID from its 32 hex digits. */
export function uuidOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** One try of one message. */
export interface AttemptId {
  readonly messageUuid: string;
  /** 1 to 15. */
  readonly attempt: number;
}

/** The 32 hex digits of a message's UUID with the version digit replaced by the attempt. */
function attemptHex(uuid: string, attempt: number): string {
  if (!(attempt >= 1 && attempt <= ATTEMPT_MAX) || !Number.isInteger(attempt))
    throw new RangeError(`not an attempt: ${attempt}`);
  return `${uuid.slice(0, 8)}${uuid.slice(9, 13)}${attempt.toString(16)}${uuid.slice(15, 18)}${uuid.slice(19, 23)}${uuid.slice(24)}`;
}

/**
 * The public id of an attempt: `SM` and 32 lower-case hex digits.
 * @throws RangeError when `attempt` is not an integer from 1 to 15.
 */
export function attemptSid(uuid: string, attempt: number): string {
  return `SM${attemptHex(uuid, attempt)}`;
}

const SID = /^(?:SM|MM)([0-9a-f]{12})([1-9a-f])([0-9a-f]{3}[89ab][0-9a-f]{15})$/i;

/**
 * Reads `SM…` or `MM…` (messages with media), hex digits of either case. Null if it cannot be the id of an
 * attempt: another form, attempt 0, or a variant outside RFC 9562.
 */
export function parseAttemptSid(text: string): AttemptId | null {
  const match = SID.exec(text);
  if (match === null || !(text.startsWith('SM') || text.startsWith('MM'))) return null;
  const [, time = '', attempt = '', rest = ''] = match;
  return {
    messageUuid: uuidOfHex(`${time}7${rest}`.toLowerCase()),
    attempt: Number.parseInt(attempt, 16),
  };
}

/** An attempt and the account it belongs to. */
export interface AttemptReference extends AttemptId {
  readonly accountId: number;
}

/**
 * Our reference of an attempt for carriers, at most 44 characters of `[0-9a-z-]`: the account's number
 * in base 36, `-`, and the attempt's 32 hex digits.
 * @throws RangeError when the account is not a positive safe integer, or as `attemptSid`.
 */
export function attemptReference(accountId: number, uuid: string, attempt: number): string {
  if (!Number.isSafeInteger(accountId) || accountId < 1)
    throw new RangeError(`not an account: ${accountId}`);
  return `${accountId.toString(36)}-${attemptHex(uuid, attempt)}`;
}

const REFERENCE = /^([1-9a-z][0-9a-z]{0,10})-([0-9a-f]{32})$/;

/** Reads exactly what `attemptReference` writes; null for anything else. */
export function parseAttemptReference(text: string): AttemptReference | null {
  const [, account = '', hex = ''] = REFERENCE.exec(text) ?? [];
  const accountId = Number.parseInt(account, 36);
  if (!Number.isSafeInteger(accountId)) return null;
  const id = parseAttemptSid(`SM${hex}`);
  return id === null ? null : { accountId, ...id };
}

/** The id of a content template: `HX` and the 32 lower-case hex digits of its UUID, so that it sorts by time. */
export function contentSid(uuid: string): string {
  return `HX${uuid.replaceAll('-', '')}`;
}

/** Reads exactly what `contentSid` writes; null for anything else. */
export function parseContentSid(text: string): string | null {
  return /^HX[0-9a-f]{32}$/.test(text) ? uuidOfHex(text.slice(2)) : null;
}
