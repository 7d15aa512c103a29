/** Recipients of `fanfare send`, read on demand, with the problems of rejected rows and the place of each recipient. */
import { InvalidRequestError, ChunkError } from '@fanfare/client';
import type { AddressKind } from '../lists/addresses.ts';
import type { Recipient } from '../lists/recipients.ts';
import { failUsage, UserError } from './globals.ts';
import type { ListFlags } from './list-options.ts';
import { isReadOnce, openFile, readArguments, RejectFile, type Row } from './lists.ts';
import { note, number } from './output.ts';
import { CountView } from './progress.ts';

export interface SourceFlags extends ListFlags {
  readonly kind: AddressKind;
  readonly map: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly skipInvalid?: true;
  readonly dedupe?: true;
}

/** Problems that are listed one by one. */
export const PROBLEMS_SHOWN_MAX = 10;
/** Recipients whose places are remembered: more than are in all requests at work. */
const PLACES_MAX = 50_000;

const counted = (count: number, what: string) =>
  `${number(count)} ${what}${count === 1 ? '' : 's'}`;

export class Source {
  readonly #addresses: readonly string[];
  readonly #flags: SourceFlags;
  readonly #showsProgress: boolean;
  /** Places of the recipients that were read last, and the number of recipients before them. */
  #places: string[] = [];
  #before = 0;
  #skipped = 0;
  #duplicates = 0;
  #missing: ReadonlyMap<string, number> = new Map();
  /** Whether rejected rows are written during the send: a source that is read twice writes them the first time. */
  #isUnchecked = false;

  constructor(addresses: readonly string[], flags: SourceFlags, showsProgress: boolean) {
    this.#addresses = addresses;
    this.#flags = flags;
    this.#showsProgress = showsProgress && process.stderr.isTTY;
  }

  /**
   * Reads a file to its end before anything of it is sent, so that a wrong row stops the whole send. Resolves with the
   * number of recipients; null for a source that can be read only once.
   */
  async check(): Promise<number | null> {
    const { file, rejectFile, skipInvalid } = this.#flags;
    if (file !== undefined && file === rejectFile)
      failUsage('--reject-file would overwrite the list. Use another name.');
    if (file !== undefined && (await isReadOnce(file))) {
      this.#isUnchecked = true;
      return null;
    }
    const view = this.#showsProgress ? new CountView('read', null) : null;
    const rejects = await RejectFile.open(rejectFile);
    const problems: string[] = [];
    let [bad, count] = [0, 0];
    try {
      for await (const rows of this.#rows()) {
        for (const { where, problem } of rows) {
          if (problem === null) count += 1;
          else bad += 1;
          if (problem !== null && problems.length < PROBLEMS_SHOWN_MAX)
            problems.push(`${where}: ${problem}`);
        }
        await rejects.write(rows);
        view?.draw(count + bad);
      }
    } finally {
      await rejects.close();
    }
    view?.end(count + bad);
    if (bad > 0 && !skipInvalid)
      failUsage(
        `${problems.join('\n')}${bad > problems.length ? `\nAnd ${number(bad - problems.length)} more.` : ''}\nNothing was sent. Correct these rows, or skip them with --skip-invalid.`,
      );
    if (count === 0) failUsage('There are no recipients.');
    return count;
  }

  async *recipients(): AsyncGenerator<Recipient> {
    this.#places = [];
    this.#before = 0;
    const seen = this.#flags.dedupe ? new Set<string>() : null;
    const rejects = await RejectFile.open(this.#isUnchecked ? this.#flags.rejectFile : undefined);
    let count = 0;
    try {
      for await (const rows of this.#rows()) {
        await rejects.write(rows);
        for (const row of rows) {
          const recipient = this.#take(row, seen);
          if (recipient === null) continue;
          count += 1;
          yield recipient;
        }
      }
    } finally {
      await rejects.close();
    }
    if (count === 0) failUsage('There are no recipients.');
  }

  /** The recipient of a row, whose place is remembered; null when it is left out. */
  #take({ where, recipient, problem }: Row, seen: Set<string> | null): Recipient | null {
    if (recipient === null) {
      if (!this.#flags.skipInvalid)
        failUsage(`${where}: ${problem} Earlier rows may have been sent.`);
      this.#skipped += 1;
      if (this.#skipped <= PROBLEMS_SHOWN_MAX) note(`Skipped: ${where}: ${problem}`);
      return null;
    }
    if (seen !== null && recipient.address !== undefined) {
      if (seen.has(recipient.address)) {
        this.#duplicates += 1;
        return null;
      }
      seen.add(recipient.address);
    }
    this.#places.push(where);
    if (this.#places.length > 2 * PLACES_MAX)
      this.#before += this.#places.splice(0, PLACES_MAX).length;
    return recipient;
  }

  /** Reports the omitted rows, on standard error. */
  tellLeftOut(): void {
    if (this.#skipped > 0) note(`Skipped ${counted(this.#skipped, 'invalid recipient')}.`);
    if (this.#duplicates > 0) note(`Skipped ${counted(this.#duplicates, 'duplicate recipient')}.`);
    for (const [variable, count] of this.#missing)
      note(
        `"${variable}" has no value in ${counted(count, 'row')}. The template must have a default for it.`,
      );
  }

  /** A refusal in terms of the input: `$.to[17]` is a line of a file. */
  explain(error: unknown): unknown {
    const cause = error instanceof ChunkError ? error.cause : error;
    const first = error instanceof ChunkError ? error.firstRecipient : 0;
    if (!(cause instanceof InvalidRequestError)) return error;
    const lines = cause.errors.slice(0, PROBLEMS_SHOWN_MAX).map(({ message, context }) => {
      const [, index, rest = ''] = /^\$\.to\[(\d+)\]\.?(.*)$/.exec(context) ?? [];
      const place =
        index === undefined ? context : this.#places[first + Number(index) - this.#before];
      return `${place ?? context}${rest === '' ? '' : `, ${rest}`}: ${message}`;
    });
    const more = cause.errors.length - lines.length;
    return new UserError([...lines, ...(more > 0 ? [`And ${more} more.`] : [])].join('\n'));
  }

  async *#rows(): AsyncGenerator<readonly Row[], void, undefined> {
    const { file } = this.#flags;
    if (file === undefined) {
      yield readArguments(this.#addresses, this.#flags);
      return;
    }
    const opened = await openFile(file, this.#flags);
    yield* opened.rows();
    this.#missing = opened.counts().missing;
  }
}
