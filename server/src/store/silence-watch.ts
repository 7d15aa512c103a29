/**
 * Finds silent connections. When a network drops packets, a statement waits for its deadline, half
 * a minute, although another connection would work. So PostgreSQL is asked over a new connection
 * whether it works on a late statement. If it does not, twice in a row, the statement or its
 * answer was lost.
 *
 * ```
 *  waiting ──4 s──▶ late ──idle there──▶ suspected ──still idle──▶ connection destroyed: unavailable, retry
 *                    ▲ └─working, unknown, or no answer────────┐      │ working after all
 *                    └─────────────────────────────────────────┴──────┘
 * ```
 */
import type pg from 'pg';
import { PostgresClient } from './postgres-client.ts';

/** Statements that are answered sooner are not asked about. */
const LATE_MS = 4_000;
const LOOK_MS = 500;
const ASK_TIMEOUT_MS = 3_000;

interface Waiting {
  readonly client: pg.ClientBase;
  readonly since: number;
  isSuspected: boolean;
}

export class SilenceWatch {
  readonly #settings: pg.ClientConfig;
  readonly #waiting = new Set<Waiting>();
  readonly #timer: NodeJS.Timeout;
  #isLooking = false;

  /** The settings of the watched connections. */
  constructor(settings: pg.ClientConfig) {
    this.#settings = settings;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** Watches over a statement of this connection until it is answered. */
  async over<Result>(client: pg.ClientBase, answer: Promise<Result>): Promise<Result> {
    const waiting = { client, since: performance.now(), isSuspected: false };
    this.#waiting.add(waiting);
    try {
      return await answer;
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const lateSince = performance.now() - LATE_MS;
    const late = [...this.#waiting].filter((each) => each.since < lateSince);
    if (late.length === 0 || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const idle = await this.#findIdle(late.map((each) => pidOf(each.client)));
      for (const each of late) {
        const isIdle = idle.has(pidOf(each.client));
        if (isIdle && each.isSuspected && this.#waiting.has(each)) destroy(each.client);
        each.isSuspected = isIdle;
      }
    } catch {
      // The server does not answer this connection either: statements wait for their deadlines.
    } finally {
      this.#isLooking = false;
    }
  }

  /** The idle ones of these processes of PostgreSQL. A pooler in between has other numbers, so none is found. */
  async #findIdle(pids: readonly number[]): Promise<ReadonlySet<number>> {
    const client = new PostgresClient({
      ...this.#settings,
      connectionTimeoutMillis: ASK_TIMEOUT_MS,
      query_timeout: ASK_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where pid = any($1) and application_name = $2 and state like 'idle%'`,
        [pids, this.#settings.application_name],
      );
      return new Set(rows.map((row) => row.pid));
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}

function pidOf(client: pg.ClientBase): number {
  return (client as unknown as { readonly processID: number }).processID;
}

function destroy(client: pg.ClientBase): void {
  (
    client as unknown as { connection: { stream: { destroy(): void } } }
  ).connection.stream.destroy();
}
