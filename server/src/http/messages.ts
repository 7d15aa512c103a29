/** Messages over HTTP: sent, listed, searched, read, found by a carrier's id, canceled. */
import type { Transferable } from 'node:worker_threads';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  chooseContent,
  parseContent,
  renderContent,
  type OperationContent,
} from '../domain/content.ts';
import { findError, problemOf } from '../domain/errors.ts';
import {
  attemptSid,
  contentSid,
  decodeTypeId,
  encodeTypeId,
  operationUuidOf,
  ordinalOf,
  parseAttemptSid,
} from '../domain/ids.ts';
import type { Channel, Content, MessageStatus } from '../domain/message.ts';
import type { Candidate } from '../domain/routing.ts';
import type { DryRun } from '../intake/dry-run.ts';
import type { ApiMetrics } from '../lib/metrics.ts';
import {
  DatabaseUnavailable,
  type Attempt,
  type Message,
  type MessageFilter,
  type MessageSummary,
  type Store,
} from '../store/store.ts';
import { showInbound, showWholeInbound } from './inbound.ts';
import { cutPage } from './paging.ts';
import { earlierOf, laterOf, QueryReader, UUID_MAX } from './query.ts';
import { infoUrlOf, Refusal, refuse } from './reply.ts';
import type { SendAnswer, SendQuestion } from './send.ts';

export interface MessageHandlerDeps {
  readonly store: Store;
  readonly metrics: ApiMetrics;
  readonly send: (question: SendQuestion, transfer: readonly Transferable[]) => Promise<SendAnswer>;
}

interface MessageQuery {
  readonly operationId?: string;
  /** The name that the API's guide uses in one place. */
  readonly operation_id?: string;
  readonly sessionId?: string;
  readonly profile?: string;
  readonly startDate?: string;
  readonly endDate?: string;
  readonly channel?: Channel;
  readonly status?: MessageStatus | 'GROUP' | 'INBOUND';
  readonly tags?: string;
}

const NO_MESSAGE = 'There is no such message, or it is older than the retention.';

