/**
 * One send of `fanfare send`, with its progress.
 *
 * ```
 *  sending ──accepted──▶ watching (--watch, --strict) ──▶ done
 *     │ Ctrl-C: nothing is sent     │ Ctrl-C: the operation goes on
 * ```
 */
import {
  ConnectionError,
  RateLimitError,
  ServerError,
  type EmailOperation,
  type FanfareClient,
  type Operation,
  type SendAll,
  type SendAllRequest,
  type SendMessagesRequest,
} from '@fanfare/client';
import { EXIT, UserError, type Globals } from './globals.ts';
import { colours, note, number, print } from './output.ts';
import { CountView } from './progress.ts';
import type { Source } from './source.ts';
import { endIncomplete, type StrictFlags } from './strict.ts';
import { ProgressView, type WatchFlags } from './watch.ts';

type Calls = FanfareClient['messages'] | FanfareClient['emails'];

export interface SendingFlags extends WatchFlags, StrictFlags {
  readonly watch?: true;
}

export interface SendingOptions {
  readonly key: string;
  /** Recipients; null while they are unknown, as of a source that can be read once. */
  readonly total: number | null;
  /** How to try again a source that can be read once; null for others, which the same command sends again. */
  readonly resume: string | null;
}

/** Recipients from which on the progress is shown. */
const LONG_MIN = 10_000;

export async function runSending(
  calls: Calls,
  request: object,
  source: Source,
  { key, total, resume }: SendingOptions,
  flags: SendingFlags,
  { json }: Globals,
): Promise<void> {
  const view = json || (total !== null && total <= LONG_MIN) ? null : new CountView('sent', total);
  if (resume !== null && !json) note(colours.dim(resume));
  const interruption = new Interruption();
  const to = () => source.recipients();
  const sending = (calls as FanfareClient['messages']).sendAll(
    {
      ...request,
      to: total === null ? to() : to,
    } as unknown as SendAllRequest<SendMessagesRequest>,
    { key, signal: interruption.signal, onProgress: (count) => view?.draw(count) },
  );
  try {
    const { operationId, isReplayed } = await accept(sending, resume, interruption);
    view?.end(sending.recipients);
    if (isReplayed && !json)
      note(
        'This was accepted before, and is not sent again. To send it once more, add --key with a word of your own.',
      );
    const isWatched = flags.watch === true || flags.strict === true;
    const { recipients } = sending;
    if (!json)
      print(
        `${operationId}  ${number(recipients)} ${recipients === 1 ? 'recipient' : 'recipients'}`,
      );
    const last = isWatched
      ? await watchToTheEnd(sending, operationId, flags, interruption, json === true)
      : null;
    if (json)
      print(JSON.stringify({ key, operationId, recipients, isReplayed, stats: last?.stats }));
    if (flags.strict && last !== null) endIncomplete([last.stats]);
  } finally {
    interruption.end();
  }
}

async function accept(
  sending: SendAll<Operation>,
  resume: string | null,
  interruption: Interruption,
): ReturnType<SendAll<Operation>['accepted']> {
  const again = resume ?? 'The same command tries again, and sends nothing twice.';
  try {
    return await sending.accepted();
  } catch (error) {
    const state = sending.isWhole
      ? 'The server had all recipients, so the send may have been accepted.'
      : 'Nothing was sent.';
    if (interruption.signal.aborted)
      throw new UserError(`Interrupted. ${state} ${again}`, EXIT.interrupted);
    const isPassing =
      error instanceof ConnectionError ||
      error instanceof RateLimitError ||
      error instanceof ServerError;
    if (isPassing)
      note(`${error instanceof ConnectionError ? state : 'Nothing was sent.'} ${again}`);
    throw error;
  }
}

async function watchToTheEnd(
  sending: SendAll<Operation>,
  operationId: string,
  flags: SendingFlags,
  interruption: Interruption,
  isSilent: boolean,
): Promise<Operation | EmailOperation | null> {
  const view = isSilent ? null : new ProgressView();
  let last: Operation | null = null;
  const { signal } = interruption;
  try {
    for await (const operation of sending.watch({
      until: flags.until,
      quietMs: flags.quiet,
      signal,
    })) {
      last = operation;
      view?.update({ title: operationId, ...operation });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new UserError(
      `Interrupted. The operation goes on; "fanfare operations cancel ${operationId}" stops it.`,
      EXIT.interrupted,
    );
  } finally {
    view?.end();
  }
  return last;
}

/** Ctrl-C, as a signal. */
class Interruption {
  readonly #controller = new AbortController();
  readonly #stop = () => this.#controller.abort(new Error('Interrupted.'));

  constructor() {
    process.once('SIGINT', this.#stop);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives Ctrl-C its usual meaning back. */
  end(): void {
    process.off('SIGINT', this.#stop);
  }
}
