/** Briefing: the database's facts about a leased batch, read before it runs. */
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import { listSpellings } from '../domain/spellings.ts';
import { indexSuppressions, suppressible, type SuppressionIndex } from '../domain/suppression.ts';
import type { BatchMessage, SenderChanges } from '../store/store.ts';
import type { BatchReads } from './batch-reads.ts';
import { retryWhileLeased, type LeasedBatch } from './lease.ts';

export interface Briefing {
  readonly suppressions: SuppressionIndex;
  /** Ordinals whose sender has limits by now, in a batch of several senders that had none. */
  readonly apart: ReadonlySet<number>;
  /** Ordinals whose sender was deleted. */
  readonly gone: ReadonlySet<number>;
}

/** Rejects when the database fails it for as long as the lease lasts. */
export async function brief(
  leased: LeasedBatch,
  messages: ReadonlyMap<number, BatchMessage>,
  plan: SendPlan,
  { reads, stopping }: { readonly reads: BatchReads; readonly stopping: AbortSignal },
): Promise<Briefing> {
  const { accountId } = leased.batch;
  // Known with the messages: most batches need no statement of their own for this.
  const asked = [...messages.values()].filter(({ mayBeSuppressed }) => mayBeSuppressed);
  const addresses = asked.flatMap((each) =>
    each.addresses.flatMap(({ address }) => listSpellings(address)),
  );
  const found =
    asked.length === 0
      ? []
      : await retryWhileLeased(leased, stopping, () =>
          reads.findSuppressions({ accountId, addresses, ...suppressible(plan) }),
        );
  const changed = await findChanged(leased, messages, plan, (ids) =>
    retryWhileLeased(leased, stopping, () => reads.findSenderChanges(accountId, ids)),
  );
  return { suppressions: indexSuppressions(found), ...changed };
}

/** A batch names a sender with limits. Without one, its senders have none yet, or are gone. */
async function findChanged(
  { batch }: LeasedBatch,
  messages: ReadonlyMap<number, BatchMessage>,
  plan: SendPlan,
  findSenderChanges: (senderIds: readonly string[]) => Promise<SenderChanges>,
): Promise<Pick<Briefing, 'apart' | 'gone'>> {
  const senders = new Map<number, string>();
  if (batch.sender === null)
    for (const [ordinal, { addresses }] of messages) {
      const route = listCandidates(addresses, plan)[batch.candidate];
      if (route?.sender.senderId !== undefined) senders.set(ordinal, route.sender.senderId);
    }
  if (senders.size === 0) return { apart: new Set(), gone: new Set() };
  const { limited, gone } = await findSenderChanges([...new Set(senders.values())]);
  const among = (ids: ReadonlySet<string>) =>
    new Set([...senders].flatMap(([ordinal, id]) => (ids.has(id) ? ordinal : [])));
  return { apart: among(limited), gone: among(gone) };
}
