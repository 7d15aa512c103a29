/**
 * The dispatcher leases ready batches for each carrier, renews the leases during their runs, and
 * requeues unsubmitted messages at a stop. It leases only batches that can run now, because a
 * leased message is invisible to all other nodes.
 */
import { setMaxListeners } from 'node:events';
import type { Carrier } from '../carriers/carrier.ts';
import type { CarrierState } from '../domain/carrier-state.ts';
import { parseContent } from '../domain/content.ts';
import type { EmailLinks } from '../domain/email-links.ts';
import { uuidTimeMs } from '../domain/ids.ts';
import { BATCH_SIZE_MAX } from '../domain/operation.ts';
import type { RetryPolicy } from '../domain/retry.ts';
import type { Logger } from '../lib/log.ts';
import { createLoop, type Loop, type Service } from '../lib/service.ts';
import type { Batch, LeaseRequest, Store } from '../store/store.ts';
import { AttachmentShelf } from './attachment-shelf.ts';
import { createBatchReads } from './batch-reads.ts';
import { runBatch } from './batch-run.ts';
import type { ReadyOperation } from './deliver.ts';
import { createCarrierQueue, type CarrierQueue } from './carrier-queue.ts';
import { Exposure } from './exposure.ts';
import { retryWhileLeased, Leaser, type LeasedBatch } from './lease.ts';
import { RATE_LIMITED_PER_SENDER, RateLimitedPlaces } from './rate-limited-places.ts';
import { Rotation } from './rotation.ts';
import type { Settler } from './settle.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly settler: Settler;
  readonly carriers: readonly Carrier[];
  readonly log: Logger;
  readonly retry: RetryPolicy;
  /** Null without a public URL: then e-mails have no links. */
  readonly emailLinks: EmailLinks | null;
  /** Names this node in leases. */
  readonly node: string;
  readonly leaseMs: number;
  readonly batchesPerCarrierMax: number;
  /** How long `stop` waits for the carriers' answers, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** Called with the seconds from submission to answer. */
  readonly onSubmitted: (seconds: number) => void;
}

export interface Dispatcher extends Service {
  /** Work may have come, for all carriers or for these. */
  nudge(carriers?: readonly string[]): void;
  /** The state of its carriers at this moment. */
  describeCarriers(): CarrierState[];
}

