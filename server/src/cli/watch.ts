/** Operations followed on a terminal, like downloads: one in full, several as a line each. */
import {
  isComplete,
  isSettled,
  type EmailOperation,
  type FanfareClient,
  type Operation,
} from '@fanfare/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Globals } from './globals.ts';
import { colours, number, print } from './output.ts';
import {
  Rate,
  renderBar,
  renderCounters,
  renderRate,
  renderPercent,
  Screen,
  sharesOf,
  type Stats,
} from './progress.ts';

export interface WatchFlags {
  readonly until?: 'settled' | 'completed';
  readonly quiet: number;
}

/** How far an operation is. */
export interface Progress {
  readonly title: string;
  readonly status: Operation['status'];
  readonly stats: Stats;
}

const paintStatus = (status: string) =>
  status === 'COMPLETED'
    ? colours.green(status)
    : status === 'CANCELED'
      ? colours.red(status)
      : colours.cyan(status);

/** One operation in full: title and status, bar, counters, rate. */
export class ProgressView {
  readonly #stream: NodeJS.WriteStream;
  readonly #screen: Screen;
  readonly #rate = new Rate();
  readonly #startedAt = performance.now();
  #progress: Progress | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#screen = new Screen(stream);
  }

  update(progress: Progress): void {
    this.#progress = progress;
    // The elapsed time continues without changes.
    if (this.#stream.isTTY) this.#timer ??= setInterval(() => this.#draw(false), 500);
    this.#draw(false);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#progress !== null) this.#draw(true);
  }

  #draw(last: boolean): void {
    if (this.#progress === null) return;
    const { title, status, stats } = this.#progress;
    const whole = sharesOf(stats);
    const now = performance.now();
    this.#rate.note(whole.total - whole.waiting, now);
    const width = Math.max(10, Math.min(60, this.#screen.width - 30));
    const rateText = renderRate(
      last ? overall(whole.total - whole.waiting, now - this.#startedAt) : this.#rate.perSecond,
      now - this.#startedAt,
      whole.waiting,
    );
    const of = `${number(whole.total - whole.waiting)} of ${number(whole.total)}`;
    this.#screen.draw(
      [
        `${colours.bold(title)}  ${paintStatus(status)}`,
        `  ${renderBar(whole, width)} ${renderPercent(whole)}  ${of}`,
        `  ${renderCounters(stats) || 'nothing yet'}`,
        `  ${colours.dim(rateText)}`,
      ],
      `${title}  ${status}  ${renderPercent(whole).trim()}  ${of}  ${renderCounters(stats)}  ${rateText}`,
      last,
    );
  }
}

function overall(count: number, elapsedMs: number): number | null {
  return elapsedMs < 200 ? null : (count / elapsedMs) * 1_000;
}

/** Follows one operation to its end; resolves with its last state. */
export async function watchOne(
  calls: FanfareClient['messages'] | FanfareClient['emails'],
  operationId: string,
  flags: WatchFlags,
  { json }: Globals,
  signal?: AbortSignal,
): Promise<Operation | EmailOperation> {
  const view = json ? null : new ProgressView();
  let latest: Operation | EmailOperation | null = null;
  try {
    const options = { until: flags.until, quietMs: flags.quiet, signal };
    for await (const operation of calls.watchOperation(operationId, options)) {
      latest = operation;
      if (json) print(JSON.stringify(operation));
      view?.update({ title: operationId, ...operation });
    }
  } finally {
    view?.end();
  }
  if (latest === null) throw new Error('An operation was watched that has no state.');
  return latest;
}

const POLL_MS = 1_000;
/** Operations followed at once. */
const ROWS_MAX = 100;
/** Receipts are waited for so long after the last one. */
const LATE_MS = 60_000;

interface Row {
  operation: Operation;
  readonly rate: Rate;
}

/** Follows running and new operations until it is interrupted. */
export async function watchAll(
  client: FanfareClient,
  { json }: Globals,
  signal: AbortSignal,
): Promise<void> {
  const screen = new Screen(process.stdout);
  const rows = new Map<string, Row>();
  while (!signal.aborted) {
    for (const operation of await listOpen(client, rows)) {
      const known = rows.get(operation.id);
      if (json && known?.operation.revision !== operation.revision)
        print(JSON.stringify(operation));
      const row = known ?? { operation, rate: new Rate() };
      row.operation = operation;
      const { total, waiting } = sharesOf(operation.stats);
      row.rate.note(total - waiting, performance.now());
      rows.set(operation.id, row);
    }
    if (!json) drawRows(screen, [...rows.values()]);
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Operations in progress, and operations that were in progress at the last look. */
async function listOpen(
  client: FanfareClient,
  rows: ReadonlyMap<string, Row>,
): Promise<Operation[]> {
  const found = new Map<string, Operation>();
  for (const status of ['SCHEDULED', 'PROCESSING'] as const) {
    const page = await client.messages.listOperations({ status, pageSize: ROWS_MAX });
    for (const each of page.operations) found.set(each.id, each);
  }
  for (const { operation } of rows.values())
    if (!found.has(operation.id) && isMoving(operation))
      found.set(operation.id, await client.messages.fetchOperation(operation.id));
  return [...found.values()].toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

/** Whether it is at work, or receipts may still come. */
function isMoving(operation: Operation): boolean {
  if (!isComplete(operation)) return true;
  return !isSettled(operation) && Date.now() - operation.updatedAt.getTime() < LATE_MS;
}

function drawRows(screen: Screen, rows: readonly Row[]): void {
  const width = Math.max(10, Math.min(40, screen.width - 70));
  // Lines beyond the screen could not be drawn over.
  const most = Math.min(ROWS_MAX, (process.stdout.rows || ROWS_MAX) - 2);
  const lines = rows.slice(-most).map(({ operation, rate }) => {
    const shares = sharesOf(operation.stats);
    const hasRate = !isComplete(operation) && (rate.perSecond ?? 0) > 0;
    const rateText = hasRate ? renderRate(rate.perSecond, 0, shares.waiting) : '';
    return `${operation.id.slice(-8)}  ${renderBar(shares, width)} ${renderPercent(shares)}  ${paintStatus(operation.status.padEnd(10))}  ${number(shares.total)}  ${rateText.replace(/ *elapsed \S+/, '')}`;
  });
  if (rows.length > lines.length)
    lines.unshift(colours.dim(`and ${number(rows.length - lines.length)} earlier`));
  const text =
    lines.length > 0 ? lines : [colours.dim('No operation is in progress. Press Ctrl-C to exit.')];
  screen.draw(text, `${rows.length} ${rows.length === 1 ? 'operation' : 'operations'}`);
}
