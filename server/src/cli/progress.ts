/** Progress of an operation on a terminal: one line that is drawn again; elsewhere a line now and then. */

export interface Stats {
  readonly total: number;
  readonly recipients: number;
  readonly attempts: number;
  readonly unaddressable: number;
  readonly scheduled: number;
  readonly queued: number;
  readonly sent: number;
  readonly delivered: number;
  readonly read: number;
  readonly undelivered: number;
  readonly failed: number;
  readonly canceled: number;
}

const BAR_WIDTH = 24;
/** Where nothing can be drawn again, a line this often. */
const PLAIN_EVERY_MS = 500;
let plainAt = -Infinity;

const number = (value: number) => value.toLocaleString('en');

/** Draws how far an operation is. `last` ends the line. */
export function drawProgress(status: string, stats: Stats, elapsedMs: number, last: boolean): void {
  const ended = stats.delivered + stats.read + stats.undelivered + stats.failed + stats.canceled;
  const share = stats.total === 0 ? 1 : ended / stats.total;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const line = `  ${bar} ${percent} %  ${status.padEnd(10)}  queued ${number(stats.queued)}  sent ${number(stats.sent)}  delivered ${number(stats.delivered + stats.read)}`;
  if (process.stdout.isTTY) {
    process.stdout.write(
      `\r\x1b[2K${line.slice(0, Math.max(20, (process.stdout.columns ?? 80) - 1))}${last ? '\n' : ''}`,
    );
    return;
  }
  if (!last && elapsedMs - plainAt < PLAIN_EVERY_MS) return;
  plainAt = elapsedMs;
  process.stdout.write(`${line}\n`);
}

/** The counters at the end, and how long it took. */
export function drawSummary(status: string, stats: Stats, tookMs: number): string {
  const rows = Object.entries(stats).map(
    ([name, value]) => `    ${name.padEnd(14)}${number(value).padStart(8)}`,
  );
  const perSecond = Math.round(stats.total / (tookMs / 1000));
  return `
  ${status}

${rows.join('\n')}

  ${number(stats.total)} messages, from the request to the last receipt: ${(tookMs / 1000).toFixed(2)} s (${number(perSecond)} messages/s)`;
}
