/** Routing: the senders for each address of a recipient in order, and the next one after a failure. Pure. */
import type { Address, AddressChannel, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import { growSenderTree, rankSenders, type SenderTree } from './sender-ranking.ts';

/** The address space of each channel. */
const REACHES: Readonly<Record<Channel, AddressChannel>> = {
  SMS: 'PHONE',
  RCS: 'PHONE',
  WHATSAPP: 'WHATSAPP',
  EMAIL: 'EMAIL',
};

/** Whether senders of a channel can reach addresses of a space. */
export function reaches(channel: Channel, space: AddressChannel): boolean {
  return REACHES[channel] === space;
}

/** A message with the channels and the addresses, for when no sender reaches any address. */
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

/** A candidate: one route to a recipient. */
export interface Candidate {
  readonly sender: PlannedSender;
  readonly to: Address;
}

/**
 * All candidates for a recipient, best first: addresses in the given order, for each the plan's channels in the order of
 * their first sender, and for each channel up to three senders. A recipient keeps the same first sender while the plan
 * has the same senders with the same throughputs; the shares of senders follow their throughputs. Empty if no sender
 * reaches any address. The order depends only on the arguments, so a position means the same candidate after a restart.
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
 * The position of the candidate after the one at `position`, or null after the last one. If the sender is the cause, the
 * next candidate is another sender of the same channel. Otherwise (the number is wrong, has no RCS, does not answer) it
 * is the next channel or address, because other senders would fail, too.
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

/** The groups of each plan. A plan never changes. */
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
