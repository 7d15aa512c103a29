/**
 * The guard of addresses: whoever may subscribe names a URL, and must not reach through it what only this machine and its
 * network can reach. Connections go to public addresses, and to what the setting `events.allowTargets` lists.
 *
 * What counts is the address that a connection is made to, so names are resolved here, every address of an answer is judged,
 * and only those that pass are given to whoever connects: an answer that changes between a check and the connection changes
 * nothing. Literal addresses are never resolved; `guarded-connector.ts` asks about them. A network that translates IPv4
 * behind a prefix of its own (NAT64, RFC 6052, section 2.2) cannot be told from the internet and has to be closed by other
 * means.
 */
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { findUrlProblem } from '../domain/url.ts';

/** Finds all addresses of a host name, as `lookup` of `node:dns` does. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Who may be connected to. */
export interface AddressGuard {
  /** Whether a connection for `host`, a name or a literal address without brackets, may go to `address`. */
  mayConnect(host: string, address: string): boolean;
  /**
   * For `net.connect`: resolves a name and gives the addresses that may be connected to. Fails with a `TargetDeniedError`
   * when none is left, or as the resolver does.
   */
  readonly lookup: LookupFunction;
  /**
   * What is wrong with a URL that events shall go to, in words for people, or null: http or https, at most 2,048
   * characters, no user and password, no fragment, no parameter `bodySHA256`, no address that is denied. Names are not
   * resolved: what they lead to is judged at each connection.
   */
  findTargetProblem(url: string): string | null;
}

/** A connection that must not be made. Its message is for people and tells no address that they did not name. */
export class TargetDeniedError extends Error {
  readonly code = 'ERR_TARGET_DENIED';
}

/** What `events.allowTargets` lists. */
interface AllowList {
  readonly ranges: readonly Range[];
  readonly names: ReadonlySet<string>;
  /** `.internal` for `*.internal`. */
  readonly suffixes: readonly string[];
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** What the registries give out to the internet in IPv6 (RFC 4291, section 2.4, and IANA). */
const GLOBAL_UNICAST: Range = [ipaddr.IPv6.parse('2000::'), 3];
/** Translated to the IPv4 address in the last 32 bits (RFC 6052, section 2.1). */
const NAT64: Range = [ipaddr.IPv6.parse('64:ff9b::'), 96];
/** IPv4 in the last 32 bits of IPv6 (RFC 4291, section 2.2). */
const DOTTED_TAIL = /(\d+)\.(\d+)\.(\d+)\.(\d+)/;

/**
 * A guard that lets through public addresses and what is listed: addresses ("10.1.2.3", "::1"), ranges ("10.0.0.0/8") and
 * host names ("hooks.internal", "*.internal") whose addresses may be any.
 *
 * @throws Error when an entry is none of these; `findAllowTargetProblem` says so before.
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
        return 'A URL that events go to has no fragment: remove the "#" and what follows.';
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

/** The words for a literal address, or for this machine's own name. */
export function denyLiteral(host: string): TargetDeniedError {
  return new TargetDeniedError(
    `${host} is not a public address. Use a public host, or have "${host}" added to the setting events.allowTargets.`,
  );
}

/** Not the addresses: they may be those of a network that the reader has no part in. */
function denyName(host: string): TargetDeniedError {
  return new TargetDeniedError(
    `${host} leads to no public address. Use a public host, or have "${host}" added to the setting events.allowTargets.`,
  );
}

/**
 * Whether an address is one of the internet, where anybody may have a server. Not so are private, shared (RFC 6598),
 * loopback, link-local, multicast, reserved, documentation and benchmark ranges, and what tunnels (6to4, Teredo). What
 * stands for an IPv4 address (mapped, RFC 4291, section 2.5.5.2; NAT64 under 64:ff9b::/96) is judged as that one. What is
 * no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null) return false;
  const meant = embeddedAddress(address) ?? address;
  return meant.range() === 'unicast' && (meant.kind() === 'ipv4' || isIn(meant, GLOBAL_UNICAST));
}

/** What is wrong with an entry of `events.allowTargets`, in words for people, or null. */
export function findAllowTargetProblem(entry: string): string | null {
  return parseRange(entry) !== null || parseName(entry) !== null
    ? null
    : `"${entry}" is no address ("10.1.2.3"), range ("10.0.0.0/8") or host name ("hooks.internal", "*.internal").`;
}

/** The host of a URL as resolvers and sockets take it: IPv6 addresses without their brackets. */
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

/** An address, or a range of them, in the ways that everybody reads alike; null for whatever else. */
function parseRange(entry: string): Range | null {
  const [, text = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const address = parseAddress(bareHost(text));
  if (address === null) return null;
  const bitsMax = address.kind() === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? bitsMax : Number(bits);
  return prefix <= bitsMax ? [address, prefix] : null;
}

/** A host name, or what follows `*.`, as `URL` would write it; null for whatever else. */
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

/** The IPv4 address that an IPv6 address stands for; null when it stands for itself. */
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
