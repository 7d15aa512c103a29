/** Briefing: what the database knows of a leased batch, asked before it runs. */
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import { listSpellings } from '../domain/spellings.ts';
import { indexSuppressions, suppressible, type SuppressionIndex } from '../domain/suppression.ts';
import type { BatchMessage, Store } from '../store/store.ts';
import { insist, type LeasedBatch } from './lease.ts';

export interface Briefing {
  readonly messages: ReadonlyMap<number, BatchMessage>;
  readonly suppressions: SuppressionIndex;
  /** Ordinals whose sender has limits by now, in a batch of several senders that had none. */
  readonly apart: ReadonlySet<number>;
}

/** Rejects when the database fails it for as long as the lease lasts. */
export async function brief(
  leased: LeasedBatch,
  plan: SendPlan,
  { store, stopping }: { readonly store: Store; readonly stopping: AbortSignal },
): Promise<Briefing> {
  const { accountId, operationId, ordinals } = leased.batch;
  const messages = await insist(leased, stopping, () =>
    store.batches.loadMessages(accountId, operationId, ordinals),
  );
  const addresses = [...messages.values()].flatMap((each) =>
    each.addresses.flatMap(({ address }) => listSpellings(address)),
  );
  const senders = suppressible(plan);
  const found = await insist(leased, stopping, () =>
    store.suppressions.findSuppressions(accountId, addresses, senders),
  );
  const apart = await findApart(leased, messages, plan, (ids) =>
    insist(leased, stopping, () => store.senders.findLimited(ids)),
  );
  return { messages, suppressions: indexSuppressions(found), apart };
}

async function findApart(
  { batch }: LeasedBatch,
  messages: Briefing['messages'],
  plan: SendPlan,
  findLimited: (senderIds: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<ReadonlySet<number>> {
  if (batch.sender !== null) return new Set();
  const senders = new Map<number, string>();
  for (const [ordinal, { addresses }] of messages) {
    const way = listCandidates(addresses, plan)[batch.candidate];
    if (way?.sender.senderId !== undefined) senders.set(ordinal, way.sender.senderId);
  }
  if (senders.size === 0) return new Set();
  const limited = await findLimited([...new Set(senders.values())]);
  return new Set([...senders].flatMap(([ordinal, id]) => (limited.has(id) ? ordinal : [])));
}
