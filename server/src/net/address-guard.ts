/**
 * The guard of addresses. A subscriber chooses a URL, and must not use it to reach the private network of this machine.
 * Connections go to public addresses, and to the targets in the setting `events.allowTargets`.
 *
 * The address of the connection decides. So the guard resolves names itself, checks every address of the answer, and
 * returns only allowed ones to the connector. A DNS answer that changes later has no effect. Literal addresses are not
 * resolved; `guarded-connector.ts` has them checked. The guard cannot recognise a network that translates IPv4 behind its
 * own prefix (NAT64, RFC 6052, section 2.2): block such a network by other means.
 */
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { findUrlProblem } from '../domain/url.ts';

/** Finds all addresses of a host name, like `lookup` of `node:dns`. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Decides about targets of connections. */
export interface AddressGuard {
  /** Whether a connection for `host`, a name or a literal address without brackets, may go to `address`. */
  mayConnect(host: string, address: string): boolean;
  /**
   * For `net.connect`: resolves a name and gives the addresses that may be connected to. Fails with a `TargetDeniedError`
   * when none is left, or as the resolver does.
   */
  readonly lookup: LookupFunction;
  /**
   * The problem of a URL for events, in words for people, or null: http or https, at most 2,048 characters, no user and
   * password, no fragment, no parameter `bodySHA256`, no denied address. Names are not resolved: their addresses are
   * checked at each connection.
   */
  findTargetProblem(url: string): string | null;
}

/** A forbidden connection. Its message contains no address that the user did not give. */
export class TargetDeniedError extends Error {
  readonly code = 'ERR_TARGET_DENIED';
}

/** The targets in `events.allowTargets`. */
interface AllowList {
  readonly ranges: readonly Range[];
  readonly names: ReadonlySet<string>;
  /** `.internal` for `*.internal`. */
  readonly suffixes: readonly string[];
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** The public IPv6 addresses (RFC 4291, section 2.4, and IANA). */
const GLOBAL_UNICAST: Range = [ipaddr.IPv6.parse('2000::'), 3];
/** Addresses that are translated to the IPv4 address in the last 32 bits (RFC 6052, section 2.1). */
const NAT64: Range = [ipaddr.IPv6.parse('64:ff9b::'), 96];
/** IPv4 in the last 32 bits of IPv6 (RFC 4291, section 2.2). */
const DOTTED_TAIL = /(\d+)\.(\d+)\.(\d+)\.(\d+)/;

/**
 * A guard that allows public addresses and the listed targets: addresses ("10.1.2.3", "::1"), ranges ("10.0.0.0/8") and
 * host names ("hooks.internal", "*.internal") with any address.
 *
 * @throws Error for an invalid entry; check entries with `findAllowTargetProblem` first.
 */
export function createAddressGuard(
  allowTargets: readonly string[],
  resolve: Resolve = lookup,
): AddressGuard {
  const allowed = parseAllowTargets(allowTargets);

  function mayConnect(host: string, address: string): boolean {
    return isPublicAddress(address) || listsName(allowed, host) || listsAddress(allowed, address);
  }

  return {
    mayConnect,
    lookup(host, options, callback) {
      resolve(host, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, []);
        const passed = addresses.filter(({ address }) => mayConnect(host, address));
        const [first] = passed;
        if (first === undefined) return callback(denyName(host), []);
        if (options.all === true) callback(null, passed);
        else callback(null, first.address, first.family);
      });
    },
    findTargetProblem(url) {
      const problem = findUrlProblem(url);
      if (problem !== null) return problem;
      if (url.includes('#'))
        return 'A URL for events has no fragment. Remove the "#" and the text after it.';
      const { hostname, searchParams } = new URL(url);
      if (searchParams.has('bodySHA256'))
        return 'The parameter bodySHA256 is added to each delivery: remove it from the URL.';
      const host = bareHost(hostname);
      // By RFC 6761, section 6.3, these names lead to the machine itself.
      const addresses = /^(.+\.)?localhost$/.test(withoutDot(host)) ? ['127.0.0.1', '::1'] : [host];
      const isDenied =
        isIP(addresses[0] ?? '') !== 0 && !addresses.some((each) => mayConnect(host, each));
      return isDenied ? denyLiteral(host).message : null;
    },
  };
}

