/** The proxies whose `X-Forwarded-*` headers are trusted. */
import ipaddr from 'ipaddr.js';

/** None, the number of proxies in front of the server, or their addresses and networks. */
export type TrustProxy = false | number | string[];

/** Maximum number of proxies: each adds one entry to `X-Forwarded-For`. */
const HOPS_MAX = 10;

/**
 * Reads the option, which may be text from the environment (`1`, `10.0.0.0/8,127.0.0.1`, `false`); null if it is invalid.
 * `true` is invalid: a client could then choose its own address for the limits, in the first entry of `X-Forwarded-For`.
 */
export function readTrustProxy(value: unknown): TrustProxy | null {
  if (value === false || value === 'false') return false;
  if (typeof value === 'number') return isHops(value) ? value : null;
  if (typeof value === 'string')
    return /^\d+$/.test(value)
      ? readTrustProxy(Number(value))
      : readTrustProxy(value.split(',').map((each) => each.trim()));
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.every(isNetwork) ? (value as string[]) : null;
}

const isHops = (value: number) => Number.isInteger(value) && value >= 1 && value <= HOPS_MAX;

const isNetwork = (value: unknown) =>
  typeof value === 'string' && (ipaddr.isValid(value) || ipaddr.isValidCIDR(value));
