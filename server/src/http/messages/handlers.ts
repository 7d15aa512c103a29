/** Handlers of messages: send, list, search, read, find by an attempt's id, cancel, erase. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { chooseContent, type OperationContent } from '../../domain/content.ts';
import { problemOf } from '../../domain/errors.ts';
import {
  attemptSid,
  contentSid,
  decodeTypeId,
  encodeTypeId,
  operationUuidOf,
  ordinalOf,
  parseAttemptSid,
} from '../../domain/ids.ts';
import type { Channel, Content, MessageStatus } from '../../domain/message.ts';
import {
  type Attempt,
  type Message,
  type MessageFilter,
  type MessageSummary,
  type Route,
  type Store,
} from '../../store/store.ts';
import { createAccept, type AcceptDeps } from '../operations/accept.ts';
import { serializeInbound, serializeInboundWithText } from './inbound.ts';
import { QueryReader, withinOperation, type DateQuery, type PagingQuery } from '../edge/query.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';
import { sendErased } from '../edge/reply.ts';
import type { RequestThreads } from '../edge/request-threads.ts';
import { renderFor, serializeEnd, serializeError, serializeRelated } from '../edge/serialize.ts';

export interface MessageHandlerDeps extends AcceptDeps {
  readonly threads: RequestThreads;
  readonly store: Store;
}

interface MessageQuery extends DateQuery {
  readonly operationId?: string;
  /** The name that the API's guide uses in one place. */
  readonly operation_id?: string;
  readonly sessionId?: string;
  readonly profile?: string;
  readonly channel?: Channel;
  readonly status?: MessageStatus | 'GROUP' | 'INBOUND';
  readonly tags?: string;
}

const NO_MESSAGE = 'There is no such message, or it is older than the retention.';

export function createMessageHandlers(deps: MessageHandlerDeps) {
  const { store } = deps;

  async function find(request: FastifyRequest): Promise<Message> {
    const message = await store.messages.fetchMessage(
      request.account.id,
      'MESSAGES',
      messageUuidIn(request),
    );
    if (message === null) throw refuse('notFound', NO_MESSAGE);
    return message;
  }

  async function serialize(request: FastifyRequest, message: Message) {
    const content = await renderFor(request.account.id, message, deps.threads);
    return serializeMessage(message, content, request.origin);
  }

  /** Sent messages; none of them has a session, a profile or a group. */
  async function listSent(
    accountId: number,
    { sessionId, profile, status }: MessageQuery,
    filter: Omit<MessageFilter, 'kind' | 'status'>,
    limit: number,
  ): Promise<MessageSummary[]> {
    if (sessionId !== undefined || profile !== undefined) return [];
    if (status === 'GROUP' || status === 'INBOUND') return [];
    const all = { ...filter, kind: 'MESSAGES', status: status ?? null } as const;
    return store.messages.listMessages(accountId, all, limit);
  }

  async function listPage(
    request: FastifyRequest,
    query: MessageQuery,
    address: string | null,
    paging: PagingQuery,
  ) {
    const reader = new QueryReader();
    const page = reader.readPage(paging);
    const dates = reader.readRange(query, page);
    const operation = reader.readOperationUuid(query.operationId ?? query.operation_id);
    const tags = reader.readTags(query.tags);
    reader.finish();
    const filter = {
      ...withinOperation(dates, operation),
      channel: query.channel ?? null,
      address,
    };
    const [sent, received] = await Promise.all([
      listSent(request.account.id, query, { ...filter, tags }, page.limit),
      // Inbound messages have no operation and no tags.
      isOfInbound(query) && operation === null && tags === null
        ? store.inbound.listInbound(request.account.id, filter, page.limit)
        : [],
    ]);
    const rows = [...sent, ...received].toSorted((a, b) => (a.id < b.id ? 1 : -1));
    return page.answer('messages', rows, (row) =>
      'from' in row ? serializeInbound(row, request.origin) : serializeSummary(row, request.origin),
    );
  }

  return {
    send: createAccept(deps, 'MESSAGES'),

    async list(request: FastifyRequest) {
      const query = request.query as MessageQuery & PagingQuery;
      return listPage(request, query, null, query);
    },

    async search(request: FastifyRequest) {
      const body = request.body as MessageQuery & { address?: string };
      // An address stays out of URLs, hence the body.
      return listPage(request, body, body.address ?? null, request.query as PagingQuery);
    },

    async fetch(request: FastifyRequest) {
      const uuid = messageUuidIn(request);
      const message = await store.messages.fetchMessage(request.account.id, 'MESSAGES', uuid);
      if (message !== null) return serialize(request, message);
      const inbound = await store.inbound.fetchInbound(request.account.id, uuid);
      if (inbound !== null) return serializeInboundWithText(inbound, request.origin);
      throw refuse('notFound', NO_MESSAGE);
    },

    async receipts(request: FastifyRequest) {
      const message = await find(request);
      // One for each attempt, of which there are at most 15: always one page.
      return {
        receipts: message.attempts.map((attempt) =>
          serializeReceipt(message, attempt, request.origin),
        ),
        pagination: { next: null, self: null },
      };
    },

    async seek(request: FastifyRequest, reply: FastifyReply) {
      const { identifier } = request.params as { identifier: string };
      const id = parseAttemptSid(identifier);
      // An id of another system has the form, but no message here.
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
      const message =
        id && (await store.messages.fetchMessage(request.account.id, 'MESSAGES', id.messageUuid));
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
      return serialize(request, await find(request));
    },

    async erase(request: FastifyRequest, reply: FastifyReply) {
      const uuid = messageUuidIn(request);
      const { id: accountId } = request.account;
      if ((await store.messages.fetchMessage(accountId, 'MESSAGES', uuid)) !== null)
        return sendErased(
          reply,
          (await store.erasure.eraseMessage(accountId, uuid)) ? 'erased' : 'busy',
        );
      if (!(await store.erasure.eraseInbound(accountId, uuid)))
        throw refuse('notFound', NO_MESSAGE);
      return sendErased(reply, 'erased');
    },
  };
}

