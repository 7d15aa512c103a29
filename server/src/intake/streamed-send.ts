/**
 * Reads one streamed request: NDJSON whose first line is the request without `to`, and whose further lines are recipients. It
 * needs as much memory for a million recipients as for ten thousand.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Problem } from '../domain/errors.ts';
import type { OperationKind } from '../domain/operation.ts';
import type { Work } from '../lib/fair-share.ts';
import { LineSplitter } from '../lib/lines.ts';
import { Refusal } from '../shapes/refusal.ts';
import { DatabaseUnavailable } from '../store/store.ts';
import { ChunkWriter, type CheckedHead } from './chunk-writer.ts';
import { readTogether } from './group-reads.ts';
import { parseJson } from './json.ts';
import { lineOf, PLACES_IN_LINES } from './places.ts';
import { openSend, type OpenSend } from './prepare.ts';
import { problem, ProblemList } from './problems.ts';
import { askForSenders, templateOf } from './questions.ts';
import type { RecipientSink } from './recipient-sink.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { SendAnswer } from './send.ts';
import type { SendReader } from './send-request.ts';
import { StreamedDryRun } from './streamed-dry-run.ts';
import type { SubmitterOptions } from './submit.ts';

export interface StreamQuestion {
  readonly kind: OperationKind;
  readonly accountId: number;
  readonly idempotencyKey: string | null;
  /** The origin that links in the answer begin with. */
  readonly origin: string;
  /** Whether a dry run has a line for each recipient. */
  readonly wantsLines: boolean;
}

/** What the reading of some bytes has come to. */
export interface StreamStep {
  /** Further lines of the answer to a dry run. */
  readonly output: Uint8Array<ArrayBuffer> | null;
  /** The answer, which is final; null while there is room for more bytes. */
  readonly answer: SendAnswer | null;
}

export interface StreamOptions extends SubmitterOptions {
  readonly recipientsMax: number;
  /** Bytes of the first line: as many as of a whole request. */
  readonly headBytesMax: number;
}

/** Recipients that are passed on together. */
const GROUP_SIZE = 500;
/** Bytes of one recipient, and values in it. */
const LINE_BYTES_MAX = 262_144;
const LINE_VALUES_MAX = 10_000;

export class StreamedSend {
  readonly #question: StreamQuestion;
  readonly #reader: SendReader;
  readonly #options: StreamOptions;
  readonly #lines: LineSplitter;
  /** Of all bytes, where there is an idempotency key. */
  readonly #hash: Hash | null;
  readonly #problems = new ProblemList((found) => this.#report(found));
  /** What the first line has opened. */
  #send: OpenSend | null = null;
  #sink: RecipientSink | null = null;
  /** Whether the request is refused at its end. */
  #isRefused = false;
  /** Whether the key was used before: then only the digest is of interest. */
  #isRepeated = false;
  /** The ordinal of the next line. */
  #next = 0;
  /** Empty lines since the last recipient. At the end, they are ignored. */
  #blanks = 0;
  /** Recipients that the sink has not got yet. */
  #group: PreparedRecipient[] = [];

  constructor(question: StreamQuestion, reader: SendReader, options: StreamOptions) {
    this.#question = question;
    this.#reader = reader;
    this.#options = options;
    this.#lines = new LineSplitter(Math.max(options.headBytesMax, LINE_BYTES_MAX));
    this.#hash = question.idempotencyKey === null ? null : createHash('sha256');
  }

  /** Reads the next parts. Resolves when there is room for more, or with the answer. */
  write(parts: readonly Uint8Array[]): Promise<StreamStep> {
    return this.#answering(async () => {
      for (const part of parts) {
        this.#hash?.update(part);
        await this.#take(this.#lines.push(part));
      }
      // The answer follows the order of the request.
      if (this.#question.wantsLines) await this.#passOn();
      if (this.#lines.isOver) throw this.#tooLong();
      return null;
    });
  }

