/** Handlers of sender pools, their members, and the operations that report the result of a change. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decodeTypeId, encodeTypeId } from '../../domain/ids.ts';
import type { SenderPool, SenderPoolOperation, Store } from '../../store/store.ts';
import { QueryReader, readListQuery, type ListQuery } from '../edge/query.ts';
import { refuse } from '../../shapes/refusal.ts';
import { listSenderPage, type SenderQuery } from './handlers.ts';

interface PoolQuery extends ListQuery {
  readonly operationId?: string;
  readonly status?: string;
}

interface PoolBody {
  readonly name?: string;
  readonly senders?: readonly { readonly senderId: string }[];
  readonly tags?: Readonly<Record<string, string>>;
}

const NAME_TAKEN =
  'A sender pool with this name exists already; choose another name, or use the existing pool.';

export function createSenderPoolHandlers({ store }: { readonly store: Store }) {
  const pools = store.senderPools;

  async function find(request: FastifyRequest): Promise<SenderPool> {
    const pool = await pools.fetchPool(request.account.id, poolUuidIn(request));
    if (pool === null) throw missing();
    return pool;
  }

  return {
    async list(request: FastifyRequest) {
      const query = request.query as PoolQuery;
      const reader = new QueryReader();
      const page = reader.readPage(query);
      const range = reader.readRange(query, page);
      const operationId = reader.readOperationUuid(query.operationId);
      reader.finish();
      const filter = { ...range, operationId };
      const rows = await pools.listPools(request.account.id, filter, page.limit);
      return page.answer('senderPools', rows, serializePool);
    },

    async fetch(request: FastifyRequest) {
      return serializePool(await find(request));
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      const body = (request.body ?? {}) as PoolBody;
      const operation = await pools.createPool(request.account.id, {
        name: body.name ?? null,
        tags: body.tags ?? {},
        senderIds: uuidsOf(body.senders ?? []),
      });
      if (operation === null) throw refuse('conflict', NAME_TAKEN);
      return acceptOperation(request, reply, operation);
    },

    async update(request: FastifyRequest, reply: FastifyReply) {
      const id = poolUuidIn(request);
      const { name, tags } = request.body as PoolBody;
      const result = await pools.updatePool(request.account.id, id, {
        ...(name === undefined ? {} : { name }),
        ...(tags === undefined ? {} : { tags }),
      });
      if (result === 'missing') throw missing();
      if (result === 'taken') throw refuse('conflict', NAME_TAKEN);
      return acceptResource(request, reply, id);
    },

    async remove(request: FastifyRequest, reply: FastifyReply) {
      const id = poolUuidIn(request);
      if (!(await pools.deletePool(request.account.id, id))) throw missing();
      return acceptResource(request, reply, id);
    },

    async members(request: FastifyRequest) {
      const pool = await find(request);
      const query = request.query as SenderQuery;
      return listSenderPage(store, request, query, { key: null, poolId: pool.id }, query);
    },

    async addMembers(request: FastifyRequest, reply: FastifyReply) {
      const ids = uuidsOf(request.body as { senderId: string }[]);
      const operation = await pools.addMembers(request.account.id, poolUuidIn(request), ids);
      if (operation === null) throw missing();
      return acceptOperation(request, reply, operation);
    },

    async removeMember(request: FastifyRequest, reply: FastifyReply) {
      const pool = await find(request);
      const { senderId } = request.params as { senderId: string };
      const id = decodeTypeId('comms_sender', senderId);
      if (id === null || !(await pools.removeMember(request.account.id, pool.id, id)))
        throw refuse('notFound', 'The sender is no member of this pool.');
      return acceptResource(request, reply, pool.id);
    },

    async listOperations(request: FastifyRequest) {
      const query = request.query as PoolQuery;
      const { page, range } = readListQuery(query, query);
      // Each is complete from the start.
      const none = query.status !== undefined && query.status !== 'COMPLETED';
      const rows = none
        ? []
        : await pools.listPoolOperations(request.account.id, range, page.limit);
      return page.answer('operations', rows, serializeOperation);
    },

    async fetchOperation(request: FastifyRequest) {
      const { operationId } = request.params as { operationId: string };
      const id = decodeTypeId('comms_operation', operationId);
      const row = id === null ? null : await pools.fetchPoolOperation(request.account.id, id);
      if (row === null) throw refuse('notFound', 'There is no such operation on sender pools.');
      return serializeOperation(row);
    },
  };
}

function missing() {
  return refuse('notFound', 'There is no such sender pool.');
}

function poolUuidIn(request: FastifyRequest): string {
  const { senderPoolId } = request.params as { senderPoolId: string };
  const id = decodeTypeId('comms_senderpool', senderPoolId);
  if (id === null) throw missing();
  return id;
}

function uuidsOf(references: readonly { readonly senderId: string }[]): string[] {
  return [
    ...new Set(references.flatMap((each) => decodeTypeId('comms_sender', each.senderId) ?? [])),
  ];
}

function acceptOperation(request: FastifyRequest, reply: FastifyReply, uuid: string) {
  const operationId = encodeTypeId('comms_operation', uuid);
  const operationLocation = `${request.origin}/v1/SenderPools/Operations/${operationId}`;
  return reply
    .code(202)
    .headers({
      operationId,
      'operation-id': operationId,
      'operation-location': operationLocation,
      location: operationLocation,
    })
    .send({ operationId, operationLocation });
}

function acceptResource(request: FastifyRequest, reply: FastifyReply, uuid: string) {
  const resourceId = encodeTypeId('comms_senderpool', uuid);
  const resourceLocation = `${request.origin}/v1/SenderPools/${resourceId}`;
  return reply
    .code(202)
    .header('location', resourceLocation)
    .send({ resourceId, resourceLocation });
}

function serializePool({ id, ...rest }: SenderPool) {
  return { id: encodeTypeId('comms_senderpool', id), ...rest };
}

function serializeOperation({ id, total, created, failed, createdAt }: SenderPoolOperation) {
  return {
    id: encodeTypeId('comms_operation', id),
    status: 'COMPLETED',
    stats: { total, queued: 0, created, failed },
    createdAt,
    updatedAt: createdAt,
  };
}
