/**
 * Ids: UUIDv7 in the database (RFC 9562 §5.7), TypeID at the edge, and ids that are computed rather than looked up.
 *
 * An operation's UUID has 14 zero bits at its end; its messages are that number plus 1 plus their position in
 * `to`. So a message's id tells its operation, its position and when it was made. An attempt's `SM…` id is the
 * message's UUID in hex with the version digit (always 7) replaced by the attempt's number.
 */

/** Bits at the end of an operation's UUID that count its messages. */
const ORDINAL_BITS = 14;
const ORDINAL_MASK = 2 ** ORDINAL_BITS - 1;

/** Lower-case hex with dashes: 8-4-4-4-12. */
export type Uuid = string;

/**
 * A new operation's UUID.
 * @param atMs its creation, milliseconds since 1970
 * @param random 10 random bytes
 */
export function newOperationUuid(atMs: number, random: Uint8Array): Uuid {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(atMs, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  bytes[14] = (bytes[14] ?? 0) & ~(ORDINAL_MASK >> 8) & 0xff;
  bytes[15] = 0;
  return dashed(bytes.toString('hex'));
}

function dashed(hex: string): Uuid {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The UUID of the message at a position of `to`, 0 to 9,999. */
export function messageUuid(operation: Uuid, ordinal: number): Uuid {
  const tail = Number.parseInt(operation.slice(32), 16) + 1 + ordinal;
  return operation.slice(0, 32) + tail.toString(16).padStart(4, '0');
}

/** The operation of a message. */
export function operationUuidOf(message: Uuid): Uuid {
  const tail = Number.parseInt(message.slice(32), 16) & ~ORDINAL_MASK;
  return message.slice(0, 32) + tail.toString(16).padStart(4, '0');
}

/** The position in `to` of a message. */
export function ordinalOf(message: Uuid): number {
  return (Number.parseInt(message.slice(32), 16) & ORDINAL_MASK) - 1;
}

/** All messages of an operation have ids behind `before` and up to `last`. */
export function messageUuidRange(operation: Uuid): { before: Uuid; last: Uuid } {
  return { before: operation, last: messageUuid(operation, ORDINAL_MASK - 1) };
}

/** When an id was made, milliseconds since 1970. */
export function uuidTimeMs(uuid: Uuid): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** The smallest value of the ids made at this time; with 2^48 ms and more, the largest of all. */
export function uuidLowerBound(atMs: number): Uuid {
  const bounded = Math.min(Math.max(0, Math.trunc(atMs)), 2 ** 48 - 1);
  return dashed(bounded.toString(16).padStart(12, '0').padEnd(32, '0'));
}

/** Crockford's base32 in lower case, as TypeID uses it. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const DIGITS = new Map([...ALPHABET].map((digit, value) => [digit, value]));

export type IdKind = 'comms_operation' | 'comms_message';

/** A UUID as TypeID (v0.3): the kind, `_`, and its 128 bits as 26 digits of base32. */
export function encodeTypeId(kind: IdKind, uuid: Uuid): string {
  const hex = uuid.replaceAll('-', '');
  // 128 bits are 3 and 25 times 5: two zero bits go in front.
  let bits = 0;
  let held = 2;
  let text = '';
  for (let i = 0; i < 32; i += 1) {
    bits = (bits << 4) | Number.parseInt(hex.charAt(i), 16);
    held += 4;
    if (held >= 5) {
      held -= 5;
      text += ALPHABET.charAt(bits >> held);
      bits &= (1 << held) - 1;
    }
  }
  return `${kind}_${text}`;
}

/** The UUID of a TypeID of this kind, or null when the text is none. */
export function decodeTypeId(kind: IdKind, text: string): Uuid | null {
  if (!text.startsWith(`${kind}_`)) return null;
  const digits = text.slice(kind.length + 1);
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(digits)) return null;
  let hex = '';
  let bits = DIGITS.get(digits.charAt(0)) ?? 0;
  let held = 3;
  for (let i = 1; i < 26; i += 1) {
    bits = (bits << 5) | (DIGITS.get(digits.charAt(i)) ?? 0);
    held += 5;
    while (held >= 4) {
      held -= 4;
      hex += (bits >> held).toString(16);
      bits &= (1 << held) - 1;
    }
  }
  return dashed(hex);
}

/** Position of the version digit among a UUID's 32. */
const VERSION_AT = 12;

function attemptHex(message: Uuid, attempt: number): string {
  const hex = message.replaceAll('-', '');
  return hex.slice(0, VERSION_AT) + attempt.toString(16) + hex.slice(VERSION_AT + 1);
}

/** The downstream id of an attempt, 1 to 15: `SM` and 32 hex digits. */
export function attemptSid(message: Uuid, attempt: number): string {
  return `SM${attemptHex(message, attempt)}`;
}

export interface AttemptName {
  readonly messageUuid: Uuid;
  /** 1 to 15. */
  readonly attempt: number;
}

/** Reads `SM…` or `MM…` with hex digits in either case; null when it is none. */
export function parseAttemptSid(text: string): AttemptName | null {
  return /^(SM|MM)[0-9a-fA-F]{32}$/.test(text) ? parseHex(text.slice(2).toLowerCase()) : null;
}

function parseHex(hex: string): AttemptName | null {
  const attempt = Number.parseInt(hex.charAt(VERSION_AT), 16);
  if (attempt === 0) return null;
  return {
    messageUuid: dashed(`${hex.slice(0, VERSION_AT)}7${hex.slice(VERSION_AT + 1)}`),
    attempt,
  };
}

/** Our name for an attempt towards carriers: account number in base 36, `-`, 32 hex digits. */
export function attemptReference(accountId: number, message: Uuid, attempt: number): string {
  return `${accountId.toString(36)}-${attemptHex(message, attempt)}`;
}

/** Reads what `attemptReference` wrote; null for anything else. */
export function parseAttemptReference(
  text: string,
): (AttemptName & { readonly accountId: number }) | null {
  const match = /^([0-9a-z]{1,6})-([0-9a-f]{32})$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const name = parseHex(match[2]);
  return name === null ? null : { ...name, accountId: Number.parseInt(match[1], 36) };
}
