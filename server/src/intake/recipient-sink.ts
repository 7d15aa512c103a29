/** What becomes of the recipients of a streamed request: they are written, or shown by a dry run. */
import type { Problem } from '../domain/errors.ts';
import type { IdempotencyClaim } from './submit.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { SendAnswer } from './send.ts';

export interface RecipientSink {
  /** Takes the next recipients. Resolves when there is room for more. */
  add(recipients: readonly PreparedRecipient[]): Promise<void>;
  /**
   * Takes the problems of lines. True if the answer has a line for each of them: the request then goes on. Otherwise the
   * request is refused at its end, and nothing more is added.
   */
  report(problems: readonly Problem[]): boolean;
  /** Lines of the answer that are ready; null without any. */
  takeOutput(): Uint8Array<ArrayBuffer> | null;
  /** Takes the last recipients; the answer to the request. Nothing may be added then. */
  finish(
    recipients: readonly PreparedRecipient[],
    claim: IdempotencyClaim | null,
  ): Promise<SendAnswer>;
  /** The request is refused, or broke off: nothing may be left of it. Idempotent. */
  abandon(): Promise<void>;
}
