/** Answers of a refusal and of an erasure, and the origin of links in answers. */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  refuse,
  RETRY_AFTER_SECONDS,
  serializeRefusal,
  type Refusal,
} from '../../shapes/refusal.ts';

/** The answer to an erasure. What is being submitted cannot be erased yet; a large operation is erased in pieces. */
export function sendErased(
  reply: FastifyReply,
  outcome: 'erased' | 'busy' | 'begun',
): FastifyReply {
  if (outcome === 'busy')
    throw refuse(
      'conflict',
      'Messages are being submitted to a carrier, or are still to be canceled; repeat the request later.',
      {
        'retry-after': String(RETRY_AFTER_SECONDS),
      },
    );
  return reply.code(outcome === 'erased' ? 204 : 202).send();
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

export function sendRefusal(reply: FastifyReply, refusal: Refusal, origin: string): FastifyReply {
  return reply
    .code(refusal.status)
    .headers(refusal.headers)
    .type('application/json; charset=utf-8')
    .send(serializeRefusal(refusal, origin));
}
