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
import type { RetryPolicy } from '../domain/retry.ts';
import type { Logger } from '../lib/log.ts';
import { createLoop, type Loop, type Service } from '../lib/service.ts';
import { UNLIMITED, type Batch, type Served, type Store } from '../store/store.ts';
import { AttachmentShelf } from './attachment-shelf.ts';
import { runBatch } from './batch-run.ts';
import type { ReadyOperation } from './deliver.ts';
import { createLane, type Lane } from './lane.ts';
import { insist, Leaser, type LeasedBatch } from './lease.ts';
import type { Settler } from './settle.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly settler: Settler;
  readonly carriers: readonly Carrier[];
  readonly log: Logger;
  readonly retry: RetryPolicy;
  /** Null while nobody knows what this server is called outside: then e-mails have none. */
  readonly emailLinks: EmailLinks | null;
  /** Names this node in leases. */
  readonly node: string;
  readonly leaseMs: number;
  readonly batchesPerLaneMax: number;
  /** How long `stop` waits for the carriers' answers, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** Called with the seconds from submission to answer. */
  readonly onSubmitted: (seconds: number) => void;
}

export interface Dispatcher extends Service {
  /** Work may have come, for all carriers or for these. */
  nudge(carriers?: readonly string[]): void;
  /** How its lanes stand at this moment. */
  describeLanes(): CarrierState[];
}

