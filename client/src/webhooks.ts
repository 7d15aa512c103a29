/** Verification of deliveries to subscribers by Standard Webhooks 1.0.0, with the Web Cryptography API of all runtimes. */
import { FanfareError } from './errors.ts';
import type { FanfareEvent } from './events.ts';
import { checkOptions, type OptionNames } from './options.ts';

/** The part of a delivery that is at fault. */
export type WebhookFault = 'secret' | 'headers' | 'body' | 'timestamp' | 'signature';

/** A delivery that is not genuine, is too old, or cannot be checked. */
export class WebhookError extends FanfareError {
  override readonly name = 'WebhookError';
  readonly fault: WebhookFault;

  constructor(fault: WebhookFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Headers of the Fetch API, or of a Node.js request. */
export type WebhookHeaders =
  Pick<Headers, 'get'> | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebhookOptions {
  /** Seconds that the time of a delivery may differ from the clock, in both directions. 300 unless said. */
  readonly toleranceSeconds?: number | undefined;
  /** The time to compare with. Now unless said. */
  readonly now?: Date | undefined;
}

const WEBHOOK_OPTIONS: OptionNames<WebhookOptions> = { toleranceSeconds: true, now: true };
const TOLERANCE_SECONDS = 300;

/**
 * The events of a delivery, if it is genuine.
 *
 * ```ts
 * const events = await verifyWebhook(await request.text(), request.headers, secret);
 * ```
 * @param body the raw body, as it arrived
 * @param secret `whsec_…` of the subscription; several while it changes
 * @throws WebhookError
 */
export async function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options: WebhookOptions = {},
): Promise<FanfareEvent[]> {
  checkOptions('verifyWebhook', options, WEBHOOK_OPTIONS);
  const keys = (typeof secret === 'string' ? [secret] : secret).map(decodeSecret);
  if (keys.length === 0) throw new WebhookError('secret', 'There is no secret.');
  const bytes = readBody(body);
  const id = readHeader(headers, 'webhook-id');
  const timestamp = readHeader(headers, 'webhook-timestamp');
  const signatures = readSignatures(readHeader(headers, 'webhook-signature'));
  checkTime(timestamp, options);
  const signed = joinBytes(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  if (!(await isSigned(signed, signatures, keys)))
    throw new WebhookError(
      'signature',
      'No signature matches. Check the secret, and that the body is the raw one, unchanged.',
    );
  return readEvents(bytes);
}

type Bytes = Uint8Array<ArrayBuffer>;

function decodeSecret(secret: string): Bytes {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const key = decodeBase64(base64);
  // Not the secret itself: errors are logged.
  if (key === null || key.length === 0)
    throw new WebhookError('secret', 'The secret is not "whsec_" and base64.');
  return key;
}

function readBody(body: unknown): Bytes {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return new Uint8Array(body);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new WebhookError(
    'body',
    'The body must be the raw one, as text or bytes. Take it before a framework parses it.',
  );
}

function readHeader(headers: WebhookHeaders, name: string): string {
  const value =
    typeof headers.get === 'function'
      ? (headers as Pick<Headers, 'get'>).get(name)
      : Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookError('headers', `There is no header ${name}, or several.`);
}

/** Signatures of version 1; others are ignored, as the standard says. */
function readSignatures(header: string): Bytes[] {
  const signatures = header
    .split(' ')
    .map((each) => (each.startsWith('v1,') ? decodeBase64(each.slice('v1,'.length)) : null))
    .filter((each) => each !== null);
  if (signatures.length > 0) return signatures;
  throw new WebhookError('headers', 'The header webhook-signature has no signature "v1,…".');
}

function checkTime(
  timestamp: string,
  { toleranceSeconds = TOLERANCE_SECONDS, now = new Date() }: WebhookOptions,
): void {
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookError('headers', 'The header webhook-timestamp is no Unix time in seconds.');
  const ageSeconds = now.getTime() / 1_000 - Number(timestamp);
  if (Math.abs(ageSeconds) <= toleranceSeconds) return;
  const seconds = Math.round(Math.abs(ageSeconds));
  throw new WebhookError(
    'timestamp',
    `The delivery is ${seconds} s ${ageSeconds > 0 ? 'old' : 'ahead of the clock'}, more than ${toleranceSeconds} s. It may be a replay; or the clock is wrong.`,
  );
}

/** Whether a signature is HMAC-SHA256 with one of the keys. `verify` compares in constant time. */
async function isSigned(
  signed: Bytes,
  signatures: readonly Bytes[],
  keys: readonly Bytes[],
): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  for (const bytes of keys) {
    const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
    for (const signature of signatures)
      if (await crypto.subtle.verify('HMAC', key, signature, signed)) return true;
  }
  return false;
}

function readEvents(bytes: Bytes): FanfareEvent[] {
  let events: unknown;
  try {
    events = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    events = null;
  }
  if (!Array.isArray(events))
    throw new WebhookError('body', 'The body is signed, but is no JSON array of events.');
  return events.map((each: { time: string }) => ({ ...each, time: new Date(each.time) }) as never);
}

function joinBytes(first: Bytes, second: Bytes): Bytes {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function decodeBase64(text: string): Bytes | null {
  try {
    return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  } catch {
    return null;
  }
}
