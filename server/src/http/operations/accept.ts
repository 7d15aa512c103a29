/** Answers send requests of messages and e-mails: accepted, dry run, or refused. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { encodeTypeId } from '../../domain/ids.ts';
import type { OperationKind } from '../../domain/operation.ts';
import type { RequestThreads } from '../edge/request-threads.ts';
import { locationOf } from '../edge/serialize.ts';
import type { ApiMetrics } from '../../lib/metrics.ts';
import { DatabaseUnavailable } from '../../store/store.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';

export interface AcceptDeps {
  readonly metrics: ApiMetrics;
  readonly threads: Pick<RequestThreads, 'send'>;
}

const KEY_USED =
  'The Idempotency-Key was used for another request. Use a new key for a new request, or repeat the first one unchanged to get its answer again.';

/** The handler of a send. */
export function createAccept(deps: AcceptDeps, kind: OperationKind) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const question = {
      kind,
      accountId: request.account.id,
      body: ownBytes(request.body),
      idempotencyKey: readIdempotencyKey(request),
      origin: request.origin,
    };
    const stop = deps.metrics.acceptSeconds.startTimer();
    const result = await deps.threads.send(question, [question.body.buffer]);
    if (result.kind === 'refused') throw new Refusal(400, result.problems, { total: result.total });
    if (result.kind === 'conflict') throw refuse('conflict', KEY_USED);
    if (result.kind === 'unavailable') throw new DatabaseUnavailable(result.reason);
    if (result.kind === 'dry-run')
      return reply.type('application/json; charset=utf-8').send(Buffer.from(result.json));
    if (result.kind === 'accepted') {
      stop();
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

/** A copy of a body's bytes that can be moved to another thread. */
function ownBytes(body: unknown): Uint8Array<ArrayBuffer> {
  if (!(body instanceof Uint8Array)) return new Uint8Array();
  const { buffer, byteLength } = body;
  // Small buffers share their memory with others.
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(body);
}

const KEY = /^[\x21-\x7e]{1,255}$/;

function readIdempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw refuse('invalid', 'The Idempotency-Key must be 1 to 255 visible ASCII characters.');
}
