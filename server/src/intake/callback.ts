/** The subscription of a request's `statusCallback`. */
import { ERRORS, type Problem } from '../domain/errors.ts';
import { BATCH_DELAY_MS_DEFAULT, BATCH_SIZE_DEFAULT, EVENT_NAMES } from '../domain/event.ts';
import type { Shares } from '../lib/fair-share.ts';
import { newWebhookSecret } from '../lib/secrets.ts';
import { QuotaExceeded, type Store } from '../store/store.ts';

/** The id of the subscription, null without a callback; or the problem of an account that has too many. */
export async function ensureCallback(
  { store, shares }: { readonly store: Store; readonly shares: Shares },
  accountId: number,
  url: string | null,
): Promise<{ readonly id: string | null } | { readonly problem: Problem }> {
  if (!url) return { id: null };
  try {
    const make = () => store.subscriptions.ensureCallback(accountId, url, newCallback());
    return { id: await shares.within(accountId, make) };
  } catch (error) {
    if (!(error instanceof QuotaExceeded)) throw error;
    const { code } = ERRORS.statusCallback;
    return { problem: { code, message: error.message, context: '$.statusCallback' } };
  }
}

/** All events, in batches that any receiver takes. */
const newCallback = () => ({
  types: ['*'],
  names: EVENT_NAMES,
  batchSize: BATCH_SIZE_DEFAULT,
  batchDelayMs: BATCH_DELAY_MS_DEFAULT,
  secret: newWebhookSecret(),
});
