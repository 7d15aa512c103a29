/**
 * A trial: one scenario on a cluster of its own, judged by the answers to the client, the witness's records, and the
 * database.
 */
import { join } from 'node:path';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { runDoctor } from './node.ts';
import type { Random } from './random.ts';
import { until } from './until.ts';

/** The report of every scenario. Times are in milliseconds. */
export interface Outcome {
  /** Recipients in requests that were answered with 202. */
  readonly accepted: number;
  /** Of these, messages that have ended in the database. */
  readonly ended: number;
  /** Neither taken by the carrier nor ended with an error that says so; or said to be sent and never seen. */
  readonly lost: number;
  /** Taken more than once by the carrier. */
  readonly doubled: number;
  /** Ended with error 30050: the carrier may have them, or not. */
  readonly ambiguous: number;
  /** From the end of the fault until work was done again; null where nothing stops. */
  readonly recoveryMs: number | null;
  /** The longest of the requested shutdowns. */
  readonly stopMs: number | null;
  /** Further remarks. */
  readonly note: string;
  /** Where counters, or the doctor's findings, are not as they must be. */
  readonly faults: readonly string[];
}

export interface Trial {
  readonly random: Random;
  readonly isShort: boolean;
  readonly folder: string;
}

/** The scenario's own part of the report. */
export interface Event {
  /** Bar for messages in doubt. */
  readonly ambiguousMax?: number;
  readonly recoveryMs?: number | null;
  readonly stopMs?: number;
  readonly note?: string;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Resolves with why it cannot run here, or null. */
  readonly isImpossible?: () => Promise<string | null>;
  run(trial: Trial): Promise<Outcome>;
}

/** Messages of a scenario that needs no number of its own. */
const MESSAGES = { short: 6_000, full: 30_000 };
const RECOVERY_TIMEOUT_MS = 60_000;

/** Starts a cluster, sends, lets `event` happen, waits for the end, and judges. */
export async function play(
  trial: Trial,
  options: ClusterOptions,
  event: (cluster: Cluster) => Promise<Event>,
): Promise<Outcome> {
  const cluster = await Cluster.start(join(trial.folder, 'cluster'), trial.random, options);
  try {
    const {
      recoveryMs = null,
      stopMs = null,
      note = '',
      ambiguousMax = Infinity,
    } = await event(cluster);
    await cluster.untilEnded();
    const judged = await judge(cluster);
    const faults =
      judged.ambiguous > ambiguousMax
        ? [...judged.faults, `more than ${ambiguousMax} in doubt`]
        : judged.faults;
    return { ...judged, faults, recoveryMs, stopMs, note };
  } finally {
    await cluster.end();
  }
}

/** Sends the usual number of messages and waits until some, but not nearly all, are with the carrier. */
export async function sendSome(cluster: Cluster, { random, isShort }: Trial): Promise<void> {
  await cluster.send(isShort ? MESSAGES.short : MESSAGES.full);
  await cluster.untilTaken(random.between(15, 40) / 100);
}

/** More than may be on its way already when a fault begins. */
const FLOWING = 1_000;

/**
 * Milliseconds from now until the carrier has accepted this many new messages, which shows that messages flow again; or until
 * all have ended, some of them in doubt and without it.
 */
export async function measureRecovery(cluster: Cluster): Promise<number> {
  const from = performance.now();
  const target = Math.min(cluster.accepted, cluster.witness.taken.size + FLOWING);
  await until(
    'messages flow again',
    RECOVERY_TIMEOUT_MS,
    async () => cluster.witness.taken.size >= target || (await cluster.countOpen())?.open === 0,
  );
  return performance.now() - from;
}

interface MessageRow {
  readonly address: string;
  readonly status: string;
  readonly error_code: number | null;
}

async function judge(cluster: Cluster): Promise<Omit<Outcome, 'recoveryMs' | 'stopMs' | 'note'>> {
  const rows = await cluster.sql<MessageRow>('select address, status, error_code from message');
  const { taken } = cluster.witness;
  const isTaken = ({ address }: MessageRow) =>
    taken.has(address.replace('+', '')) || taken.has(address);
  const isLost = (row: MessageRow) =>
    !isTaken(row) &&
    row.status !== 'CANCELED' &&
    (row.error_code === null || row.status === 'DELIVERED');
  const ended = rows.filter(({ status }) => !['SCHEDULED', 'QUEUED', 'SENT'].includes(status));
  const faults: string[] = [];
  const canceled = rows.filter((row) => row.status === 'CANCELED' && isTaken(row));
  if (canceled.length > 0) faults.push(`${canceled.length} canceled messages were submitted`);
  const wrong = await cluster.sql(
    `select o.id from operation o join (
       select operation_of(id) as id, count(*) filter (where status = 'DELIVERED') as delivered,
         count(*) filter (where status = 'UNDELIVERED') as undelivered, count(*) as total
       from message group by 1) m using (id)
     where (o.delivered, o.undelivered, o.total) <> (m.delivered, m.undelivered, m.total)`,
  );
  if (wrong.length > 0) faults.push(`counters of ${wrong.length} operations are wrong`);
  const doctor = await runDoctor(cluster.databaseUrl);
  if (!doctor.ok) faults.push(`fanfare doctor: ${doctor.output.trim()}`);
  return {
    accepted: cluster.accepted,
    ended: ended.length,
    lost: cluster.accepted - rows.length + rows.filter(isLost).length,
    doubled: [...taken.values()].filter((times) => times > 1).length,
    ambiguous: rows.filter((row) => row.error_code === 30050).length,
    faults,
  };
}