/** The message for a literal address, or for this machine's own name. */
export function denyLiteral(host: string): TargetDeniedError {
  return new TargetDeniedError(
    `${host} is not a public address. Use a public host, or have "${host}" added to the setting events.allowTargets.`,
  );
}

/** Without addresses: they may belong to a network that the reader must not know. */
function denyName(host: string): TargetDeniedError {
  return new TargetDeniedError(
    `${host} leads to no public address. Use a public host, or have "${host}" added to the setting events.allowTargets.`,
  );
}

/**
 * Whether an address is a public one. Private, shared (RFC 6598), loopback, link-local, multicast, reserved, documentation
 * and benchmark ranges are not public, nor are tunnels (6to4, Teredo). An address that stands for an IPv4 address (mapped,
 * RFC 4291, section 2.5.5.2; NAT64 under 64:ff9b::/96) is checked as IPv4. Invalid addresses are not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null) return false;
  const meant = embeddedAddress(address) ?? address;
  return meant.range() === 'unicast' && (meant.kind() === 'ipv4' || isIn(meant, GLOBAL_UNICAST));
}

/** The problem of an entry in `events.allowTargets`, as a message, or null. */
export function findAllowTargetProblem(entry: string): string | null {
  return parseRange(entry) !== null || parseName(entry) !== null
    ? null
    : `"${entry}" is no address ("10.1.2.3"), range ("10.0.0.0/8") or host name ("hooks.internal", "*.internal").`;
}

/** The host of a URL for resolvers and sockets: IPv6 addresses without brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function parseAllowTargets(entries: readonly string[]): AllowList {
  const ranges: Range[] = [];
  const names = new Set<string>();
  const suffixes: string[] = [];
  for (const entry of entries) {
    const range = parseRange(entry);
    const name = parseName(entry);
    if (range !== null) ranges.push(range);
    else if (name === null) throw new Error(findAllowTargetProblem(entry) ?? entry);
    else if (entry.startsWith('*.')) suffixes.push(`.${name}`);
    else names.add(name);
  }
  return { ranges, names, suffixes };
}

/** An address or a range, in unambiguous spellings only; null for anything else. */
function parseRange(entry: string): Range | null {
  const [, text = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const address = parseAddress(bareHost(text));
  if (address === null) return null;
  const bitsMax = address.kind() === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? bitsMax : Number(bits);
  return prefix <= bitsMax ? [address, prefix] : null;
}

/** A host name, or the part after `*.`, as `URL` writes it; null for anything else. */
function parseName(entry: string): string | null {
  const name = entry.replace(/^\*\./, '');
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(name) || !URL.canParse(`http://${name}`)) return null;
  const { hostname } = new URL(`http://${name}`);
  return isIP(hostname) === 0 ? withoutDot(hostname) : null;
}

function listsName({ names, suffixes }: AllowList, host: string): boolean {
  const name = withoutDot(host.toLowerCase());
  return names.has(name) || suffixes.some((each) => name.endsWith(each));
}

function listsAddress({ ranges }: AllowList, text: string): boolean {
  const address = parseAddress(text);
  if (address === null) return false;
  const embedded = embeddedAddress(address);
  return ranges.some(
    (range) => isIn(address, range) || (embedded !== null && isIn(embedded, range)),
  );
}

function isIn(address: Address, [start, bits]: Range): boolean {
  return address.kind() === start.kind() && address.match(start, bits);
}

/** The IPv4 address that an IPv6 address stands for; null if there is none. */
function embeddedAddress(address: Address): ipaddr.IPv4 | null {
  if (!(address instanceof ipaddr.IPv6)) return null;
  return address.isIPv4MappedAddress() || isIn(address, NAT64)
    ? new ipaddr.IPv4(address.toByteArray().slice(-4))
    : null;
}

function parseAddress(text: string): Address | null {
  // The library alone would take other spellings of IPv4, too, as octal and single numbers.
  if (isIP(text) === 0) return null;
  // It also takes ::1.2.3.4 for ::ffff:1.2.3.4, which is another address.
  const spelled = text.includes(':') ? text.replace(DOTTED_TAIL, inHex) : text;
  return ipaddr.isValid(spelled) ? ipaddr.parse(spelled) : null;
}

function inHex(_: string, ...bytes: readonly string[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** A name may be written with the dot of the root (RFC 1034, section 3.1). */
function withoutDot(host: string): string {
  return host.replace(/\.$/, '');
}
