/** Routing: which sender reaches which address of a recipient, in what order, and who is next after a failure. Pure. */
import type { Address, AddressChannel, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';

/** The address space each channel speaks to. */
const REACHES: Readonly<Record<Channel, AddressChannel>> = {
  SMS: 'PHONE',
  RCS: 'PHONE',
  WHATSAPP: 'WHATSAPP',
  EMAIL: 'EMAIL',
};

/** Whether senders of a channel speak to addresses of a space. */
export function reaches(channel: Channel, space: AddressChannel): boolean {
  return REACHES[channel] === space;
}

/** Why no sender of these channels reaches any of the addresses, naming both. */
export function describeUnreached(
  addresses: readonly Address[],
  channels: readonly Channel[],
): string {
  const have = [...new Set(addresses.map(({ channel }) => channel))].join(' or ');
  const senders = [...new Set(channels)].map((each) => `${each} (for ${REACHES[each]})`);
  return `The recipient has an address of the channel ${have}; the senders are of ${senders.join(', ')}.`;
}

/** Senders of one channel that may try to reach the same address, one after the other. */
export const SENDERS_PER_ADDRESS_MAX = 3;

/** Share of a sender without a limit beside those with one, in messages per second. */
const UNLIMITED_WEIGHT = 1_000;

/** One way to reach a recipient. */
export interface Candidate {
  readonly sender: PlannedSender;
  readonly to: Address;
}

/**
 * All ways to reach a recipient, best first: addresses in the order given, for each the plan's channels in the order
 * of their first sender, and of each channel up to three senders. Of several senders a recipient always has the same
 * one first while the plan has the same senders with the same throughput, and another for only its share of
 * recipients when one comes, goes or changes; the shares are as the throughputs. Empty when no sender speaks to any
 * of the addresses. The order depends on the arguments alone, so a position in it names the same way after a restart.
 */
export function listCandidates(addresses: readonly Address[], plan: SendPlan): Candidate[] {
  const groups = groupSenders(plan);
  const candidates: Candidate[] = [];
  for (const to of addresses)
    for (const { channel, senders } of groups)
      if (REACHES[channel] === to.channel)
        for (const sender of rankSenders(senders, to.address)) candidates.push({ sender, to });
  return candidates;
}

/** The first of `listCandidates`, or null. */
export function firstCandidate(addresses: readonly Address[], plan: SendPlan): Candidate | null {
  const groups = groupSenders(plan);
  for (const to of addresses)
    for (const { channel, senders } of groups)
      if (REACHES[channel] === to.channel) {
        const [only] = senders;
        return { sender: senders.length === 1 ? only : rankSenders(senders, to.address)[0], to };
      }
  return null;
}

/**
 * The position of the candidate to try after the one at `position`, or null when it was the last one. Where the fault
 * lies with the sender, another sender of the same channel is next; else (the number is wrong, has no RCS, does not
 * answer) other senders would fare no better, and the next channel or address is.
 */
export function nextCandidate(
  candidates: readonly Candidate[],
  position: number,
  fault: 'sender' | 'recipient',
): number | null {
  const here = candidates[position];
  if (here === undefined) return null;
  for (let next = position + 1; next < candidates.length; next += 1) {
    const there = candidates[next];
    const sameWay = there?.to === here.to && there.sender.channel === here.sender.channel;
    if (fault === 'sender' || !sameWay) return next;
  }
  return null;
}

/** The position of another sender for the same address and channel after the one at `position`, or null. */
export function nextSender(candidates: readonly Candidate[], position: number): number | null {
  const here = candidates[position];
  const next = candidates[position + 1];
  const sameWay =
    here !== undefined && next?.to === here.to && next.sender.channel === here.sender.channel;
  return sameWay ? position + 1 : null;
}

type Senders = readonly [PlannedSender, ...PlannedSender[]];

interface ChannelGroup {
  readonly channel: Channel;
  readonly senders: Senders;
}

/** A plan is grouped once; it never changes. */
const grouped = new WeakMap<SendPlan, readonly ChannelGroup[]>();

function groupSenders(plan: SendPlan): readonly ChannelGroup[] {
  const known = grouped.get(plan);
  if (known !== undefined) return known;
  const byChannel = new Map<Channel, [PlannedSender, ...PlannedSender[]]>();
  for (const sender of plan.senders) {
    const group = byChannel.get(sender.channel);
    if (group === undefined) byChannel.set(sender.channel, [sender]);
    else group.push(sender);
  }
  const groups = [...byChannel].map(([channel, senders]) => ({ channel, senders }));
  grouped.set(plan, groups);
  return groups;
}

/**
 * The best senders for an address, at most three. Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights
 * after Schindelhauer and Schomaker 2005): the higher -weight / ln(hash), the better.
 */
function rankSenders(senders: Senders, address: string): Senders {
  if (senders.length === 1) return senders;
  const seed = hash(address, 0x811c9dc5);
  const best: { sender: PlannedSender; score: number }[] = [];
  for (const sender of senders) {
    const score =
      -(sender.throughput ?? UNLIMITED_WEIGHT) /
      Math.log((hash(sender.address, seed) + 0.5) / 2 ** 32);
    const place = best.findIndex((each) => each.score < score);
    if (place >= 0) best.splice(place, 0, { sender, score });
    else if (best.length < SENDERS_PER_ADDRESS_MAX) best.push({ sender, score });
    if (best.length > SENDERS_PER_ADDRESS_MAX) best.pop();
  }
  const [first = senders[0], ...others] = best.map((each) => each.sender);
  return [first, ...others];
}

/** FNV-1a of a text from a seed, then a mix of its bits: 32 bits, unsigned. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let i = 0; i < text.length; i += 1)
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
