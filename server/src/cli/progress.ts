/** How far work is, as people like to see it: on a terminal a few lines that are drawn again, elsewhere a line now and then. */
import type { EmailOperation, Operation } from '@fanfare/client';
import { colours, number, printable, write } from './output.ts';

export type Stats = Operation['stats'] | EmailOperation['stats'];

/** The values of a bar: each message counts once. */
interface Shares {
  readonly total: number;
  /** Delivered, read or opened. */
  readonly good: number;
  /** Undelivered, failed or canceled. */
  readonly bad: number;
  /** With a carrier. */
  readonly sent: number;
  /** Scheduled or queued. */
  readonly waiting: number;
}

export function sharesOf(stats: Stats): Shares {
  const { total, undelivered, failed, canceled } = stats;
  const waiting = stats.scheduled + stats.queued;
  const bad = undelivered + failed + canceled;
  // An opened e-mail also counts as delivered.
  const good = 'read' in stats ? stats.delivered + stats.read : stats.delivered;
  return { total, good, bad, sent: total - waiting - bad - good, waiting };
}

/** Each state has a sign of its own, so that colours are not needed. */
const PARTS = [
  ['good', '█', colours.green],
  ['bad', '▚', colours.red],
  ['sent', '▒', colours.cyan],
  ['waiting', '░', colours.dim],
] as const;

/** A bar of this many characters. Every part that is not zero is visible. */
export function renderBar(shares: Shares, width: number): string {
  if (shares.total === 0) return colours.dim('░'.repeat(width));
  const widths = PARTS.map(([name]) =>
    shares[name] === 0 ? 0 : Math.max(1, Math.round((shares[name] / shares.total) * width)),
  );
  const widest = widths.indexOf(Math.max(...widths));
  widths[widest] = (widths[widest] ?? 0) + width - widths.reduce((sum, each) => sum + each, 0);
  return PARTS.map(([, sign, paint], i) =>
    (widths[i] ?? 0) > 0 ? paint(sign.repeat(widths[i] ?? 0)) : '',
  ).join('');
}

export function renderPercent({ total, waiting }: Shares): string {
  const share = total === 0 ? 1 : (total - waiting) / total;
  return `${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** The counters that are not zero, in the order of a message's life. */
export function renderCounters(stats: Stats): string {
  const names =
    'scheduled queued sent delivered read opened undelivered failed canceled unaddressable';
  return names
    .split(' ')
    .map((name) => [name, (stats as unknown as Record<string, number>)[name] ?? 0] as const)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join('  ');
}

/** `1:05`, `2:03:04`. */
export function renderSpan(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = String(s).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${tail}` : `${m}:${tail}`;
}

/** How fast something grows, over its last seconds. */
export class Rate {
  static readonly #SPAN_MS = 5_000;
  readonly #points: { readonly at: number; readonly value: number }[] = [];

  note(value: number, at: number): void {
    this.#points.push({ at, value });
    while ((this.#points[1]?.at ?? Infinity) < at - Rate.#SPAN_MS) this.#points.shift();
  }

  /** A second; null while it is unknown. */
  get perSecond(): number | null {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (first === undefined || last === undefined || last.at - first.at < 200) return null;
    return ((last.value - first.value) / (last.at - first.at)) * 1_000;
  }
}

/** Rate, elapsed time, and how much longer at this rate. */
export function renderRate(rate: number | null, elapsedMs: number, left: number): string {
  return [
    ...(rate === null ? [] : [`${number(Math.round(rate))}/s`]),
    `elapsed ${renderSpan(elapsedMs)}`,
    ...(rate !== null && rate > 0 && left > 0 ? [`left ${renderSpan((left / rate) * 1_000)}`] : []),
  ].join('  ');
}

const COLUMNS_DEFAULT = 80;
const DRAW_MS = 80;
/** Interval of lines if the output is no terminal. */
const PLAIN_MS = 5_000;

/** Lines that are drawn again in place. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;
  #drawnAt = -Infinity;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get width(): number {
    return (this.#stream.isTTY && this.#stream.columns) || COLUMNS_DEFAULT;
  }

  /**
   * Draws over the previous output; `last` output stays. If the output is no terminal, `plain` is written from time to
   * time.
   */
  draw(lines: readonly string[], plain: string, last = false): void {
    const now = performance.now();
    if (!last && now - this.#drawnAt < (this.#stream.isTTY ? DRAW_MS : PLAIN_MS)) return;
    this.#drawnAt = now;
    if (!this.#stream.isTTY) {
      write(this.#stream, `${plain}\n`);
      return;
    }
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    const shown = lines.map((line) => cut(printable(line), this.width)).join('\n');
    this.#stream.write(`${up}\x1b[J${shown}\n`);
    this.#height = last ? 0 : lines.length;
  }
}

const COLOUR = new RegExp(`^${'\x1b'}\\[[0-9;]*m`);

/** A line that wraps could not be drawn over; colours take no room. */
function cut(line: string, width: number): string {
  let seen = 0;
  let at = 0;
  while (at < line.length) {
    const colour = COLOUR.exec(line.slice(at))?.[0];
    if (colour !== undefined) {
      at += colour.length;
      continue;
    }
    if (seen === width - 1) return `${line.slice(0, at)}\x1b[0m`;
    seen += 1;
    at += 1;
  }
  return line;
}

/** The progress of a long task, on standard error: the count, the total if it is known, the rate, the time left. */
export class CountView {
  readonly #what: string;
  readonly #total: number | null;
  readonly #screen = new Screen(process.stderr);
  readonly #rate = new Rate();
  readonly #startedAt = performance.now();

  constructor(what: string, total: number | null) {
    this.#what = what;
    this.#total = total;
  }

  draw(done: number, last = false): void {
    const now = performance.now();
    this.#rate.note(done, now);
    const all = Math.max(this.#total ?? done, done);
    const bar = renderBar({ total: all, good: 0, bad: 0, sent: done, waiting: all - done }, 30);
    const of = this.#total === null || last ? number(done) : `${number(done)} of ${number(all)}`;
    const rateText = renderRate(this.#rate.perSecond, now - this.#startedAt, last ? 0 : all - done);
    this.#screen.draw(
      [
        `  ${this.#total === null || last ? '' : `${bar} `}${this.#what} ${of}  ${colours.dim(rateText)}`,
      ],
      `${this.#what} ${of}  ${rateText}`,
      last,
    );
  }

  end(done: number): void {
    this.draw(done, true);
  }
}