export function createMessageHandlers(deps: MessageHandlerDeps) {
  const { store, metrics } = deps;

  async function find(request: FastifyRequest): Promise<Message> {
    const message = await store.messages.fetchMessage(request.account.id, messageUuidIn(request));
    if (message === null) throw refuse('notFound', NO_MESSAGE);
    return message;
  }

  /** What was sent from here; nothing of it has a session, a profile or a group. */
  async function listSent(
    accountId: number,
    { sessionId, profile, status }: MessageQuery,
    filter: Omit<MessageFilter, 'status'>,
    limit: number,
  ): Promise<MessageSummary[]> {
    if (sessionId !== undefined || profile !== undefined) return [];
    if (status === 'GROUP' || status === 'INBOUND') return [];
    return store.messages.listMessages(accountId, { ...filter, status: status ?? null }, limit);
  }

  async function listPage(
    request: FastifyRequest,
    query: MessageQuery,
    address: string | null,
    paging: { readonly pageToken?: string; readonly pageSize?: number },
  ) {
    const reader = new QueryReader();
    const page = reader.readPage(paging, UUID_MAX);
    const dates = reader.readDates(query);
    const operation = reader.readOperationId(query.operationId ?? query.operation_id);
    const tags = reader.readTags(query.tags);
    reader.finish();
    const filter = {
      after: laterOf(dates.after, operation?.after ?? dates.after),
      before: earlierOf(earlierOf(dates.before, operation?.before ?? dates.before), page.start),
      channel: query.channel ?? null,
      address,
    };
    const [sent, received] = await Promise.all([
      listSent(request.account.id, query, { ...filter, tags }, page.size + 1),
      // What people send is of no operation and has no tags.
      isOfInbound(query) && operation === null && tags === null
        ? store.inbound.listInbound(request.account.id, filter, page.size + 1)
        : [],
    ]);
    const rows = [...sent, ...received].toSorted((a, b) => (a.id < b.id ? 1 : -1));
    const cut = cutPage(rows, page.size, page.start, (row) => row.id);
    return {
      messages: cut.rows.map((row) =>
        'from' in row ? showInbound(row, request.origin) : showSummary(row, request.origin),
      ),
      pagination: cut.pagination,
    };
  }

  return {
    async send(request: FastifyRequest, reply: FastifyReply) {
      const question = {
        accountId: request.account.id,
        body: ownBytes(request.body),
        idempotencyKey: readIdempotencyKey(request),
      };
      const stop = metrics.acceptSeconds.startTimer();
      const result = await deps.send(question, [question.body.buffer]);
      if (result.kind === 'refused')
        throw new Refusal(400, result.problems, { total: result.total });
      if (result.kind === 'conflict') throw refuse('conflict');
      if (result.kind === 'unavailable') throw new DatabaseUnavailable(result.reason);
      if (result.kind === 'dry-run') return showDryRun(result.dryRun, request.origin);
      if (result.kind === 'accepted') {
        stop();
        metrics.accepted.inc(result.recipients);
      } else reply.header('idempotent-replayed', 'true');
      const operationId = encodeTypeId('comms_operation', result.operationId);
      const operationLocation = `${request.origin}/v1/Messages/Operations/${operationId}`;
      return reply
        .code(202)
        .headers({
          operationId,
          'operation-id': operationId,
          'operation-location': operationLocation,
          location: operationLocation,
        })
        .send({ operationId, operationLocation });
    },

    async list(request: FastifyRequest) {
      const query = request.query as MessageQuery & { pageToken?: string; pageSize?: number };
      return listPage(request, query, null, query);
    },

    async search(request: FastifyRequest) {
      const body = request.body as MessageQuery & { address?: string };
      // An address stays out of URLs, hence the body.
      return listPage(
        request,
        body,
        body.address ?? null,
        request.query as { pageToken?: string; pageSize?: number },
      );
    },

    async fetch(request: FastifyRequest) {
      const uuid = messageUuidIn(request);
      const message = await store.messages.fetchMessage(request.account.id, uuid);
      if (message !== null) return showMessage(message, request.origin);
      const inbound = await store.inbound.fetchInbound(request.account.id, uuid);
      if (inbound !== null) return showWholeInbound(inbound, request.origin);
      throw refuse('notFound', NO_MESSAGE);
    },

    async receipts(request: FastifyRequest) {
      const message = await find(request);
      // One for each attempt, of which there are at most 15: always one page.
      return {
        receipts: message.attempts.map((attempt) => showReceipt(message, attempt, request.origin)),
        pagination: { next: null, self: null },
      };
    },

    async seek(request: FastifyRequest, reply: FastifyReply) {
      const { identifier } = request.params as { identifier: string };
      const id = parseAttemptSid(identifier);
      // An id of another system has the form, but names nothing here.
      if (id === null && !/^(?:SM|MM)[0-9a-f]{32}$/i.test(identifier))
        throw new Refusal(400, [
          {
            ...problemOf(
              'invalid',
              `"${identifier.slice(0, 60)}" is not the id of an attempt: SM or MM and 32 hex digits.`,
            ),
            context: '$.identifier',
          },
        ]);
      const message = id && (await store.messages.fetchMessage(request.account.id, id.messageUuid));
      if (!message?.attempts.some((each) => each.number === id?.attempt))
        throw refuse('notFound', 'No message has an attempt with this id.');
      const location = `${request.origin}/v1/Messages/${encodeTypeId('comms_message', message.id)}`;
      return reply.code(301).header('location', location).send();
    },

    async cancel(request: FastifyRequest) {
      const message = await find(request);
      await store.operations.cancelMessage(
        request.account.id,
        message.operationId,
        ordinalOf(message.id),
      );
      return showMessage(await find(request), request.origin);
    },
  };
}

/** The bytes of a body in memory of their own, which may be moved to another thread. */
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

function showDryRun({ unaddressable, ...rest }: DryRun, origin: string) {
  return {
    dryRun: true,
    ...rest,
    unaddressable: unaddressable.map((each) => ({
      ...each,
      infoUrl: infoUrlOf(each.code, origin),
    })),
  };
}