/** Interval of looks without a nudge. A loop is nudged when its carrier has work. */
const POLL_MS = 5_000;
const BACKOFF_MS_MAX = 1_000;
/** Batches of one lease, at most. */
const LEASED_MAX = 500;
/** Operations kept ready; beyond that the oldest is read and parsed again. */
const READY_MAX = 1_000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, settler, log, leaseMs } = options;
  const leaser = new Leaser(options.node, store.batches.dropLeases);
  const stopping = new AbortController();
  const abandoned = new AbortController();
  // Every batch at work may listen to these.
  setMaxListeners(0, stopping.signal, abandoned.signal);
  const ready = new Map<string, ReadyOperation>();
  const shelf = new AttachmentShelf(store.emailAttachments.loadAttachments);
  const running = new Map<LeasedBatch, Promise<void>>();
  const reads = createBatchReads(store);
  const activeMax = options.batchesPerCarrierMax * BATCH_SIZE_MAX;
  /** Messages of active batches whose senders have no rate limit. */
  const active = new Map<CarrierQueue, number>();
  const rateLimited = new Map<CarrierQueue, RateLimitedPlaces>();
  const queues = options.carriers.map((carrier) =>
    createCarrierQueue(carrier, stopping.signal, () => nudge()),
  );
  const loops = new Map(queues.map((queue) => [queue.carrier.name, leasingLoop(queue)]));
  let renewal: NodeJS.Timeout | undefined;
  let secondRenewal: NodeJS.Timeout | undefined;

  /**
   * Leases work of both kinds, one after the other: while the queue is braked, a look for one kind must not keep the other
   * from being the probe. The kinds alternate as the first.
   */
  function leasingLoop(queue: CarrierQueue): Loop {
    let leases = [
      createLease(queue, () => loop.nudge()),
      createRateLimitedLease(queue, () => loop.nudge()),
    ];
    const loop: Loop = createLoop({
      idleMs: POLL_MS,
      backoffMsMax: BACKOFF_MS_MAX,
      onError: (error) => log.warn({ err: error, carrier: queue.carrier.name }, 'Leasing failed'),
      async work() {
        leases = leases.toReversed();
        let more = false;
        for (const lease of leases) more = (await lease()) || more;
        return more;
      },
    });
    return loop;
  }

  /** For batches without a rate limit. The function returned leases some, and resolves with whether there may be more. */
  function createLease(queue: CarrierQueue, onFree: () => void): () => Promise<boolean> {
    const rotation = new Rotation();
    return async () => {
      const messages = queue.isBraked ? 1 : roomIn(queue);
      // While the carrier accepts none, expired batches are leased to be ended.
      if ((messages === 0 && queue.mayBegin) || !mayConnect(queue)) return false;
      const limit = queue.isBraked ? 1 : LEASED_MAX;
      const batches = await leaseFor(
        queue,
        { limit, messages },
        (request) => store.batches.leaseBatches(request, { messages, served: rotation.served }),
        (batch) => {
          rotation.note(batch);
          const { length } = batch.ordinals;
          active.set(queue, (active.get(queue) ?? 0) + length);
          return () => {
            active.set(queue, (active.get(queue) ?? length) - length);
            onFree();
          };
        },
      );
      return batches === limit;
    };
  }

  /** Messages that a lease may expose; 0 while they are few and more will be answered soon: a lease for each costs too much. */
  function roomIn(queue: CarrierQueue): number {
    const taken = active.get(queue) ?? 0;
    const messages = Math.max(0, Math.min(activeMax - taken, queue.room));
    return taken > 0 && messages < Math.floor(queue.window / 2) ? 0 : messages;
  }

  /** For batches of rate-limited senders: few of each, so that a slow sender delays no other. */
  function createRateLimitedLease(queue: CarrierQueue, onFree: () => void): () => Promise<boolean> {
    const places = new RateLimitedPlaces();
    const rotation = new Rotation();
    rateLimited.set(queue, places);
    return async () => {
      if (places.free <= 0 || !mayConnect(queue) || !queue.mayBegin) return false;
      const limit = queue.isBraked ? 1 : places.free;
      const batches = await leaseFor(
        queue,
        { limit, messages: 0 },
        (request) =>
          store.batches.leaseRateLimitedBatches(request, {
            perSender: RATE_LIMITED_PER_SENDER,
            taken: places.taken,
            served: rotation.served,
          }),
        (batch) => {
          rotation.note(batch, batch.sender?.id);
          const leave = places.enter(batch.sender?.id ?? '');
          return () => {
            leave();
            onFree();
          };
        },
      );
      return batches > 0;
    };
  }

  /**
   * Leases and runs batches: ready ones, or an expired one while the carrier accepts none. The lease may expose as many
   * `messages`; they count as exposed from before its statement, so that no run takes their room meanwhile. `enter`
   * takes a place for a batch and returns the function that leaves it. Resolves with the number of batches.
   */
  async function leaseFor(
    queue: CarrierQueue,
    { limit, messages }: { readonly limit: number; readonly messages: number },
    lease: (request: LeaseRequest) => Promise<Batch[]>,
    enter: (batch: Batch) => () => void,
  ): Promise<number> {
    const carrier = queue.carrier.name;
    let end = () => {};
    let askedAt = 0;
    let batches: readonly Batch[] = [];
    queue.expose(messages);
    try {
      // After an outage longer than a lease, known outcomes are written before they can seem in doubt.
      if (settler.isStalled) await settler.flushed();
      const mayBegin = queue.mayBegin;
      if (mayBegin) end = queue.begin();
      askedAt = performance.now();
      batches = await leaser.lease((leasedBy) =>
        mayBegin
          ? lease({ carrier, leasedBy, leaseMs, limit })
          : store.batches.leaseExpiredBatches({ carrier, leasedBy, leaseMs, limit: 1 }),
      );
    } finally {
      if (batches.length === 0) end();
      // Woken waiters run after this: they find the room that is left.
      queue.expose(-messages);
    }
    for (const batch of batches) {
      const leave = enter(batch);
      const exposure = new Exposure(queue, batch);
      void begin(queue, batch, exposure, askedAt + leaseMs).finally(() => {
        end();
        exposure.end();
        leave();
      });
    }
    return batches.length;
  }

  function begin(
    queue: CarrierQueue,
    batch: Batch,
    exposure: Exposure,
    leaseEndsAt: number,
  ): Promise<void> {
    const leased: LeasedBatch = { batch, leaseEndsAt };
    const run = work(queue, leased, exposure)
      .catch((error: unknown) => {
        // The lease runs out and the batch comes again; its submitted messages are then in doubt.
        log.warn(
          { err: error, batch: batch.id, carrier: queue.carrier.name },
          'Work on a batch was interrupted',
        );
      })
      .finally(() => running.delete(leased));
    running.set(leased, run);
    return run;
  }

  async function work(queue: CarrierQueue, leased: LeasedBatch, exposure: Exposure): Promise<void> {
    const { batch } = leased;
    const [operation, messages] = await Promise.all([
      retryWhileLeased(leased, stopping.signal, () => readyOperation(batch)),
      retryWhileLeased(leased, stopping.signal, () => reads.loadMessages(batch)),
    ]);
    if (operation === null) {
      // Its operation is past retention.
      await store.batches.requeueRemainder(batch, []);
      return;
    }
    const { retry, emailLinks } = options;
    const { source } = operation.content;
    const notes = 'email' in source ? source.email.attachments : [];
    const files = await retryWhileLeased(leased, stopping.signal, () => shelf.hold(batch, notes));
    const { attachments } = files;
    const jitter = Math.random();
    const context = { operation, batch, retry, jitter, attachments, emailLinks };
    await runBatch(leased, messages, context, {
      store,
      reads,
      settler,
      queue,
      exposure,
      stopping: stopping.signal,
      abandoned: abandoned.signal,
      isCrowded: () => rateLimited.get(queue)?.isCrowded(batch.sender?.id ?? '') ?? false,
      onSubmitted: options.onSubmitted,
    }).finally(files.release);
  }

  async function readyOperation(batch: Batch): Promise<ReadyOperation | null> {
    const known = ready.get(batch.operationId);
    if (known !== undefined) return known;
    const found = await reads.fetchOperation(batch.accountId, batch.operationId);
    if (found === null) return null;
    const parsed = parseContent(found.content);
    if (!parsed.ok)
      throw new Error(`The content of operation ${batch.operationId} does not parse.`);
    const operation: ReadyOperation = {
      content: parsed.content,
      plan: found.plan,
      renderAt: found.scheduledFor ?? new Date(uuidTimeMs(batch.operationId)),
      expireAt: found.expireAt,
    };
    const oldest = ready.keys().next().value;
    if (ready.size >= READY_MAX && oldest !== undefined) ready.delete(oldest);
    ready.set(batch.operationId, operation);
    return operation;
  }

  async function renew(): Promise<void> {
    const leases = [...running.keys()];
    if (leases.length === 0) return;
    const askedAt = performance.now();
    const alive = await store.batches.renewLeases(
      leases.map((each) => each.batch),
      leaseMs,
    );
    for (const each of leases) if (alive.has(each.batch.id)) each.leaseEndsAt = askedAt + leaseMs;
  }

  function nudge(carriers: Iterable<string> = loops.keys()): void {
    for (const carrier of carriers) loops.get(carrier)?.nudge();
  }

  function keepLeases(): void {
    renew().catch((error: unknown) => {
      log.warn({ err: error }, 'Leases could not be renewed');
      // Soon again: little time may be left.
      clearTimeout(secondRenewal);
      secondRenewal = setTimeout(keepLeases, Math.min(BACKOFF_MS_MAX, leaseMs / 6));
    });
  }

  return {
    async start() {
      // By the clock: a hanging renewal does not delay the next one.
      renewal = setInterval(keepLeases, leaseMs / 3);
      await Promise.all([...loops.values()].map((loop) => loop.start()));
    },
    nudge,
    describeCarriers: () => queues.map(describeCarrier),
    async stop() {
      stopping.abort();
      await Promise.all([...loops.values()].map((loop) => loop.stop()));
      const timer = setTimeout(() => abandoned.abort(), options.drainTimeoutMs);
      await Promise.all(running.values());
      clearTimeout(timer);
      clearInterval(renewal);
      clearTimeout(secondRenewal);
      await settler.drain();
    },
  };
}

/** When other nodes have all connections, they lease all of its work. */
function mayConnect({ carrier }: CarrierQueue): boolean {
  return carrier.shared === undefined || carrier.shared.allowed > 0;
}

function describeCarrier({ carrier, inFlight, window, backoffMs }: CarrierQueue): CarrierState {
  const state = carrier.state?.();
  return {
    carrier: carrier.name,
    connections: state?.connections ?? null,
    connected: state?.connected ?? null,
    detail: state?.detail ?? null,
    inFlight,
    window,
    windowMax: carrier.windowMax,
    throttled: backoffMs > 0,
  };
}