  /** Ends the request. */
  end(): Promise<StreamStep> {
    return this.#answering(async () => {
      const last = this.#lines.finish();
      if (last !== null) await this.#take([last]);
      return this.#finish();
    });
  }

  /** The request broke off. */
  async abort(): Promise<void> {
    await this.#sink?.abandon();
  }

  /** Rejects for bugs only; other errors are answers. After any answer but an acceptance, nothing of the request is left. */
  async #answering(work: () => Promise<SendAnswer | null>): Promise<StreamStep> {
    const answer = await work().catch(readError);
    const output = this.#sink?.takeOutput() ?? null;
    if (answer instanceof Error || (answer !== null && answer.kind !== 'accepted'))
      await this.#sink?.abandon();
    if (answer instanceof Error) throw answer;
    return { output, answer };
  }

  #report(problems: readonly Problem[]): void {
    if (this.#sink?.report(problems.map(inSomeLine)) !== true) this.#isRefused = true;
  }

  async #take(lines: readonly Uint8Array[]): Promise<void> {
    let at = 0;
    if (this.#send === null && !this.#isRepeated && lines[0] !== undefined) {
      await this.#open(lines[0]);
      at = 1;
    }
    while (at < lines.length && this.#send !== null) {
      at = await this.#options.shares.run(
        this.#question.accountId,
        this.#read(lines, at, this.#send),
      );
      if (this.#group.length === GROUP_SIZE) await this.#passOn();
    }
  }

  async #passOn(): Promise<void> {
    const chunk = this.#group;
    this.#group = [];
    if (chunk.length > 0) await this.#sink?.add(chunk);
  }

  /** Reads the first line, and what it names in the database. */
  async #open(line: Uint8Array): Promise<void> {
    const { accountId, idempotencyKey: key } = this.#question;
    const { store, shares, headBytesMax } = this.#options;
    if (line.length > headBytesMax) throw this.#tooLong();
    if (key !== null) {
      // The digest is still unknown: any earlier use counts.
      const claim = { accountId, key, fingerprint: Buffer.alloc(0) };
      const [earlier = null] = await store.operations.findIdempotencyKeys([claim]);
      this.#isRepeated = earlier !== null;
      if (this.#isRepeated) return;
    }
    const head = this.#reader.readHead(parseJson(line, Infinity, 'The first line'));
    const question = {
      accountId,
      senders: askForSenders(head),
      templateId: templateOf(head),
      addresses: [],
      claim: null,
    };
    const [answer] = await shares.within(accountId, () => readTogether(store, [question]));
    if (answer === undefined) return;
    const { choice, template } = answer;
    const now = this.#options.now();
    const checks = { ...this.#options, choice, template, now, ignoresSuppressions: false };
    const send = openSend(head, PLACES_IN_LINES, checks, this.#problems);
    this.#send = send;
    if (send.facts !== null)
      this.#sink = this.#openSink({
        accountId,
        head,
        choice,
        facts: send.facts,
        dueAt: send.dueAt,
        now,
      });
  }

  #openSink(head: CheckedHead): RecipientSink {
    return head.head.dryRun === true
      ? new StreamedDryRun(head, this.#options, this.#question)
      : new ChunkWriter(head, this.#options);
  }

  /** Reads lines until a group is full; the result is the place of the next line. */
  *#read(lines: readonly Uint8Array[], from: number, send: OpenSend): Work<number> {
    for (let at = from; at < lines.length; at += 1) {
      yield;
      const prepared = this.#readLine(lines[at] as Uint8Array, this.#next, send);
      this.#next += 1;
      if (prepared === null || this.#isRefused) continue;
      this.#group.push(prepared);
      if (this.#group.length === GROUP_SIZE) return at + 1;
    }
    return lines.length;
  }

  /** The recipient of a line; null if it has none. @throws Refusal for more recipients than there may be */
  #readLine(line: Uint8Array, ordinal: number, send: OpenSend): PreparedRecipient | null {
    const place = PLACES_IN_LINES.name(ordinal);
    if (isBlank(line)) {
      this.#blanks += 1;
      return null;
    }
    if (this.#blanks > 0)
      this.#problems.add([
        problem(
          'malformedJson',
          'The line is empty. Each line after the first is a recipient.',
          PLACES_IN_LINES.name(ordinal - this.#blanks),
        ),
      ]);
    this.#blanks = 0;
    const { recipientsMax } = this.#options;
    if (ordinal >= recipientsMax)
      throw new Refusal(400, [
        problem('recipients', `At most ${recipientsMax} recipients; split the list.`, place),
      ]);
    if (line.length > LINE_BYTES_MAX) {
      this.#problems.add(this.#tooLong().problems);
      return null;
    }
    try {
      const value = parseJson(line, LINE_VALUES_MAX, 'The line');
      const recipient = this.#reader.readRecipient(value, PLACES_IN_LINES.path(ordinal));
      if (!('length' in recipient)) return send.prepare(recipient, ordinal);
      this.#problems.add(recipient);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#problems.add(error.problems.map((each) => inLine(each, place)));
    }
    return null;
  }

  #tooLong(): Refusal {
    const isFirst = this.#send === null && !this.#isRepeated;
    const bytesMax = isFirst ? this.#options.headBytesMax : LINE_BYTES_MAX;
    const message = `The line is longer than ${bytesMax} bytes. Each recipient is one line.`;
    return new Refusal(400, [
      problem('invalid', message, isFirst ? 'line 1' : `line ${lineOf(this.#next)}`),
    ]);
  }

  async #finish(): Promise<SendAnswer> {
    const { accountId, idempotencyKey: key } = this.#question;
    const fingerprint = this.#hash?.digest();
    const claim = key === null || fingerprint === undefined ? null : { key, fingerprint };
    if (this.#isRepeated && claim !== null) {
      const claims = [{ accountId, ...claim }];
      const [earlier] = await this.#options.store.operations.findIdempotencyKeys(claims);
      // It was forgotten while the request was received.
      if (!earlier) throw new DatabaseUnavailable('The Idempotency-Key has just expired.');
      return earlier;
    }
    if (this.#isRefused) return refused(this.#problems.first, this.#problems.total);
    if (this.#sink === null || this.#next === this.#blanks)
      return refused([
        problem(
          'recipients',
          this.#send === null
            ? 'The body is empty. The first line is the request without "to", each further line a recipient.'
            : 'There is no recipient. Each line after the first is one.',
          'line 2',
        ),
      ]);
    const answer = await this.#sink.finish(this.#group, claim);
    return answer.kind === 'refused' ? refused(answer.problems, answer.total) : answer;
  }
}

const PLACE = /^line \d/;

const refused = (problems: readonly Problem[], total = problems.length): SendAnswer => ({
  kind: 'refused',
  problems: problems.map(inSomeLine),
  total,
});

/** The answer that an error is, or the error of a bug. */
function readError(error: Error): SendAnswer | Error {
  if (error instanceof Refusal) return refused(error.problems, error.total);
  if (error instanceof DatabaseUnavailable) return { kind: 'unavailable', reason: error.message };
  return error;
}

/** A problem of the first line has its JSON path alone. */
const inSomeLine = (each: Problem): Problem =>
  PLACE.test(each.context ?? '') ? each : inLine(each, 'line 1');

const inLine = ({ context, ...rest }: Problem, place: string): Problem => ({
  ...rest,
  context: context === null ? place : `${place}: ${context}`,
});

const [SPACE, TAB, CR] = [0x20, 0x09, 0x0d];

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === SPACE || byte === TAB || byte === CR);
}
