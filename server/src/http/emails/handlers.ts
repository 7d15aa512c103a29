/** Handlers of e-mails: send, list, search, read, cancel, erase. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperationContent } from '../../domain/content.ts';
import { canonicalEmailAddress } from '../../domain/email-address.ts';
import {
  attemptSid,
  decodeTypeId,
  encodeTypeId,
  operationUuidOf,
  ordinalOf,
} from '../../domain/ids.ts';
import type { MessageStatus } from '../../domain/message.ts';
import type { Attempt, Message, MessageSummary, Route, Store } from '../../store/store.ts';
import { createAccept, type AcceptDeps } from '../operations/accept.ts';
import type { EmailStatus } from '../../shapes/emails.ts';
import { QueryReader, withinOperation, type DateQuery, type PagingQuery } from '../edge/query.ts';
import { refuse } from '../../shapes/refusal.ts';
import { sendErased } from '../edge/reply.ts';
import type { RequestThreads } from '../edge/request-threads.ts';
import { renderFor, serializeEnd, serializeError, serializeRelated } from '../edge/serialize.ts';

interface EmailQuery extends DateQuery {
  readonly operationId?: string;
  readonly operation_id?: string;
  readonly status?: EmailStatus;
  readonly tags?: string;
}

export interface EmailHandlerDeps extends AcceptDeps {
  readonly threads: RequestThreads;
  readonly store: Store;
}

export function createEmailHandlers(deps: EmailHandlerDeps) {
  const { store } = deps;

  async function serialize(request: FastifyRequest, email: Message) {
    const content = await renderFor(request.account.id, email, deps.threads);
    return serializeEmail(email, content, request.origin);
  }

  async function find(request: FastifyRequest): Promise<Message> {
    const uuid = emailUuidIn(request);
    const email = await store.messages.fetchMessage(request.account.id, 'EMAILS', uuid);
    if (email === null)
      throw refuse('notFound', 'There is no such e-mail, or it is older than the retention.');
    return email;
  }

  async function listPage(
    request: FastifyRequest,
    query: EmailQuery,
    address: string | null,
    paging: PagingQuery,
  ) {
    const reader = new QueryReader();
    const page = reader.readPage(paging);
    const dates = reader.readRange(query, page);
    const operation = reader.readOperationUuid(query.operationId ?? query.operation_id);
    const tags = reader.readTags(query.tags);
    reader.finish();
    const { status } = query;
    // None comes from outside.
    const rows =
      status === 'INBOUND'
        ? []
        : await store.messages.listMessages(
            request.account.id,
            {
              kind: 'EMAILS',
              ...withinOperation(dates, operation),
              status: status === undefined ? null : status === 'OPENED' ? 'READ' : status,
              channel: null,
              tags,
              address: address && canonicalEmailAddress(address),
            },
            page.limit,
          );
    return page.answer('emails', rows, (row) => serializeSummary(row, request.origin));
  }

  return {
    send: createAccept(deps, 'EMAILS'),

    async list(request: FastifyRequest) {
      const query = request.query as EmailQuery & PagingQuery;
      return listPage(request, query, null, query);
    },

    async search(request: FastifyRequest) {
      const body = request.body as EmailQuery & { address?: string };
      return listPage(request, body, body.address ?? null, request.query as PagingQuery);
    },

    async fetch(request: FastifyRequest) {
      return serialize(request, await find(request));
    },

    async receipts(request: FastifyRequest) {
      const email = await find(request);
      // One for each attempt, of which there are at most 15: always one page.
      return {
        receipts: email.attempts.map((attempt) => ({
          attemptId: attemptSid(email.id, attempt.number),
          ...serializeAttempt(attempt, request.origin),
          to: serializeTo(attempt.route),
        })),
        pagination: { next: null, self: null },
      };
    },

    async cancel(request: FastifyRequest) {
      const { id, operationId } = await find(request);
      await store.operations.cancelMessage(request.account.id, operationId, ordinalOf(id));
      return serialize(request, await find(request));
    },

    async erase(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await find(request);
      const isErased = await store.erasure.eraseMessage(request.account.id, id);
      return sendErased(reply, isErased ? 'erased' : 'busy');
    },
  };
}

function emailUuidIn(request: FastifyRequest): string {
  const { emailId } = request.params as { emailId: string };
  const uuid = decodeTypeId('comms_email', emailId);
  if (uuid === null || operationUuidOf(uuid) === uuid)
    throw refuse('notFound', `"${emailId.slice(0, 60)}" is not the id of an e-mail.`);
  return uuid;
}

function serializeStatus(status: MessageStatus): EmailStatus {
  return status === 'READ' ? 'OPENED' : status;
}

function serializeFrom({ sender }: Route) {
  return {
    address: sender.address,
    ...(sender.name === undefined ? {} : { name: sender.name }),
    ...(sender.senderId === undefined
      ? {}
      : { senderId: encodeTypeId('comms_sender', sender.senderId) }),
  };
}

function serializeTo({ to: { address, name } }: Route) {
  return name === undefined ? { address } : { address, name };
}

function serializeSummary(email: MessageSummary, origin: string) {
  return {
    id: encodeTypeId('comms_email', email.id),
    from: serializeFrom(email.route),
    to: [serializeTo(email.route)],
    status: serializeStatus(email.status),
    related: serializeRelated('EMAILS', email.operationId, origin),
    tags: email.tags,
    scheduledFor: email.scheduledFor,
    createdAt: email.createdAt,
    updatedAt: email.updatedAt,
    deletedAt: email.deletedAt,
  };
}

function serializeEmail(email: Message, content: OperationContent, origin: string) {
  return {
    ...serializeSummary(email, origin),
    content: serializeContent(content),
    attempts: email.attempts.map((attempt) => ({
      id: attemptSid(email.id, attempt.number),
      ...serializeAttempt(attempt, origin),
      to: [serializeTo(attempt.route)],
      infoUrl: `${origin}/v1/Emails/${encodeTypeId('comms_email', email.id)}/Receipts`,
    })),
    ...serializeEnd(email, origin),
  };
}

function serializeAttempt(attempt: Attempt, origin: string) {
  return {
    from: serializeFrom(attempt.route),
    status: serializeStatus(attempt.status),
    attemptedAt: attempt.attemptedAt,
    ...serializeError(attempt.errorCode, attempt.errorDetail, origin),
  };
}

function serializeContent(content: OperationContent) {
  if (!('email' in content)) return {};
  const { subject, html, text, headers, attachments } = content.email;
  return {
    subject,
    html,
    ...(text === null ? {} : { text }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    attachments,
  };
}
