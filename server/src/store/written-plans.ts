/** Written plans: which operation has the same plan as a new one, so that a large one is not sent and read again. */
import type { SendPlan } from '../domain/operation.ts';
import type { Querier } from './database.ts';

/**
 * From this many senders on, a plan that exists in the database is copied there: PostgreSQL takes longer to read one
 * than to write it.
 */
const COPIED_SENDERS_MIN = 100;
/** By plan, an operation that was written with it. */
const writtenWith = new WeakMap<SendPlan, string>();

/** Whether a plan may be copied from an operation that has it. */
export const isShared = ({ senders }: SendPlan) => senders.length >= COPIED_SENDERS_MIN;

/** The plan of a new operation in its written form, or the operation that has the same plan. */
export async function findPlan(
  client: Querier,
  {
    accountId,
    id,
    plan,
  }: { readonly accountId: number; readonly id: string; readonly plan: SendPlan },
): Promise<{ readonly text: string | null; readonly copiedFrom: string | null }> {
  const known = writtenWith.get(plan);
  if (known !== undefined) {
    // It may be past retention by now, or may not have been committed.
    const { rowCount } = await client.query(
      'select from operation where account_id = $1 and id = $2 for key share',
      [accountId, known],
    );
    if (rowCount === 1) return { text: null, copiedFrom: known };
  }
  if (isShared(plan)) writtenWith.set(plan, id);
  return { text: JSON.stringify(plan), copiedFrom: null };
}
