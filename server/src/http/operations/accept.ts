/** Answers send requests of messages and e-mails: accepted, dry run, or refused. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { encodeTypeId } from '../../domain/ids.ts';
import type { OperationKind } from '../../domain/operation.ts';
import type { SendAnswer } from '../../intake/send.ts';
import type { StreamQuestion, StreamStep } from '../../intake/streamed-send.ts';
import { AnswerLines } from '../edge/answer-lines.ts';
import { isNdjson, isStreamed } from '../edge/bodies.ts';
import type { RequestThreads } from '../edge/request-threads.ts';
import { locationOf } from '../edge/serialize.ts';
import { ownBytes, passBody } from '../edge/streamed-body.ts';
import type { ApiMetrics } from '../../lib/metrics.ts';
import { DatabaseUnavailable } from '../../store/store.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';

export interface AcceptDeps {
  readonly metrics: ApiMetrics;
  readonly threads: Pick<RequestThreads, 'send' | 'openStream'>;
}

const KEY_USED =
  'The Idempotency-Key was used for another request. Use a new key for a new request, or repeat the first one unchanged to get its answer again.';

/** The handler of a send. */
export function createAccept(deps: AcceptDeps, kind: OperationKind) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const question = {
      kind,
      accountId: request.account.id,
      idempotencyKey: readIdempotencyKey(request),
      origin: request.origin,
    };
    const stop = deps.metrics.acceptSeconds.startTimer();
    const result = isStreamed(request)
      ? await readStream(deps.threads, request, reply, question)
      : await readWhole(deps.threads, request, question);
    if (result === null) return reply;
    if (result.kind === 'refused') throw new Refusal(400, result.problems, { total: result.total });
    if (result.kind === 'conflict') throw refuse('conflict', KEY_USED);
    if (result.kind === 'unavailable') throw new DatabaseUnavailable(result.reason);
    if (result.kind === 'dry-run')
      return reply.type('application/json; charset=utf-8').send(Buffer.from(result.json));
    if (result.kind === 'accepted') {
      if (!isStreamed(request)) stop();
      deps.metrics.accepted.inc(result.recipients);
    } else reply.header('idempotent-replayed', 'true');
    const operationId = encodeTypeId('comms_operation', result.operationId);
    const operationLocation = locationOf(kind, operationId, request.origin);
    return reply
      .code(202)
      .headers({
        operationId,
        'operation-id': operationId,
        'operation-location': operationLocation,
        location: operationLocation,
      })
      .send({ operationId, operationLocation });
  };
}

type SendQuestionHead = Omit<StreamQuestion, 'wantsLines'>;

function readWhole(
  threads: AcceptDeps['threads'],
  request: FastifyRequest,
  question: SendQuestionHead,
): Promise<SendAnswer> {
  const body = ownBytes(request.body instanceof Buffer ? request.body : Buffer.alloc(0));
  return threads.send({ ...question, body }, [body.buffer]);
}

/**
 * Reads a request while it arrives. After an error, nothing of it is left. Null when the answer has been sent: lines of a dry
 * run are, while the request is read.
 */
async function readStream(
  threads: AcceptDeps['threads'],
  request: FastifyRequest,
  reply: FastifyReply,
  question: SendQuestionHead,
): Promise<SendAnswer | null> {
  const wantsLines = isNdjson(request.headers.accept ?? '');
  const stream = await threads.openStream({ ...question, wantsLines });
  const lines = new AnswerLines(request, reply);
  const pass = async ({ output, answer }: StreamStep) => {
    if (output !== null) await lines.write(output);
    return answer;
  };
  try {
    const early = await passBody(request, async (parts) => pass(await stream.write(parts)));
    const answer = early ?? (await pass(await stream.end()));
    if (answer === null) throw new Error('A streamed request has no answer.');
    if (!lines.haveBegun && !(wantsLines && answer.kind === 'dry-run')) return answer;
    await lines.end(answer);
    return null;
  } catch (error) {
    await stream.abort();
    if (!lines.haveBegun) throw error;
    // The client sees that the answer is not whole.
    reply.raw.destroy();
    return null;
  }
}

const KEY = /^[\x21-\x7e]{1,255}$/;

function readIdempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw refuse('invalid', 'The Idempotency-Key must be 1 to 255 visible ASCII characters.');
}
