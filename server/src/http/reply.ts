/**
 * What the API answers when it refuses: one envelope for every error, and the origin that links are built from.
 *
 * `errors[]` is the documented form; `code`, `message` and `status` beside it serve programs that read the first
 * error only. Nothing internal ever leaves in it.
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorName, type Problem, problemOf } from '../domain/errors.ts';

/** A request that is refused. Thrown by handlers and hooks, turned into an answer in one place. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly problems: readonly Problem[];
  /** Problems found; more than `problems` when only the first are told. */
  readonly total: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    problems: readonly Problem[],
    options: { readonly total?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(problems[0]?.message ?? 'Refused');
    this.status = status;
    this.problems = problems;
    this.total = options.total ?? problems.length;
    this.headers = options.headers ?? {};
  }
}

/** A refusal for one reason, named in the error table. */
export function refuse(
  name: ErrorName,
  message?: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(ERRORS[name].status ?? 500, [problemOf(name, message)], { headers });
}

/** Seconds after which an overloaded or stopping server may be asked again. */
export const RETRY_AFTER_SECONDS = 1;

export function refuseForNow(message?: string): Refusal {
  return refuse('unavailable', message, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}

/** The answer to an erasure; what is being handed over at this moment cannot be erased yet. */
export function sendErased(reply: FastifyReply, erased: boolean): FastifyReply {
  if (!erased) throw refuse('busy', undefined, { 'retry-after': String(RETRY_AFTER_SECONDS) });
  return reply.code(204).send();
}

export const newRequestId = () => `RQ${crypto.randomUUID().replaceAll('-', '')}`;

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i;

/** The origin the request came in by, or the configured one. */
export function originOf(request: FastifyRequest, publicUrl: string | null): string {
  if (publicUrl !== null) return publicUrl;
  return HOST.test(request.host)
    ? `${request.protocol}://${request.host}`
    : ownOrigin(request.protocol, request.socket);
}

/** Where a connection has come to. */
export function ownOrigin(
  scheme: string,
  { localAddress = '127.0.0.1', localPort = 80 }: Socket,
): string {
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
  return `${scheme}://${host}:${localPort}`;
}

/** Where an error is explained. */
export function infoUrlOf(code: number, origin: string): string {
  return `${origin}/docs/errors#${code}`;
}

/** The body of a refusal. A missing context is the text `"null"`, as the API's published answers have it. */
export function showRefusal(refusal: Refusal, origin: string): object {
  const [first] = refusal.problems;
  return {
    errors: refusal.problems.map(({ code, message, context }) => ({
      code,
      message,
      infoUrl: infoUrlOf(code, origin),
      context: context ?? 'null',
    })),
    total: refusal.total,
    code: first?.code,
    message: first?.message,
    status: refusal.status,
  };
}

export function sendRefusal(reply: FastifyReply, refusal: Refusal, origin: string): FastifyReply {
  return reply
    .code(refusal.status)
    .headers(refusal.headers)
    .type('application/json; charset=utf-8')
    .send(showRefusal(refusal, origin));
}
