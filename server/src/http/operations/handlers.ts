/** Handlers of operations, for messages and e-mails. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, findError } from '../../domain/errors.ts';
import { describeUnreached } from '../../domain/routing.ts';
import { decodeTypeId, encodeTypeId, messageUuidRange, ordinalOf } from '../../domain/ids.ts';
import type {
  Operation,
  OperationKind,
  OperationStats,
  OperationStatus,
} from '../../domain/operation.ts';
import type { OperationErrorRow, Store } from '../../store/store.ts';
import { serializeRequest } from './reports.ts';
import { QueryReader, type ListQuery, type PagingQuery } from '../edge/query.ts';
import { infoUrlOf, refuse } from '../../shapes/refusal.ts';
import { sendErased } from '../edge/reply.ts';
import type { Streams } from '../edge/stream.ts';

interface OperationQuery extends ListQuery {
  readonly status?: OperationStatus;
  readonly tags?: string;
  readonly details?: boolean;
}

/** A request that cancels or erases a large operation is answered after this time; maintenance goes on. */
const TASK_MS_MAX = 2_000;

export function createOperationHandlers(
  { store, streams }: { readonly store: Store; readonly streams: Streams },
  kind: OperationKind,
) {
  const serialize = (operation: Operation): object =>
    kind === 'MESSAGES' ? serializeOperation(operation) : serializeEmailOperation(operation);

  async function find(request: FastifyRequest): Promise<Operation> {
    const uuid = operationUuidIn(request);
    const operation = await store.operations.fetchOperation(request.account.id, kind, uuid);
    if (operation === null)
      throw refuse('notFound', 'There is no such operation, or it is older than the retention.');
    return operation;
  }

  const drive = (accountId: number, id: string) =>
    store.operationTasks.driveTask(accountId, id, TASK_MS_MAX);

  async function cancel(accountId: number, id: string): Promise<void> {
    const outcome = await store.operations.cancelOperation(accountId, id);
    if (outcome === 'begun') await drive(accountId, id);
  }

  return {
    async list(request: FastifyRequest) {
      const query = request.query as OperationQuery;
      const reader = new QueryReader();
      const page = reader.readPage(query);
      const range = reader.readRange(query, page);
      const tags = reader.readTags(query.tags);
      reader.finish();
      const { id: accountId } = request.account;
      const filter = { ...range, kind, status: query.status ?? null, tags };
      const rows = await store.operations.listOperations(accountId, filter, page.limit);
      if (query.details !== true) return page.answer('operations', rows, serialize);
      const ids = page.rowsOf(rows).map(({ id }) => id);
      const requests = await store.reports.fetchRequests(accountId, ids);
      const answer = page.answer('operations', rows, (row) => {
        const found = requests.get(row.id);
        return found && { ...serialize(row), details: serializeRequest(found) };
      });
      // An operation that was dropped between the two statements is left out.
      return { ...answer, operations: answer.operations.filter((each) => each !== undefined) };
    },

    async fetch(request: FastifyRequest) {
      return serialize(await find(request));
    },

    async stream(request: FastifyRequest, reply: FastifyReply) {
      return streams.streamOperation(request, reply, await find(request), serialize);
    },

    /** Recipients without a message and messages that failed or were not delivered, in the order of `to`. */
    async errors(request: FastifyRequest) {
      const operation = await find(request);
      const reader = new QueryReader();
      const { first } = messageUuidRange(operation.id);
      const page = reader.readPage(request.query as PagingQuery, operation.id);
      if (page.start !== operation.id && page.start < first)
        reader.add('This page token belongs to another list.', '$.pageToken');
      reader.finish();
      const rows = await store.recipients.listOperationErrors(
        request.account.id,
        { id: operation.id, recipients: operation.stats.recipients },
        page.start,
        page.limit,
      );
      return page.answer('errors', rows, (row) => serializeError(row, kind, request.origin));
    },

    async pause(request: FastifyRequest) {
      const { id } = await find(request);
      await store.operations.setPaused(request.account.id, id, true);
      return serialize(await find(request));
    },

    async resume(request: FastifyRequest) {
      const { id } = await find(request);
      await store.operations.setPaused(request.account.id, id, false);
      return serialize(await find(request));
    },

    /** A large operation is shown while some of its messages are still to be canceled. */
    async cancel(request: FastifyRequest) {
      const { id } = await find(request);
      await cancel(request.account.id, id);
      return serialize(await find(request));
    },

    /** Counters stay, and the operation with them. */
    async erase(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await find(request);
      const { id: accountId } = request.account;
      await cancel(accountId, id);
      const outcome = await store.erasure.eraseOperation(accountId, id);
      const isOver = outcome === 'begun' && (await drive(accountId, id));
      return sendErased(reply, isOver ? 'erased' : outcome);
    },
  };
}

function operationUuidIn(request: FastifyRequest): string {
  const { operationId } = request.params as { operationId: string };
  const uuid = decodeTypeId('comms_operation', operationId);
  if (uuid === null)
    throw refuse('notFound', `"${operationId.slice(0, 60)}" is not the id of an operation.`);
  return uuid;
}

function serializeOperation({ id, ...rest }: Operation) {
  return { id: encodeTypeId('comms_operation', id), ...rest };
}

function serializeEmailOperation(operation: Operation) {
  return { ...serializeOperation(operation), stats: serializeEmailStats(operation.stats) };
}

/**
 * Counters of e-mails as in the hosted API: a delivered e-mail also counts as sent, an opened one also as delivered.
 * Inside Fanfare, each e-mail is in exactly one counter.
 */
function serializeEmailStats({
  total,
  recipients,
  attempts,
  scheduled,
  queued,
  ...by
}: OperationStats) {
  const { undelivered, failed, canceled, read: opened } = by;
  const delivered = by.delivered + opened;
  const sent = by.sent + delivered + undelivered;
  const whole = { total, recipients, attempts, scheduled, queued };
  return { ...whole, sent, delivered, opened, undelivered, failed, canceled };
}

function serializeError(row: OperationErrorRow, kind: OperationKind, origin: string) {
  const id = row.isMessage ? row.id : null;
  const detail =
    row.code === ERRORS.unaddressable.code && row.channels !== null
      ? describeUnreached(row.addresses, row.channels)
      : row.detail;
  return {
    code: row.code,
    message: findError(row.code)?.message ?? detail ?? `Error ${row.code}.`,
    ...(detail === null ? {} : { detail }),
    infoUrl: infoUrlOf(row.code, origin),
    context: `$.to[${ordinalOf(row.id)}]`,
    ...(kind === 'MESSAGES'
      ? { to: row.addresses, messageId: id && encodeTypeId('comms_message', id) }
      : {
          to: row.addresses.map(({ address, name }) =>
            name === undefined ? { address } : { address, name },
          ),
          emailId: id && encodeTypeId('comms_email', id),
        }),
  };
}
