/** Suppression: who has opted out, and whom a plan may therefore not reach. Pure. */
import { addressKey } from './email-address.ts';
import type { Address } from './message.ts';
import type { SendPlan } from './operation.ts';
import { listCandidates } from './routing.ts';

/** Not to be sent to, by `addressKey`: by anyone, or by one sender or pool when either is named (UUIDs). */
export interface Suppression {
  readonly address: string;
  readonly senderId: string | null;
  readonly poolId: string | null;
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
 * Whether a recipient has opted out of a plan. Opting out is a person's word: one suppressed way to reach the
 * recipient rules out all of them, other addresses and channels included.
 */
export function isSuppressed(
  addresses: readonly Address[],
  plan: SendPlan,
  index: SuppressionIndex,
): boolean {
  if (plan.ignoresSuppressions === true) return false;
  if (index.size === 0 || !addresses.some((each) => index.has(addressKey(each.address))))
    return false;
  return listCandidates(addresses, plan).some(({ sender, to }) =>
    index
      .get(addressKey(to.address))
      ?.some(
        ({ senderId, poolId }) =>
          (senderId === null && poolId === null) ||
          (senderId !== null && senderId === sender.senderId) ||
          (poolId !== null && poolId === sender.senderPoolId),
      ),
  );
}
