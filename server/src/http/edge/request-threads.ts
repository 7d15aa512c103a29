/** The other threads of the node, as requests use them. */
import type { Transferable } from 'node:worker_threads';
import type { CarrierState } from '../../domain/carrier-state.ts';
import type { OperationContent } from '../../domain/content.ts';
import type { Words } from '../../intake/render.ts';
import type { Reported } from '../../intake/reports.ts';
import type { SendAnswer, SendQuestion } from '../../intake/send.ts';
import type { StreamQuestion, StreamStep } from '../../intake/streamed-send.ts';

/** A streamed request that a thread reads. */
export interface OpenStream {
  /** The next parts, which are moved to the thread. Resolves when there is room for more, or with the answer. */
  write(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<StreamStep>;
  /** All bytes have come. */
  end(): Promise<StreamStep>;
  /** The request broke off. */
  abort(): Promise<void>;
}

export interface RequestThreads {
  /** Reads, checks and writes a send request. The bytes of its body may be moved to the thread. */
  send(question: SendQuestion, transfer: readonly Transferable[]): Promise<SendAnswer>;
  /** Begins to read a streamed send request. */
  openStream(question: StreamQuestion): Promise<OpenStream>;
  /** Renders the words of one message. */
  render(accountId: number, words: Words): Promise<OperationContent>;
  /** Stores the report of a carrier; false when there is no room for it now. */
  report(carrier: string, reported: Reported): Promise<boolean>;
  /** The state of the carriers on this node; none where it does not send. */
  describeCarriers(): Promise<readonly CarrierState[]>;
}
