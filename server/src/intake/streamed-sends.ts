/** Streamed requests that are being read, by number: their bytes come from another thread. */
import type { OperationKind } from '../domain/operation.ts';
import { createEmailReader, type EmailOptions } from './email-request.ts';
import { MESSAGE_READER } from './send-request.ts';
import {
  StreamedSend,
  type StreamOptions,
  type StreamQuestion,
  type StreamStep,
} from './streamed-send.ts';

export type StreamedSends = {
  /** Begins a request; its number. */
  readonly openStream: (question: StreamQuestion) => Promise<number>;
  /** Reads its next parts. Resolves when there is room for more, or with the answer, which ends it. */
  readonly writeStream: (id: number, parts: readonly Uint8Array[]) => Promise<StreamStep>;
  /** All bytes have come. */
  readonly endStream: (id: number) => Promise<StreamStep>;
  /** The request broke off: nothing of it is left. */
  readonly abortStream: (id: number) => Promise<void>;
};

/** @param headBytesMax bytes of the first line, of messages and of e-mails */
export function createStreamedSends(
  emails: EmailOptions,
  headBytesMax: Readonly<Record<OperationKind, number>>,
  options: Omit<StreamOptions, 'headBytesMax'>,
): StreamedSends {
  const readers = { MESSAGES: MESSAGE_READER, EMAILS: createEmailReader(emails) };
  const open = new Map<number, StreamedSend>();
  let opened = 0;

  /** Does something with a request, which an answer or an error ends. */
  async function within(
    id: number,
    work: (send: StreamedSend) => Promise<StreamStep>,
  ): Promise<StreamStep> {
    const send = open.get(id);
    if (send === undefined) throw new Error(`No streamed request has the number ${id}.`);
    try {
      const step = await work(send);
      if (step.answer !== null) open.delete(id);
      return step;
    } catch (error) {
      open.delete(id);
      throw error;
    }
  }

  return {
    async openStream(question) {
      opened += 1;
      const { kind } = question;
      const limits = { ...options, headBytesMax: headBytesMax[kind] };
      open.set(opened, new StreamedSend(question, readers[kind], limits));
      return opened;
    },
    writeStream: (id, parts) => within(id, (send) => send.write(parts)),
    endStream: (id) => within(id, (send) => send.end()),
    async abortStream(id) {
      const send = open.get(id);
      open.delete(id);
      await send?.abort();
    },
  };
}
