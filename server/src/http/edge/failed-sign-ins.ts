/**
 * Limits failed sign-ins. Correct credentials never get here: they pass, whatever others have
 * tried from the same address or with the same SID. So no client is locked out, neither behind a
 * proxy nor by failed sign-ins from elsewhere.
 *
 * ```
 *  credentials ─▶ compared ──correct──▶ pass
 *                    │ wrong
 *                    ▼
 *       counted for (network, SID) and for (network)
 *                    │
 *                    ├─ within both limits ─▶ 401
 *                    └─ above one of them ──▶ 429, until the minute of that count is over
 * ```
 * Nothing is counted for a SID alone. All user names that are no SIDs count as one SID.
 *
 * The length of secrets protects them from brute force, not this limit. `credential-lookup.ts`
 * bounds the cost of failed sign-ins.
 */
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { isSid } from './auth.ts';
import { refuse, type Refusal } from '../../shapes/refusal.ts';

const MINUTE_MS = 60_000;
/** The limit of one network with any SIDs, as a multiple of its limit with one SID. */
const NETWORK_FACTOR = 10;
/** Counts kept of each kind. Beyond that the oldest are forgotten, so that attackers cannot fill the memory. */
const COUNTS_MAX = 20_000;
/** IPv6 networks of this many bits are assigned to one customer (RFC 6177). */
const IPV6_BITS = 64;

export interface FailedSignIns {
  /** Counts one of a network; `sid` is null for a user name that is no SID. Seconds until the limit ends; 0: within the limit. */
  count(network: string, sid: string | null): number;
}

/** Allows each network `perMinute` failed sign-ins with one SID, and ten times as many with any SIDs. */
export function createFailedSignIns(perMinute: number): FailedSignIns {
  const ofNetworks = createCounts(perMinute * NETWORK_FACTOR);
  const ofPairs = createCounts(perMinute);
  return {
    count(network, sid) {
      const now = performance.now();
      const leftMs =
        // The many SIDs of one network do not push out the counts of others.
        ofNetworks(network, now) || ofPairs(`${network} ${sid ?? ''}`, now);
      return Math.ceil(leftMs / 1000);
    },
  };
}

/** Counts by keys, each within a minute that begins with its first. Gives the milliseconds for which it is beyond `max`. */
function createCounts(max: number): (key: string, now: number) => number {
  const counts = new Map<string, { count: number; readonly until: number }>();
  return (key, now) => {
    const known = counts.get(key);
    if (known !== undefined && known.until > now) {
      known.count += 1;
      return known.count > max ? known.until - now : 0;
    }
    // Ordered by the start of the minute.
    counts.delete(key);
    counts.set(key, { count: 1, until: now + MINUTE_MS });
    const [oldest] = counts.keys();
    if (counts.size > COUNTS_MAX && oldest !== undefined) counts.delete(oldest);
    return 0;
  };
}

/** The answer to wrong credentials: `refusal`, or 429 after too many. */
export function refuseFailedSignIn(
  failedSignIns: FailedSignIns,
  { ip, socket }: FastifyRequest,
  sid: string | null,
  refusal: Refusal,
): Refusal {
  // A trusted proxy may pass on a text that is no address.
  const network = networkOf(ip) ?? networkOf(socket.remoteAddress ?? '') ?? '';
  const waitSeconds = failedSignIns.count(network, sid !== null && isSid(sid) ? sid : null);
  return waitSeconds === 0
    ? refusal
    : refuse('tooManyRequests', 'Too many failed sign-ins came from this address.', {
        'retry-after': String(waitSeconds),
      });
}

/** Whose address it is: an address of IPv4, also where it is written as one of IPv6, or a network of IPv6; null for none. */
export function networkOf(address: string): string | null {
  if (!ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return Buffer.from(parsed.toByteArray().slice(0, IPV6_BITS / 8)).toString('hex');
}