function messageUuidIn(request: FastifyRequest): string {
  const { messageId } = request.params as { messageId: string };
  const uuid = decodeTypeId('comms_message', messageId);
  if (uuid === null || operationUuidOf(uuid) === uuid)
    throw refuse('notFound', `"${messageId.slice(0, 60)}" is not the id of a message.`);
  return uuid;
}

function serializeFrom({ sender }: Route) {
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

function serializeSummary(message: MessageSummary, origin: string) {
  return {
    id: encodeTypeId('comms_message', message.id),
    from: serializeFrom(message.route),
    to: [message.connected ? { addresses: message.addresses } : message.addresses[0]],
    status: message.status,
    related: serializeRelated('MESSAGES', message.operationId, origin),
    tags: message.tags,
    scheduledFor: message.scheduledFor,
    createdAt: message.createdAt,
    updatedAt: message.updatedAt,
    deletedAt: message.deletedAt,
  };
}

/** Whether a list may contain inbound messages. */
function isOfInbound({ sessionId, profile, status }: MessageQuery): boolean {
  return (
    sessionId === undefined &&
    profile === undefined &&
    (status === undefined || status === 'INBOUND')
  );
}

function serializeMessage(message: Message, content: OperationContent, origin: string) {
  return {
    ...serializeSummary(message, origin),
    content: serializeContent(content, message.route.sender.channel),
    attempts: message.attempts.map((attempt) => serializeAttempt(message, attempt, origin)),
    ...serializeEnd(message, origin),
  };
}

function serializeAttempt(message: Message, attempt: Attempt, origin: string) {
  const id = attemptSid(message.id, attempt.number);
  return {
    id,
    from: serializeFrom(attempt.route),
    to: [attempt.route.to],
    status: attempt.status,
    attemptedAt: attempt.attemptedAt,
    infoUrl: `${origin}/v1/Messages/Seek/${id}`,
    ...serializeError(attempt.errorCode, attempt.errorDetail, origin),
  };
}

function serializeReceipt(message: Message, attempt: Attempt, origin: string) {
  return {
    attemptId: attemptSid(message.id, attempt.number),
    from: serializeFrom(attempt.route),
    to: attempt.route.to,
    status: attempt.status,
    attemptedAt: attempt.attemptedAt,
    ...serializeError(attempt.errorCode, attempt.errorDetail, origin),
  };
}

/** The content as requested, rendered; for a template, the content for the channel. */
function serializeContent(content: OperationContent, channel: Channel) {
  if ('modules' in content) return content;
  if ('contentId' in content) {
    const { rich, ...plain } = chooseContent(content, channel);
    return {
      contentId: contentSid(content.contentId),
      ...(rich === null ? serializePlain(plain) : { modules: [{ rcs: rich }] }),
    };
  }
  return 'email' in content ? {} : serializePlain(content);
}

function serializePlain({ text, mediaUrls }: Content) {
  return {
    ...(text === null ? {} : { text }),
    ...(mediaUrls.length === 0 ? {} : { media: mediaUrls.map((url) => ({ url })) }),
  };
}
