/**
 * Maintenance tasks that every node runs beside sending. Each has its own loop and waits longer
 * after repeated failures, so a failing task delays no other. Several nodes may run the same task:
 * each skips rows that another one has locked.
 */
import type { Logger } from '../lib/log.ts';
import { createPauses, type Pauses } from '../lib/pauses.ts';
import { createLoop, type Loop, type Service } from '../lib/service.ts';
import type { DueWork, Store } from '../store/store.ts';

/** Interval and maximum backoff of a task for which messages wait. It is nudged when something is due. */
const SOON_IDLE_MS = 30_000;
const SOON_BACKOFF_MS_MAX = 5_000;
/** Interval of the search for dead nodes: their batches go on in two seconds. */
const GONE_NODES_IDLE_MS = 300;
/** Of a task that removes old rows. */
const CLEAN_IDLE_MS = 10 * 60_000;
const CLEAN_BACKOFF_MS_MAX = 60_000;
/** Maximum backoff of a batch that cannot be woken or a task that fails, and maximum number of such. */
const FAILING_BACKOFF_MS_MAX = 30_000;
const FAILING_MAX = 1_000;

export interface MaintenanceOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly retentionDays: number;
  /** Applies parked receipts; resolves with whether more may be due. */
  readonly applyParked: () => Promise<boolean>;
  /** Tries parked receipts of carriers again; resolves with their number. */
  readonly retryReceipts: () => Promise<number>;
  /** Sends the answers to keywords that are still owed; resolves with their number. */
  readonly answerInbound: () => Promise<number>;
  /** The name of this node. */
  readonly node: string;
  /** Carriers that get in-doubt messages again. */
  readonly resending: readonly string[];
  /** Called after batches were woken, or released. */
  readonly onWoken: () => void;
  /** Called after each run of a task. */
  readonly onRun: (task: string, failed: boolean) => void;
}

export interface Maintenance extends Service {
  /** Something is due: nudges the tasks whose work it is; all of them where that is not known. */
  nudge(due: DueWork | null): void;
}

/** Does some of a task. Resolves with whether there may be more. */
type Work = () => Promise<boolean>;

