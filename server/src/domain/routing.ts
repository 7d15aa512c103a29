/** Routing: which sender reaches which address of a recipient, in what order, and who is next after a failure. Pure. */
import type { Address, AddressChannel, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import { growSenderTree, rankSenders, type SenderTree } from './sender-ranking.ts';

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

/** One way to reach a recipient. */
export interface Candidate {
  readonly sender: PlannedSender;
  readonly to: Address;
}

/**
 * All ways to reach a recipient, best first: addresses in the order given, for each the plan's channels in the order
 * of their first sender, and of each channel up to three senders. Of several senders a recipient always has the same
 * one first while the plan has the same senders with the same throughput; the shares are as the throughputs. Empty when no sender speaks to any
 * of the addresses. The order depends on the arguments alone, so a position in it names the same way after a restart.
 */
export function listCandidates(addresses: readonly Address[], plan: SendPlan): Candidate[] {
  const groups = groupSenders(plan);
  const candidates: Candidate[] = [];
  for (const to of addresses)
    for (const { channel, tree } of groups)
      if (REACHES[channel] === to.channel)
        for (const sender of rankSenders(tree, to.address, SENDERS_PER_ADDRESS_MAX))
          candidates.push({ sender, to });
  return candidates;
}

/** The first of `listCandidates`, or null. */
export function firstCandidate(addresses: readonly Address[], plan: SendPlan): Candidate | null {
  const groups = groupSenders(plan);
  for (const to of addresses)
    for (const { channel, tree } of groups) {
      const [sender] = REACHES[channel] === to.channel ? rankSenders(tree, to.address, 1) : [];
      if (sender !== undefined) return { sender, to };
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

interface ChannelGroup {
  readonly channel: Channel;
  readonly tree: SenderTree;
}

/** A plan is grouped once; it never changes. */
const grouped = new WeakMap<SendPlan, readonly ChannelGroup[]>();

function groupSenders(plan: SendPlan): readonly ChannelGroup[] {
  const known = grouped.get(plan);
  if (known !== undefined) return known;
  const byChannel = new Map<Channel, PlannedSender[]>();
  for (const sender of plan.senders) {
    const group = byChannel.get(sender.channel);
    if (group === undefined) byChannel.set(sender.channel, [sender]);
    else group.push(sender);
  }
  const groups = [...byChannel].map(([channel, senders]) => ({
    channel,
    tree: growSenderTree(senders),
  }));
  grouped.set(plan, groups);
  return groups;
}
