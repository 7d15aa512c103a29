/** Recipients of `fanfare send`, read on demand, with the problems of rejected rows and the place of each recipient. */
import { createHash, type Hash } from 'node:crypto';
import { indexOfRecipient, InvalidRequestError, type ErrorItem } from '@fanfare/client';
import type { AddressKind } from '../lists/addresses.ts';
import { PlaceList } from '../lists/place-list.ts';
import type { ListRow, Recipient } from '../lists/recipients.ts';
import { failUsage, UserError } from './globals.ts';
import type { ListFlags } from './list-options.ts';
import {
  explainProblem,
  isReadOnce,
  openArguments,
  openFile,
  RejectFile,
  type RowSource,
} from './lists.ts';
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

const counted = (count: number, what: string) =>
  `${number(count)} ${what}${count === 1 ? '' : 's'}`;

/** What a check has found. */
export interface CheckedSource {
  readonly recipients: number;
  /** SHA-256 of the file; null for arguments. */
  readonly digest: string | null;
}

export class Source {
  readonly #addresses: readonly string[];
  readonly #flags: SourceFlags;
  readonly #showsProgress: boolean;
  /** The rows, as they were opened last. */
  #opened: RowSource | null = null;
  #hash: Hash = createHash('sha256');
  #checked: CheckedSource | null = null;
  /** The place of each recipient. */
  #places = new PlaceList();
  #skipped = 0;
  #duplicates = 0;

  constructor(addresses: readonly string[], flags: SourceFlags, showsProgress: boolean) {
    this.#addresses = addresses;
    this.#flags = flags;
    this.#showsProgress = showsProgress && process.stderr.isTTY;
  }

  /**
   * Reads a file to its end before anything of it is sent, so that a wrong row stops the whole send. Null for a source that
   * can be read only once.
   */
  async check(): Promise<CheckedSource | null> {
    const { file, rejectFile, skipInvalid } = this.#flags;
    if (file !== undefined && file === rejectFile)
      failUsage('--reject-file would overwrite the list. Use another name.');
    if (file !== undefined && (await isReadOnce(file))) return null;
    const view = this.#showsProgress ? new CountView('read', null) : null;
    const rejects = await RejectFile.open(rejectFile);
    const problems: string[] = [];
    let [bad, count] = [0, 0];
    try {
      for await (const rows of this.#rows()) {
        for (const row of rows) {
          if (row.problem === null) count += 1;
          else bad += 1;
          if (row.problem !== null && problems.length < PROBLEMS_SHOWN_MAX)
            problems.push(this.#describe(row));
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
    this.#checked = {
      recipients: count,
      digest: file === undefined ? null : this.#hash.digest('hex'),
    };
    return this.#checked;
  }

  /** All recipients. They can be read again after `check`. */
  async *recipients(): AsyncGenerator<Recipient> {
    this.#places = new PlaceList();
    this.#skipped = 0;
    this.#duplicates = 0;
    const seen = this.#flags.dedupe ? new Set<string>() : null;
    // A check has written the rejected rows.
    const isFirst = this.#checked === null;
    const rejects = await RejectFile.open(isFirst ? this.#flags.rejectFile : undefined);
    try {
      for await (const rows of this.#rows()) {
        await rejects.write(rows);
        for (const row of rows) {
          const recipient = this.#take(row, seen);
          if (recipient !== null) yield recipient;
        }
      }
    } finally {
      await rejects.close();
    }
    if (this.#places.length === 0) failUsage('There are no recipients.');
    const digest = this.#checked?.digest ?? null;
    if (digest !== null && digest !== this.#hash.digest('hex'))
      failUsage(`${this.#flags.file} was changed while it was read. Nothing was sent.`);
  }

  /** The recipient of a row, whose place is remembered; null when it is left out. */
  #take(row: ListRow, seen: Set<string> | null): Recipient | null {
    const { recipient } = row;
    if (recipient === null) {
      if (!this.#flags.skipInvalid) failUsage(`${this.#describe(row)} Nothing was sent.`);
      this.#skipped += 1;
      if (this.#skipped <= PROBLEMS_SHOWN_MAX) note(`Skipped: ${this.#describe(row)}`);
      return null;
    }
    if (seen !== null && recipient.address !== undefined) {
      if (seen.has(recipient.address)) {
        this.#duplicates += 1;
        return null;
      }
      seen.add(recipient.address);
    }
    this.#places.add(row);
    return recipient;
  }

  #describe(row: ListRow): string {
    const where = this.#opened?.placeOf(row, row.problem?.column) ?? '';
    return `${where}: ${row.problem === null ? '' : explainProblem(row.problem)}`;
  }

  /** Reads nothing more, and reports the omitted rows on standard error. */
  end(): void {
    this.#opened?.close();
    if (this.#skipped > 0) note(`Skipped ${counted(this.#skipped, 'invalid recipient')}.`);
    if (this.#duplicates > 0) note(`Skipped ${counted(this.#duplicates, 'duplicate recipient')}.`);
    for (const [variable, count] of this.#opened?.counts().missing ?? [])
      note(
        `"${variable}" has no value in ${counted(count, 'row')}. The template must have a default for it.`,
      );
  }

  /** A refusal in terms of the input: `line 19: $` of a request is a line of a file. */
  explain(error: unknown): unknown {
    return error instanceof InvalidRequestError
      ? this.explainProblems(error.errors, error.total)
      : error;
  }

  /** An error with the first problems of recipients. */
  explainProblems(
    problems: readonly Pick<ErrorItem, 'context' | 'message'>[],
    total: number,
  ): UserError {
    const lines = problems
      .slice(0, PROBLEMS_SHOWN_MAX)
      .map(({ message, context }) => this.#explainProblem(message, context));
    const more = total - lines.length;
    return new UserError(
      [...lines, ...(more > 0 ? [`And ${number(more)} more.`] : []), 'Nothing was sent.'].join(
        '\n',
      ),
    );
  }

  #explainProblem(message: string, context: string): string {
    const words = message.replaceAll(
      /\bline \d+\b/g,
      (place) => this.#placeAt(indexOfRecipient(place)) ?? place,
    );
    const [, rest = ''] = /\$\.?(.*)$/.exec(context) ?? [];
    const place = this.#placeAt(indexOfRecipient(context));
    // The first line is the request, which the flags make.
    if (place === null) return `${context.replace(/^line 1: /, '')}: ${words}`;
    return `${place}${rest === '' ? '' : `, ${rest}`}: ${words}`;
  }

  #placeAt(index: number | null): string | null {
    const place = index === null ? null : this.#places.at(index);
    return place === null ? null : (this.#opened?.placeOf(place) ?? null);
  }

  async *#rows(): AsyncGenerator<readonly ListRow[], void, undefined> {
    const { file } = this.#flags;
    const hash = createHash('sha256');
    this.#hash = hash;
    this.#opened =
      file === undefined
        ? openArguments(this.#addresses, this.#flags)
        : await openFile(file, this.#flags, (bytes) => hash.update(bytes));
    yield* this.#opened.rows();
  }
}