export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const stopping = new AbortController();
  const soon = listSoon(options).map(({ name, work, isDue }) => ({
    isDue,
    loop: createTask(options, name, work, SOON_IDLE_MS, SOON_BACKOFF_MS_MAX),
  }));
  const cleaning = Object.entries(listCleaning(options, stopping.signal)).map(([name, work]) =>
    createTask(options, name, work, CLEAN_IDLE_MS, CLEAN_BACKOFF_MS_MAX),
  );
  const goneNodes = createTask(
    options,
    'gone-nodes',
    createRelease(options),
    GONE_NODES_IDLE_MS,
    SOON_BACKOFF_MS_MAX,
  );
  const loops = [...soon.map(({ loop }) => loop), goneNodes, ...cleaning];
  return {
    async start() {
      await Promise.all(loops.map((loop) => loop.start()));
    },
    nudge(due) {
      for (const { loop, isDue } of soon) if (due === null || isDue(due)) loop.nudge();
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

function createTask(
  { log, onRun }: MaintenanceOptions,
  task: string,
  work: Work,
  idleMs: number,
  backoffMsMax: number,
): Loop {
  return createLoop({
    idleMs,
    backoffMsMax,
    onError(error) {
      onRun(task, true);
      log.warn({ err: error, task }, 'A maintenance task failed');
    },
    async work() {
      const more = await work();
      onRun(task, false);
      return more;
    },
  });
}

/** Tasks that move messages on. */
function listSoon(
  options: MaintenanceOptions,
): readonly { name: string; work: Work; isDue: (due: DueWork) => boolean }[] {
  return [
    { name: 'wake', work: createWake(options), isDue: (due) => due.wake },
    { name: 'operation-tasks', work: createSteps(options), isDue: (due) => due.tasks },
    {
      name: 'parked-receipts',
      work: () => options.applyParked(),
      isDue: (due) => due.parkedReceipts,
    },
    {
      name: 'carrier-receipts',
      work: async () => (await options.retryReceipts()) > 0,
      isDue: (due) => due.carrierReceipts,
    },
    {
      name: 'keyword-answers',
      work: async () => (await options.answerInbound()) > 0,
      isDue: (due) => due.keywordAnswers,
    },
  ];
}

function createWake({ store, log, onWoken, onRun }: MaintenanceOptions): Work {
  const unwakable = new Failing();
  return async () => {
    const woken = await store.batches.wakeDueBatches({
      except: unwakable.list(performance.now()),
      onFailed(id, error) {
        onRun('wake', true);
        const isFirst = unwakable.fail(id, performance.now());
        if (isFirst) log.error({ err: error, batch: id }, 'A batch could not be woken');
      },
    });
    if (woken > 0) onWoken();
    return woken > 0;
  };
}

function createRelease({ store, log, node, resending, onWoken }: MaintenanceOptions): Work {
  return async () => {
    const batches = await store.nodes.releaseGoneNodes(node, resending);
    if (batches === 0) return false;
    log.warn({ batches }, 'Took over the batches of a node that is gone');
    onWoken();
    return false;
  };
}

/** Does a step of one task of an operation after the other, of all accounts in rotation. */
function createSteps({ store, log, onRun }: MaintenanceOptions): Work {
  const failing = new Failing();
  /** Tasks that wait: they are left alone until all others are done. */
  const waiting = new Set<string>();
  let after = 0;
  return async () => {
    const step = await store.operationTasks.stepTask({
      after,
      except: [...waiting, ...failing.list(performance.now())],
      onFailed(id, error) {
        onRun('operation-tasks', true);
        const isFirst = failing.fail(id, performance.now());
        if (isFirst) log.error({ err: error, operation: id }, 'A step of an operation failed');
      },
    });
    if (step === null) waiting.clear();
    else if (step.outcome === 'waiting') waiting.add(step.operationId);
    after = step?.accountId ?? 0;
    return step !== null;
  };
}

/** Batches or tasks that fail: each is left alone for moments, and longer while it fails again. */
class Failing {
  readonly #byId = new Map<string, { until: number; readonly pauses: Pauses }>();

  /** Ids to be skipped now. */
  list(now: number): string[] {
    // Those that did not fail again are done, or gone.
    for (const [id, { until }] of this.#byId)
      if (until + CLEAN_BACKOFF_MS_MAX < now) this.#byId.delete(id);
    return [...this.#byId].flatMap(([id, { until }]) => (until > now ? id : []));
  }

  /** One has failed. True for the first time. */
  fail(id: string, now: number): boolean {
    const known = this.#byId.get(id);
    const pauses = known?.pauses ?? createPauses(FAILING_BACKOFF_MS_MAX);
    if (known === undefined && this.#byId.size >= FAILING_MAX) return false;
    this.#byId.set(id, { until: now + pauses.next(), pauses });
    return known === undefined;
  }
}

/** Tasks that remove old rows, some at a time. */
function listCleaning(
  { store, log, retentionDays }: MaintenanceOptions,
  stopping: AbortSignal,
): Readonly<Record<string, Work>> {
  return {
    async partitions() {
      await store.maintenance.ensurePartitions(new Date());
      return false;
    },
    async retention() {
      const days = await store.maintenance.dropOldPartitions(new Date(), retentionDays, stopping);
      if (days > 0) log.info({ days }, 'Dropped days older than the retention');
      return false;
    },
    'idempotency-keys': () => store.maintenance.dropExpiredIdempotencyKeys(),
    // A day may be kept longer than others.
    callbacks: () => store.subscriptions.dropUnusedCallbacks(retentionDays + 2),
    'pool-operations': () => store.senderPools.dropOldPoolOperations(retentionDays),
    'old-parked-receipts': () => store.receipts.dropOldParkedReceipts(),
    'inbound-seen': () => store.inbound.dropOldInboundSeen(),
  };
}