function messageUuidIn(request: FastifyRequest): string {
  const { messageId } = request.params as { messageId: string };
  const uuid = decodeTypeId('comms_message', messageId);
  if (uuid === null || operationUuidOf(uuid) === uuid)
    throw refuse('notFound', `"${messageId.slice(0, 60)}" is not the id of a message.`);
  return uuid;
}

function showFrom({ sender }: Candidate) {
  const { address, channel, senderId, senderPoolId } = sender;
  return {
    address,
    channel,
    ...(senderId === undefined ? {} : { senderId: encodeTypeId('comms_sender', senderId) }),
    ...(senderPoolId === undefined
      ? {}
      : { senderPoolId: encodeTypeId('comms_senderpool', senderPoolId) }),
  };
}

function showSummary(message: MessageSummary, origin: string) {
  const operationId = encodeTypeId('comms_operation', message.operationId);
  return {
    id: encodeTypeId('comms_message', message.id),
    from: showFrom(message.candidate),
    to: [message.connected ? { addresses: message.addresses } : message.addresses[0]],
    status: message.status,
    related: [
      {
        name: 'OPERATION',
        id: operationId,
        uri: `${origin}/v1/Messages/Operations/${operationId}`,
      },
    ],
    tags: message.tags,
    scheduledFor: message.scheduledFor,
    createdAt: message.createdAt,
    updatedAt: message.updatedAt,
    deletedAt: null,
  };
}

/** Whether a list may have messages that people sent. */
function isOfInbound({ sessionId, profile, status }: MessageQuery): boolean {
  return (
    sessionId === undefined &&
    profile === undefined &&
    (status === undefined || status === 'INBOUND')
  );
}

function showMessage(message: Message, origin: string) {
  const ended = message.status === 'FAILED' || message.status === 'UNDELIVERED';
  const error = ended ? showError(message.errorCode, null, origin) : {};
  return {
    ...showSummary(message, origin),
    content: showContent(renderFor(message), message.candidate.sender.channel),
    attempts: message.attempts.map((attempt) => showAttempt(message, attempt, origin)),
    ...error,
  };
}

function showAttempt(message: Message, attempt: Attempt, origin: string) {
  const id = attemptSid(message.id, attempt.number);
  return {
    id,
    from: showFrom(attempt.candidate),
    to: [attempt.candidate.to],
    status: attempt.status,
    attemptedAt: attempt.attemptedAt,
    infoUrl: `${origin}/v1/Messages/Seek/${id}`,
    ...showError(attempt.errorCode, attempt.errorDetail, origin),
  };
}

function showReceipt(message: Message, attempt: Attempt, origin: string) {
  return {
    attemptId: attemptSid(message.id, attempt.number),
    from: showFrom(attempt.candidate),
    to: attempt.candidate.to,
    status: attempt.status,
    attemptedAt: attempt.attemptedAt,
    ...showError(attempt.errorCode, attempt.errorDetail, origin),
  };
}

function showError(code: number | null, detail: string | null, origin: string) {
  if (code === null) return {};
  return {
    error: {
      code,
      message: findError(code)?.message ?? detail ?? `Error ${code}.`,
      ...(detail === null ? {} : { detail }),
      infoUrl: infoUrlOf(code, origin),
    },
  };
}

/** The words as they were or will be sent: rendering gives the same again and again. */
function renderFor(message: Message): OperationContent {
  const parsed = parseContent(message.content);
  if (!parsed.ok) return message.content;
  const at = message.scheduledFor ?? message.createdAt;
  const rendered = renderContent(parsed.content, message.variables, at, {
    requireVariables: false,
  });
  return rendered.ok ? rendered.content : message.content;
}

/** As requested, rendered; of a template what the channel gets. */
function showContent(content: OperationContent, channel: Channel) {
  if ('modules' in content) return content;
  if ('contentId' in content) {
    const { rich, ...plain } = chooseContent(content, channel);
    return {
      contentId: contentSid(content.contentId),
      ...(rich === null ? showPlain(plain) : { modules: [{ rcs: rich }] }),
    };
  }
  return showPlain(content);
}

function showPlain({ text, mediaUrls }: Content) {
  return {
    ...(text === null ? {} : { text }),
    ...(mediaUrls.length === 0 ? {} : { media: mediaUrls.map((url) => ({ url })) }),
  };
}