/** A loop is nudged when its carrier has work. It looks for itself as seldom. */
const POLL_MS = 5_000;
const REST_MS_MAX = 1_000;
/** Batches of one sender, and of all senders with a pace together, that a lane works on at a time. */
const PACED_PER_SENDER = 4;
const PACED_MAX = 400;
/** Operations kept ready; beyond that the oldest is read and parsed again. */
const READY_MAX = 200;

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
  const held = new Map<Lane, number>();
  const paced = new Map<Lane, PacedPlaces>();
  const lanes = options.carriers.map((carrier) =>
    createLane(carrier, stopping.signal, () => nudge()),
  );
  const loops = new Map(lanes.map((lane) => [lane.carrier.name, laneLoop(lane)]));
  let renewal: NodeJS.Timeout | undefined;
  let secondRenewal: NodeJS.Timeout | undefined;

  /**
   * Leases work of both kinds, one after the other: while the lane is braked, a look for the one must not keep the other
   * from being the probe. Which kind looks first alternates.
   */
  function laneLoop(lane: Lane): Loop {
    let leases = [
      createLease(lane, () => loop.nudge()),
      createPacedLease(lane, () => loop.nudge()),
    ];
    const loop: Loop = createLoop({
      idleMs: POLL_MS,
      restMsMax: REST_MS_MAX,
      onError: (error) => log.warn({ err: error, lane: lane.carrier.name }, 'Leasing failed'),
      async work() {
        leases = leases.toReversed();
        let more = false;
        for (const lease of leases) more = (await lease()) || more;
        return more;
      },
    });
    return loop;
  }

  /** Batches of senders without a pace. What is returned leases some, and resolves with whether there may be more. */
  function createLease(lane: Lane, onFree: () => void): () => Promise<boolean> {
    const turns = new Turns();
    return async () => {
      const places = options.batchesPerLaneMax - (held.get(lane) ?? 0);
      if (places <= 0 || !mayConnect(lane)) return false;
      const limit = lane.isBraked ? 1 : places;
      const batches = await leaseFor(
        lane,
        (name) =>
          store.batches.leaseBatches(lane.carrier.name, name, {
            limit,
            window: lane.reach,
            leaseMs,
            served: turns.served,
          }),
        (batch) => {
          turns.note(batch);
          held.set(lane, (held.get(lane) ?? 0) + 1);
          return () => {
            held.set(lane, (held.get(lane) ?? 1) - 1);
            onFree();
          };
        },
      );
      return batches === limit;
    };
  }

  /** Batches of senders with a pace: few of each, so that a slow one holds up no other. */
  function createPacedLease(lane: Lane, onFree: () => void): () => Promise<boolean> {
    const places = new PacedPlaces();
    const turns = new Turns();
    paced.set(lane, places);
    return async () => {
      if (places.free <= 0 || !mayConnect(lane) || !lane.mayBegin) return false;
      const limit = lane.isBraked ? 1 : places.free;
      const batches = await leaseFor(
        lane,
        (name) =>
          store.batches.leasePacedBatches(lane.carrier.name, name, {
            limit,
            perSender: PACED_PER_SENDER,
            taken: places.taken,
            leaseMs,
            served: turns.served,
          }),
        (batch) => {
          turns.note(batch, batch.sender?.id);
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
   * Leases and runs: work that may be sent, or while the lane takes none on, what has expired. `enter` takes a place for a
   * batch, and returns how to leave it. Resolves with the number of batches.
   */
  async function leaseFor(
    lane: Lane,
    lease: (name: string) => Promise<Batch[]>,
    enter: (batch: Batch) => () => void,
  ): Promise<number> {
    // After an outage longer than a lease, what is known here is written before it can seem doubtful.
    if (settler.isStalled) await settler.flushed();
    const { name: laneName } = lane.carrier;
    const mayBegin = lane.mayBegin;
    const end = mayBegin ? lane.begin() : () => undefined;
    const askedAt = performance.now();
    let batches: readonly Batch[] = [];
    try {
      batches = await leaser.lease((name) =>
        mayBegin
          ? lease(name)
          : store.batches.leaseExpiredBatches(laneName, name, { limit: 1, leaseMs }),
      );
    } finally {
      if (batches.length === 0) end();
    }
    for (const batch of batches) {
      const leave = enter(batch);
      void begin(lane, batch, askedAt + leaseMs).finally(() => {
        end();
        leave();
      });
    }
    return batches.length;
  }

  function begin(lane: Lane, batch: Batch, leaseEndsAt: number): Promise<void> {
    const leased: LeasedBatch = { batch, leaseEndsAt };
    const run = work(lane, leased)
      .catch((error: unknown) => {
        // The lease runs out and the batch comes again; what it handed over is then doubtful.
        log.warn(
          { err: error, batch: batch.id, lane: lane.carrier.name },
          'Work on a batch was interrupted',
        );
      })
      .finally(() => running.delete(leased));
    running.set(leased, run);
    return run;
  }

  async function work(lane: Lane, leased: LeasedBatch): Promise<void> {
    const { batch } = leased;
    const operation = await insist(leased, stopping.signal, () => readyOperation(batch));
    if (operation === null) {
      // Its operation is past retention: nothing refers to the messages any more.
      await store.batches.returnBatch(batch, []);
      return;
    }
    const { retry, emailLinks } = options;
    const { source } = operation.content;
    const notes = 'email' in source ? source.email.attachments : [];
    const files = await insist(leased, stopping.signal, () => shelf.hold(batch, notes));
    const { attachments } = files;
    const jitter = Math.random();
    const context = { operation, batch, retry, jitter, attachments, emailLinks };
    await runBatch(leased, context, {
      store,
      settler,
      lane,
      stopping: stopping.signal,
      abandoned: abandoned.signal,
      isCrowded: () => paced.get(lane)?.isCrowded(batch.sender?.id ?? '') ?? false,
      onSubmitted: options.onSubmitted,
    }).finally(files.release);
  }

  async function readyOperation(batch: Batch): Promise<ReadyOperation | null> {
    const known = ready.get(batch.operationId);
    if (known !== undefined) return known;
    const found = await store.operations.fetchDispatchable(batch.accountId, batch.operationId);
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
      // Soon again: little may be left of them.
      clearTimeout(secondRenewal);
      secondRenewal = setTimeout(keepLeases, Math.min(REST_MS_MAX, leaseMs / 6));
    });
  }

  return {
    async start() {
      // By the clock: one that hangs does not hold up the next.
      renewal = setInterval(keepLeases, leaseMs / 3);
      await Promise.all([...loops.values()].map((loop) => loop.start()));
    },
    nudge,
    describeLanes: () => lanes.map(describeLane),
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

/** Where other nodes have all connections, they lease all of its work. */
function mayConnect({ carrier }: Lane): boolean {
  return carrier.shared === undefined || carrier.shared.allowed > 0;
}

/** Accounts, and senders with a rate limit, that are remembered; beyond that the longest unserved is forgotten. */
const TURNS_MAX = 1_000;

/** Which account was served last, and which operation of each. */
class Turns {
  readonly #accounts = new Map<string, number>();
  readonly #operations = new Map<number, string>();

  get served(): Served {
    return {
      accounts: Object.fromEntries(this.#accounts),
      operations: Object.fromEntries(this.#operations),
    };
  }

  note({ accountId, operationId }: Batch, limitedSenderId = UNLIMITED): void {
    keep(this.#accounts, limitedSenderId, accountId);
    keep(this.#operations, accountId, operationId);
  }
}

function keep<Key, Value>(latest: Map<Key, Value>, key: Key, value: Value): void {
  latest.delete(key);
  latest.set(key, value);
  const [oldest] = latest.keys();
  if (latest.size > TURNS_MAX && oldest !== undefined) latest.delete(oldest);
}

function describeLane({ carrier, inFlight, window, restMs }: Lane): CarrierState {
  const state = carrier.state?.();
  return {
    carrier: carrier.name,
    connections: state?.connections ?? null,
    connected: state?.connected ?? null,
    detail: state?.detail ?? null,
    inFlight,
    window,
    windowMax: carrier.windowMax,
    throttled: restMs > 0,
  };
}

/** The batches of senders with a pace that a lane works on. */
class PacedPlaces {
  readonly #bySender = new Map<string, number>();
  #count = 0;

  get free(): number {
    return PACED_MAX - this.#count;
  }

  /** Places taken, by sender. */
  get taken(): Record<string, number> {
    return Object.fromEntries(this.#bySender);
  }

  /** Whether others may wait for a place of this sender: of its own batches, or of other senders. */
  isCrowded(senderId: string): boolean {
    return this.free <= 0 || (this.#bySender.get(senderId) ?? 0) >= PACED_PER_SENDER;
  }

  /** Takes a place; what is returned gives it back. */
  enter(senderId: string): () => void {
    const count = (change: number) => {
      this.#count += change;
      const next = (this.#bySender.get(senderId) ?? 0) + change;
      if (next > 0) this.#bySender.set(senderId, next);
      else this.#bySender.delete(senderId);
    };
    count(1);
    return () => count(-1);
  }
}
