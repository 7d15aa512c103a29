/** Routing: which sender reaches which address of a recipient, and in what order. Pure. */
import type { Address, AddressChannel, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';

/** The address space each channel speaks to. */
const REACHES: Readonly<Record<Channel, AddressChannel>> = {
  SMS: 'PHONE',
  RCS: 'PHONE',
  WHATSAPP: 'WHATSAPP',
};

/** One way to reach a recipient. */
export interface Candidate {
  readonly sender: PlannedSender;
  readonly to: Address;
}

/**
 * All ways to reach a recipient, best first: addresses in the order given, and for each the plan's channels in the
 * order of their first sender. Of several senders of a channel the recipient has one: always the same while the
 * plan has the same senders, and another for only its share of recipients when one comes or goes. Empty when no
 * sender speaks to any of the addresses. The order depends on the arguments alone, so a position in it names
 * the same way after a restart.
 */
export function listCandidates(addresses: readonly Address[], plan: SendPlan): Candidate[] {
  const groups = groupSenders(plan);
  const candidates: Candidate[] = [];
  for (const to of addresses)
    for (const { channel, senders } of groups)
      if (REACHES[channel] === to.channel)
        candidates.push({ sender: chooseSender(senders, to.address), to });
  return candidates;
}

/** The first of `listCandidates`, or null. */
export function firstCandidate(addresses: readonly Address[], plan: SendPlan): Candidate | null {
  const groups = groupSenders(plan);
  for (const to of addresses)
    for (const { channel, senders } of groups)
      if (REACHES[channel] === to.channel) return { sender: chooseSender(senders, to.address), to };
  return null;
}

interface ChannelGroup {
  readonly channel: Channel;
  readonly senders: readonly [PlannedSender, ...PlannedSender[]];
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
 * Rendezvous hashing (highest random weight, Thaler and Ravishankar 1998): the sender whose hash with the recipient
 * is the highest.
 */
function chooseSender(
  senders: readonly [PlannedSender, ...PlannedSender[]],
  address: string,
): PlannedSender {
  let [best] = senders;
  if (senders.length === 1) return best;
  let highest = -1;
  for (const sender of senders) {
    const score = hash(sender.address, hash(address, 0x811c9dc5));
    if (score > highest) {
      highest = score;
      best = sender;
    }
  }
  return best;
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
