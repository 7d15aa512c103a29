/**
 * Limits on requests at work, from their arrival to their answer, in number and in bytes. They are
 * counted for the server and for each owner (an account; a carrier). An owner above its limit gets
 * 429; a full server answers 503.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Tally } from '../../lib/tally.ts';
import { refuse, refuseForNow, RETRY_AFTER_SECONDS } from '../../shapes/refusal.ts';
import type { Owner } from './reading.ts';
import { onAnswerOver } from './unread.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The resources that this request holds; null if nothing is counted. */
    inFlight: InFlight | null;
  }
}

type Kind = 'bytes' | 'requests';

interface Bound {
  readonly max: number;
  /** Of these, for one owner. */
  readonly ownerMax: number;
}

interface InFlight {
  readonly owner: Owner;
  /** Whether its handler was asked, and whether its connection has ended or its answer has gone out. */
  isAtWork: boolean;
  isClosed: boolean;
  /** @throws Refusal when it would be too much, of all or of its owner. */
  add(kind: Kind, amount: number): void;
  release(): void;
}

const OWN_SHARE_TAKEN: Readonly<Record<Kind, string>> = {
  bytes:
    'Other requests of this account use all bytes that an account may have in progress. This request was not processed.',
  requests:
    'This account has the maximum number of requests in progress. This request was not processed.',
};

/** Bounds the requests in flight below a scope. Announced bytes do not count. One request is always taken, whatever its size. */
export function boundInFlight(
  scope: FastifyInstance,
  bounds: Partial<Readonly<Record<Kind, Bound>>>,
  ownerOf: (request: FastifyRequest) => Owner,
): void {
  const held = {
    bytes: new Held(bounds.bytes ?? UNBOUNDED),
    requests: new Held(bounds.requests ?? UNBOUNDED),
  };

  function open(owner: Owner): InFlight {
    const own = { bytes: 0, requests: 0 };
    return {
      owner,
      isAtWork: false,
      isClosed: false,
      add(kind, amount) {
        const full = held[kind].findFull(owner, amount, own[kind]);
        if (full === 'owner')
          throw refuse('tooManyRequests', OWN_SHARE_TAKEN[kind], {
            'retry-after': String(RETRY_AFTER_SECONDS),
          });
        if (full === 'all')
          throw refuseForNow('Too many requests are in progress. This request was not processed.');
        own[kind] += amount;
        held[kind].add(owner, amount);
      },
      release() {
        for (const kind of ['bytes', 'requests'] as const) {
          held[kind].add(owner, -own[kind]);
          own[kind] = 0;
        }
      },
    };
  }

  scope.addHook('onRequest', async (request, reply) => {
    const own = open(ownerOf(request));
    request.inFlight = own;
    onAnswerOver(request.raw, reply.raw, () => {
      own.isClosed = true;
      if (!own.isAtWork || reply.sent) own.release();
    });
    own.add('requests', 1);
  });
  // A request whose client is gone stays counted until its work is done.
  scope.addHook('preHandler', async ({ inFlight }) => {
    if (inFlight !== null) inFlight.isAtWork = true;
  });
  scope.addHook('onSend', async ({ inFlight }) => {
    if (inFlight?.isClosed === true) inFlight.release();
  });
}

const UNBOUNDED: Bound = { max: Infinity, ownerMax: Infinity };

/** The held amounts of one kind. */
class Held extends Tally<Owner> {
  readonly #bound: Bound;

  constructor(bound: Bound) {
    super();
    this.#bound = bound;
  }

  /** The owner without room for more, beside one request that holds `alone`; null with room, or if no other request holds anything. */
  findFull(owner: Owner, more: number, alone: number): 'owner' | 'all' | null {
    const own = this.of(owner);
    if (own + more > this.#bound.ownerMax && own > alone) return 'owner';
    return this.total + more > this.#bound.max && this.total > alone ? 'all' : null;
  }
}
