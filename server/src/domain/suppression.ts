/** Suppression: who has opted out, and whom a plan may therefore not reach. Pure. */
import type { Address, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import { listCandidates } from './routing.ts';
import { senderKey } from './sender.ts';
import { listSpellings } from './spellings.ts';

/**
 * Not to be sent to, by one of its spellings: an entry of the account's list, or a person's own word to an address of ours, which counts for
 * every account.
 */
export type Suppression = ListedSuppression | OptOut;

/** By anyone of the account, or by one sender or pool when either is named (UUIDs). */
export interface ListedSuppression {
  readonly address: string;
  readonly senderId: string | null;
  readonly poolId: string | null;
}

/** It counts for every account that sends from the address which the person has stopped. */
export interface OptOut {
  readonly address: string;
  readonly stopped: StoppedSender;
}

/** An address of ours, by its `senderKey`. */
export interface StoppedSender {
  readonly channel: Channel;
  readonly key: string;
}

/** Whom a listed suppression may keep from sending, by UUIDs. */
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
 * Whether a recipient has opted out of a plan. Opting out is a person's word: one suppressed way to reach the
 * recipient rules out all of them, other addresses and channels included.
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
