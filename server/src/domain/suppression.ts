/** Suppressions: opted-out addresses, which a plan must not reach. Pure. */
import type { Address, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import { listCandidates } from './routing.ts';
import { senderKey } from './sender.ts';
import { listSpellings } from './spellings.ts';

/**
 * A suppressed address in one of its spellings: an entry of the account's list, or a person's own opt-out to one of our
 * addresses, which applies to every account.
 */
export type Suppression = ListedSuppression | OptOut;

/** For all senders of the account, or for one sender or pool if given (UUIDs). */
export interface ListedSuppression {
  readonly address: string;
  readonly senderId: string | null;
  readonly poolId: string | null;
}

/** An opt-out that applies to every account that sends from the stopped address. */
export interface OptOut {
  readonly address: string;
  readonly stopped: StoppedSender;
}

/** Our address, as its `senderKey`. */
export interface StoppedSender {
  readonly channel: Channel;
  readonly key: string;
}

/** Senders and pools to which a suppression may apply, as UUIDs. */
export interface Suppressible {
  readonly senderIds: readonly string[];
  readonly poolIds: readonly string[];
}

export function suppressible({ senders }: SendPlan): Suppressible {
  return {
    senderIds: senders.flatMap(({ senderId }) => senderId ?? []),
    poolIds: [...new Set(senders.flatMap(({ senderPoolId }) => senderPoolId ?? []))],
  };
}

/** Suppressions by address. */
export type SuppressionIndex = ReadonlyMap<string, readonly Suppression[]>;

export function indexSuppressions(suppressions: readonly Suppression[]): SuppressionIndex {
  const index = new Map<string, Suppression[]>();
  for (const each of suppressions) {
    const own = index.get(each.address);
    if (own === undefined) index.set(each.address, [each]);
    else own.push(each);
  }
  return index;
}

/**
 * Whether a recipient has opted out of a plan. An opt-out comes from a person: one suppressed address excludes the
 * recipient with all other addresses and channels.
 */
export function isSuppressed(
  addresses: readonly Address[],
  plan: SendPlan,
  index: SuppressionIndex,
): boolean {
  if (plan.ignoresSuppressions === true) return false;
  const find = (address: string) => listSpellings(address).flatMap((each) => index.get(each) ?? []);
  if (index.size === 0 || !addresses.some((each) => find(each.address).length > 0)) return false;
  return listCandidates(addresses, plan).some(({ sender, to }) =>
    find(to.address).some((each) => appliesTo(each, sender)),
  );
}

function appliesTo(suppression: Suppression, sender: PlannedSender): boolean {
  if ('stopped' in suppression) {
    const { channel, key } = suppression.stopped;
    return channel === sender.channel && key === senderKey(channel, sender.address);
  }
  const { senderId, poolId } = suppression;
  return (
    (senderId === null && poolId === null) ||
    (senderId !== null && senderId === sender.senderId) ||
    (poolId !== null && poolId === sender.senderPoolId)
  );
}
