/** An answer as NDJSON that begins while its request is still being read. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SendAnswer } from '../../intake/send.ts';
import { refuseForNow, Refusal, serializeRefusal } from '../../shapes/refusal.ts';
import { discardRest } from './bodies.ts';

export class AnswerLines {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #lines: PassThrough | null = null;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  /** Whether the status was sent, so that an error can only be a line. */
  get haveBegun(): boolean {
    return this.#lines !== null;
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    const lines = this.#begin();
    if (lines.destroyed || lines.write(bytes)) return;
    // A client that is gone reads nothing more.
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([
      once(lines, 'drain', { signal }),
      once(this.#reply.raw, 'close', { signal }),
    ]);
    over.abort();
  }

  /** Ends with the summary of a dry run, or with a line that has the errors of a refusal. */
  async end(answer: SendAnswer): Promise<void> {
    const lines = this.#begin();
    if (answer.kind === 'dry-run') lines.end(answer.json);
    else {
      const refusal =
        answer.kind === 'refused'
          ? new Refusal(400, answer.problems, { total: answer.total })
          : refuseForNow();
      lines.end(`${JSON.stringify(serializeRefusal(refusal, this.#request.origin))}\n`);
    }
    await discardRest(this.#request);
  }

  #begin(): PassThrough {
    if (this.#lines === null) {
      this.#lines = new PassThrough();
      void this.#reply.type('application/x-ndjson').send(this.#lines);
    }
    return this.#lines;
  }
}
