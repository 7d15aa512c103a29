/**
 * Limits on the rows of each kind that an account may have. `quota_usage` counts them in the
 * transaction that adds or removes them (migration 0020). A limit is therefore exact under
 * concurrent requests, and a check reads one row.
 */
import type { Querier } from './database.ts';

/** The maximum, the resource in words, and the action to take at the maximum. */
export const QUOTAS = {
  sender: {
    max: 50_000,
    of: 'An account has at most {max} senders',
    cure: 'delete some with DELETE /v1/Senders/{senderId}',
  },
  sender_pool: {
    max: 1_000,
    of: 'An account has at most {max} sender pools',
    cure: 'delete some with DELETE /v1/SenderPools/{senderPoolId}',
  },
  sender_pool_member: {
    max: 10_000,
    of: 'A sender pool has at most {max} members',
    cure: 'take some out, or make another pool',
  },
  content_template: {
    max: 1_000,
    of: 'An account has at most {max} content templates',
    cure: 'delete some with DELETE /v1/Content/{contentId}, or send content that is not stored',
  },
  api_key: {
    max: 100,
    of: 'An account has at most {max} API keys',
    cure: 'revoke one that is not used any more',
  },
  subscription: {
    max: 100,
    of: 'An account has at most {max} subscriptions',
    cure: 'delete one with DELETE /v1/Subscriptions/{subscriptionId}',
  },
  callback: {
    max: 10_000,
    of: 'An account has at most {max} callback URLs',
    cure: 'delete some of its subscriptions, or use one URL for many requests and distinguish operations by their id',
  },
  suppression: {
    max: 10_000_000,
    of: 'An account has at most {max} suppressions',
    cure: 'remove some with DELETE /v1/Suppressions/{suppressionId}; opt-outs by people are kept in any case',
  },
} as const satisfies Record<string, { max: number; of: string; cure: string }>;

export type Quota = keyof typeof QUOTAS;

/** The account has reached the maximum. The request changed nothing. */
export class QuotaExceeded extends Error {
  override readonly name = 'QuotaExceeded';

  constructor(quota: Quota) {
    const { max, of, cure } = QUOTAS[quota];
    super(`${of.replace('{max}', max.toLocaleString('en'))}: ${cure}.`);
  }
}

const NO_OWNER = '00000000-0000-0000-0000-000000000000';

/** How many more there are than may be, after rows were added in this transaction. */
export async function countExcess(
  client: Querier,
  accountId: number,
  quota: Quota,
  ownerId = NO_OWNER,
): Promise<number> {
  const { rows } = await client.query<{ used: number }>(
    'select used from quota_usage where account_id = $1 and resource = $2 and owner_id = $3',
    [accountId, quota, ownerId],
  );
  return Math.max(0, (rows[0]?.used ?? 0) - QUOTAS[quota].max);
}

/** To be called in a transaction after it has added rows. @throws QuotaExceeded, which takes them back. */
export async function checkQuota(
  client: Querier,
  accountId: number,
  quota: Quota,
  ownerId = NO_OWNER,
): Promise<void> {
  if ((await countExcess(client, accountId, quota, ownerId)) > 0) throw new QuotaExceeded(quota);
}
