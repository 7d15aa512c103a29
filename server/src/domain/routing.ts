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
 * All ways to reach a recipient, best first: addresses in the order given, and for each the plan's
 * senders in their order. Empty when no sender speaks to any of the addresses. The order depends on
 * the arguments alone, so a position in it names the same way after a restart.
 */
export function listCandidates(addresses: readonly Address[], plan: SendPlan): Candidate[] {
  return addresses.flatMap((to) =>
    plan.senders
      .filter((sender) => REACHES[sender.channel] === to.channel)
      .map((sender) => ({ sender, to })),
  );
}

/** The first of `listCandidates`, or null. */
export function firstCandidate(addresses: readonly Address[], plan: SendPlan): Candidate | null {
  for (const to of addresses)
    for (const sender of plan.senders)
      if (REACHES[sender.channel] === to.channel) return { sender, to };
  return null;
}
