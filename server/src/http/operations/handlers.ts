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
import { cutPage } from '../edge/paging.ts';
import { earlierOf, QueryReader, UUID_MAX } from '../edge/query.ts';
import { infoUrlOf, refuse } from '../../shapes/refusal.ts';
import { sendErased } from '../edge/reply.ts';
import type { Streams } from '../edge/stream.ts';

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

  return {
    async list(request: FastifyRequest) {
      const query = request.query as {
        startDate?: string;
        endDate?: string;
        status?: OperationStatus;
        tags?: string;
        details?: string;
        pageToken?: string;
        pageSize?: number;
      };
      const reader = new QueryReader();
      const page = reader.readPage(query, UUID_MAX);
      const dates = reader.readDates(query);
      const tags = reader.readTags(query.tags);
      reader.finish();
      const rows = await store.operations.listOperations(
        request.account.id,
        {
          kind,
          status: query.status ?? null,
          tags,
          after: dates.after,
          before: earlierOf(dates.before, page.start),
        },
        page.size + 1,
      );
      const cut = cutPage(rows, page.size, page.start, (row) => row.id);
      if (query.details !== 'true')
        return { operations: cut.rows.map(serialize), pagination: cut.pagination };
      const ids = cut.rows.map(({ id }) => id);
      const asked = await store.reports.fetchRequests(request.account.id, ids);
      const operations = cut.rows.flatMap((row) => {
        const each = asked.get(row.id);
        return each === undefined ? [] : [{ ...serialize(row), details: serializeRequest(each) }];
      });
      return { operations, pagination: cut.pagination };
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
      const page = reader.readPage(
        request.query as { pageToken?: string; pageSize?: number },
        operation.id,
      );
      if (page.start !== operation.id && page.start < first)
        reader.add('This page token is of another list.', '$.pageToken');
      reader.finish();
      const rows = await store.operations.listOperationErrors(
        request.account.id,
        operation.id,
        page.start,
        page.size + 1,
      );
      const cut = cutPage(rows, page.size, page.start, (row) => row.ordinal_id);
      return {
        errors: cut.rows.map((row) => serializeError(row, kind, request.origin)),
        pagination: cut.pagination,
      };
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

    async cancel(request: FastifyRequest) {
      const { id } = await find(request);
      await store.operations.cancelOperation(request.account.id, id);
      return serialize(await find(request));
    },

    /** Counters stay, and the operation with them. */
    async erase(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await find(request);
      return sendErased(reply, await store.erasure.eraseOperation(request.account.id, id));
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
  const id = row.message_id;
  const detail =
    row.code === ERRORS.unaddressable.code && row.channels !== null
      ? describeUnreached(row.addresses, row.channels)
      : row.detail;
  return {
    code: row.code,
    message: findError(row.code)?.message ?? detail ?? `Error ${row.code}.`,
    ...(detail === null ? {} : { detail }),
    infoUrl: infoUrlOf(row.code, origin),
    context: `$.to[${ordinalOf(row.ordinal_id)}]`,
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
