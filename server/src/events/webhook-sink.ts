/**
 * Webhooks: a sink that posts each batch to the subscriber's URL as one JSON array, signed in both
 * ways of `signature.ts`. It makes one request for each try, to an address that `address-guard.ts`
 * allows, over a bounded number of connections, with one deadline. It follows no redirects.
 * Retries are left to the caller.
 */
import { readFileSync } from 'node:fs';
import { createAddressGuard, type Resolve } from '../net/address-guard.ts';
import { signClassic, signStandard } from './signature.ts';
import type { DeliveryResult, EventBatch, EventSink, Target } from './sink.ts';
import { failDelivery, judgeOutcome } from './webhook-answer.ts';
import type { Connections } from './webhook-connections.ts';
import { postOnce } from './webhook-request.ts';

/** How webhooks are delivered. */
export interface WebhookSinkOptions {
  /** Entries as `createAddressGuard` takes them. */
  readonly allowTargets: readonly string[];
  /** From the start of a try to the last byte of its answer, in milliseconds. Default 15,000. */
  readonly timeoutMs?: number;
  /** Connections to one origin at one moment; further tries wait, within their time. Default 8. */
  readonly connectionsPerOriginMax?: number;
  /** Finds the addresses of names; `lookup` of `node:dns` unless a test says otherwise. */
  readonly lookup?: Resolve;
  /** Certificates to trust instead of Node.js's own, as PEM. For tests. */
  readonly ca?: string;
}

/** Default time for one try. */
export const WEBHOOK_TIMEOUT_MS = 15_000;

const CONNECTIONS_PER_ORIGIN_MAX = 8;
/** Sockets outlive the try that opened them by so much, so that its own deadline comes first. */
const CONNECT_GRACE_MS = 1_000;

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/**
 * Opens no connection before the first delivery. The body goes as `application/json`, as consumers of the hosted API
 * expect.
 * @throws Error for an invalid entry of `allowTargets`
 */
export function createWebhookSink(options: WebhookSinkOptions): EventSink {
  const { timeoutMs = WEBHOOK_TIMEOUT_MS, ca } = options;
  const { connectionsPerOriginMax = CONNECTIONS_PER_ORIGIN_MAX } = options;
  const guard = createAddressGuard(options.allowTargets, options.lookup);
  // Loaded with the first delivery, which may never come.
  let opened: Promise<Connections> | null = null;
  const open = async () => {
    const { createConnections } = await import('./webhook-connections.ts');
    return createConnections(guard, {
      connectionsMax: connectionsPerOriginMax,
      connectTimeoutMs: timeoutMs + CONNECT_GRACE_MS,
      ca,
    });
  };
  const underWay = new Set<Promise<DeliveryResult>>();
  let stopping = false;

  async function post(target: Target, batch: EventBatch): Promise<DeliveryResult> {
    const problem = guard.findTargetProblem(target.url);
    if (problem !== null) return failDelivery(problem);
    const body = Buffer.from(`[${batch.events.map(({ json }) => json).join(',')}]`);
    const headers = signStandard(target.secrets, batch.id, batch.at, body);
    const authToken = target.authToken ?? target.secrets[0] ?? '';
    // Signed as it is sent: as `URL` writes it.
    const classic = signClassic(new URL(target.url).href, body, authToken);
    const { origin, host, pathname, search } = new URL(classic.url);
    const request = {
      path: pathname + search,
      headers: {
        'content-type': 'application/json',
        'user-agent': `Fanfare/${version}`,
        ...headers,
        'x-twilio-signature': classic.signature,
      },
      body,
    };
    opened ??= open();
    const { connection, waitedMs } = await (await opened).take(origin, timeoutMs);
    const crowded = `All ${connectionsPerOriginMax} connections to ${host} were taken for most of ${timeoutMs} ms.`;
    if (connection === null) return failDelivery(crowded);
    const leftMs = Math.max(0, timeoutMs - waitedMs);
    const outcome = await postOnce(connection.client, request, leftMs);
    connection.release(outcome.kind === 'answer');
    // Not the fault of this receiver alone: it had hardly any time.
    if (outcome.kind === 'late' && leftMs < timeoutMs / 2) return failDelivery(crowded);
    return judgeOutcome(outcome, {
      host,
      timeoutMs,
      quotes: connection.isPublic,
      nowMs: Date.now(),
    });
  }

  return {
    async deliver(target, batch) {
      if (stopping) return failDelivery('Fanfare is stopping.');
      const posting = post(target, batch);
      underWay.add(posting);
      try {
        return await posting;
      } finally {
        underWay.delete(posting);
      }
    },
    async stop() {
      stopping = true;
      await Promise.allSettled(underWay);
      await (await opened)?.close();
    },
  };
}
