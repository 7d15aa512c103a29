/**
 * The threads of a node as the main thread calls them. Each kind of work has one place:
 *
 * ```
 *  small send requests                           ─▶ intake thread
 *  large and streamed send requests, rendering   ─▶ second intake thread; the first one until it has started
 *  carriers' reports                             ─▶ dispatch thread, which knows the outcomes; intake without it
 *  state of carriers                             ─▶ dispatch thread
 * ```
 */
import type { Transferable } from 'node:worker_threads';
import type { DispatchThreadApi } from './dispatch-thread.ts';
import type { CarrierState } from './domain/carrier-state.ts';
import type { OperationContent } from './domain/content.ts';
import type { EventsThreadApi } from './events-thread.ts';
import type { OpenStream, RequestThreads } from './http/edge/request-threads.ts';
import type { Words } from './intake/render.ts';
import type { Reported } from './intake/reports.ts';
import type { SendAnswer, SendQuestion } from './intake/send.ts';
import type { StreamQuestion } from './intake/streamed-send.ts';
import type { IntakeThreadApi } from './intake-thread.ts';
import type { Thread } from './lib/thread.ts';
import type { ThreadOnDemand } from './lib/threads.ts';

/** Requests of more bytes are large. JSON is parsed at one go, and small requests must not wait for that. */
const SMALL_BYTES_MAX = 65_536;

export class NodeThreads implements RequestThreads {
  readonly #intake: Thread<IntakeThreadApi>;
  readonly #bulkIntake: ThreadOnDemand<IntakeThreadApi>;
  readonly #dispatch: Thread<DispatchThreadApi> | null;

  /** @param dispatch null on a node that does not send */
  constructor(
    intake: Thread<IntakeThreadApi>,
    bulkIntake: ThreadOnDemand<IntakeThreadApi>,
    dispatch: Thread<DispatchThreadApi> | null,
  ) {
    this.#intake = intake;
    this.#bulkIntake = bulkIntake;
    this.#dispatch = dispatch;
  }

  send(question: SendQuestion, transfer: readonly Transferable[]): Promise<SendAnswer> {
    const isLarge = question.body.byteLength > SMALL_BYTES_MAX;
    const thread = (isLarge && this.#bulkIntake.get()) || this.#intake;
    return thread.call('send', [question], transfer);
  }

  async openStream(question: StreamQuestion): Promise<OpenStream> {
    const thread = this.#bulkIntake.get() ?? this.#intake;
    const id = await thread.call('openStream', [question]);
    return {
      write: (parts) =>
        thread.call(
          'writeStream',
          [id, parts],
          parts.map((each) => each.buffer),
        ),
      end: () => thread.call('endStream', [id]),
      abort: () => thread.call('abortStream', [id]),
    };
  }

  render(accountId: number, words: Words): Promise<OperationContent> {
    const thread = this.#bulkIntake.get() ?? this.#intake;
    return thread.call('render', [accountId, words]);
  }

  report(carrier: string, reported: Reported): Promise<boolean> {
    return (
      this.#dispatch?.call('report', [carrier, reported]) ??
      this.#intake.call('report', [carrier, reported])
    );
  }

  async describeCarriers(): Promise<readonly CarrierState[]> {
    return (await this.#dispatch?.call('describeCarriers', [])) ?? [];
  }
}

/** Metrics of the threads that have some, in Prometheus' text format. */
export async function measureThreads(
  dispatch: Thread<DispatchThreadApi> | null,
  events: Thread<EventsThreadApi> | null,
): Promise<string> {
  return (await Promise.all([dispatch?.call('measure', []), events?.call('measure', [])])).join('');
}
