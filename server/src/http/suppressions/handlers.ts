/** Handlers of the suppression list, an extension. Addresses are only in bodies, never in URLs. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressKey, findEmailAddressProblem } from '../../domain/email-address.ts';
import { ERRORS } from '../../domain/errors.ts';
import { decodeTypeId, encodeTypeId } from '../../domain/ids.ts';
import type { Places } from '../../lib/fair-share.ts';
import type { Store, SuppressionEntry, SuppressionScope } from '../../store/store.ts';
import {
  readListQuery,
  UUID_MAX,
  UUID_MIN,
  type DateQuery,
  type PagingQuery,
} from '../edge/query.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';

interface SuppressionSearch extends DateQuery {
  readonly address?: string;
}

interface SuppressionBody {
  readonly senderId?: string;
  readonly senderPoolId?: string;
  readonly reason?: string;
}

/** Entries read at a time while exporting. */
const EXPORT_PAGE = 1_000;
/** Maximum number of entries read for one address: one for all senders, and one for each sender and pool. */
const ENTRIES_MAX = 10_000;

export function createSuppressionHandlers({
  store,
  exports,
}: {
  readonly store: Store;
  /** For the pages of exports. */
  readonly exports: Places;
}) {
  const { suppressions } = store;

  async function readScope(accountId: number, body: SuppressionBody): Promise<SuppressionScope> {
    const { senderId, senderPoolId } = body;
    if (senderId !== undefined && senderPoolId !== undefined)
      throw refuseScope('Give senderId or senderPoolId, not both.', '$.senderPoolId');
    const sender = senderId === undefined ? null : decodeTypeId('comms_sender', senderId);
    if (sender !== null && (await store.senders.fetchSender(accountId, sender)) === null)
      throw refuseScope('There is no such sender.', '$.senderId');
    const pool = senderPoolId === undefined ? null : decodeTypeId('comms_senderpool', senderPoolId);
    if (pool !== null && (await store.senderPools.fetchPool(accountId, pool)) === null)
      throw refuseScope('There is no such sender pool.', '$.senderPoolId');
    return { senderId: sender, poolId: pool };
  }

  async function listPage(request: FastifyRequest, query: DateQuery, address: string | null) {
    const { page, range } = readListQuery(query, request.query as PagingQuery);
    const rows = await suppressions.listSuppressions(
      request.account.id,
      { ...range, address },
      page.limit,
    );
    return page.answer('suppressions', rows, serializeSuppression);
  }

  async function* hashAll(accountId: number): AsyncGenerator<string> {
    for (let before = UUID_MAX; ;) {
      const range = { after: UUID_MIN, before, address: null };
      const rows = await exports.within(accountId, () =>
        suppressions.listSuppressions(accountId, range, EXPORT_PAGE),
      );
      yield rows
        .map(({ address }) => `${createHash('sha256').update(address).digest('hex')}\n`)
        .join('');
      const last = rows.at(-1);
      if (last === undefined || rows.length < EXPORT_PAGE) return;
      before = last.id;
    }
  }

  return {
    async list(request: FastifyRequest) {
      return listPage(request, request.query as DateQuery, null);
    },

    async search(request: FastifyRequest) {
      const body = request.body as SuppressionSearch;
      return listPage(request, body, body.address === undefined ? null : addressKey(body.address));
    },

    /** 201 with the new entry, 200 with the one that was there. */
    async add(request: FastifyRequest, reply: FastifyReply) {
      const body = request.body as SuppressionBody & { address: string };
      const { account } = request;
      const scope = await readScope(account.id, body);
      const reason = body.reason ?? null;
      const address = readAddress(body.address, '$.address');
      const [made] = await suppressions.addSuppressions(account.id, [address], scope, reason);
      if (made !== undefined) return reply.code(201).send(serializeSuppression(made));
      const all = { after: UUID_MIN, before: UUID_MAX, address };
      const known = (await suppressions.listSuppressions(account.id, all, ENTRIES_MAX)).find(
        (each) => each.senderId === scope.senderId && each.poolId === scope.poolId,
      );
      if (known === undefined)
        throw refuse('notFound', 'The entry was removed at the same moment.');
      return serializeSuppression(known);
    },

    async importAll(request: FastifyRequest) {
      const body = request.body as SuppressionBody & { addresses: string[] };
      const scope = await readScope(request.account.id, body);
      const addresses = [
        ...new Set(body.addresses.map((each, i) => readAddress(each, `$.addresses[${i}]`))),
      ];
      const made = await suppressions.addSuppressions(
        request.account.id,
        addresses,
        scope,
        body.reason ?? null,
      );
      return { total: body.addresses.length, created: made.length };
    },

    async remove(request: FastifyRequest, reply: FastifyReply) {
      const { suppressionId } = request.params as { suppressionId: string };
      const id = decodeTypeId('comms_suppression', suppressionId);
      const removed = id !== null && (await suppressions.removeSuppression(request.account.id, id));
      if (removed === 'stopped') throw refuse('stoppedByPerson');
      if (!removed) throw refuse('notFound', 'There is no such entry.');
      return reply.code(204).send();
    },

    /** SHA-256 of each address in hex, a line each: to compare lists without showing them. */
    async exportHashes(request: FastifyRequest, reply: FastifyReply) {
      return reply
        .type('text/plain; charset=utf-8')
        .send(Readable.from(hashAll(request.account.id), { objectMode: false }));
    },
  };
}

/** The key of an address in the list. */
function readAddress(address: string, context: string): string {
  const problem = address.includes('@') ? findEmailAddressProblem(address) : null;
  if (problem === null) return addressKey(address);
  throw new Refusal(400, [{ code: ERRORS.invalid.code, message: problem, context }]);
}

function refuseScope(message: string, context: string): Refusal {
  return new Refusal(400, [{ code: ERRORS.sender.code, message, context }]);
}

function serializeSuppression({
  id,
  address,
  senderId,
  poolId,
  reason,
  createdAt,
}: SuppressionEntry) {
  return {
    id: encodeTypeId('comms_suppression', id),
    address,
    senderId: senderId === null ? null : encodeTypeId('comms_sender', senderId),
    senderPoolId: poolId === null ? null : encodeTypeId('comms_senderpool', poolId),
    reason,
    createdAt,
  };
}
