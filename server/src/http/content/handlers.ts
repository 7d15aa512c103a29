/** Handlers of content templates, an extension. Templates are checked when they are stored, not in each send. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ContentTemplate } from '../../domain/content-template.ts';
import { contentSid, parseContentSid } from '../../domain/ids.ts';
import { openContent } from '../../intake/content.ts';
import { ProblemList } from '../../intake/problems.ts';
import type { Store } from '../../store/store.ts';
import { readListQuery, type ListQuery } from '../edge/query.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';

interface ContentBody {
  readonly friendlyName?: string;
  readonly language?: string;
  readonly variables?: ContentTemplate['variables'];
  readonly types: ContentTemplate['types'];
}

export function createContentHandlers({ store }: { readonly store: Store }) {
  const { contentTemplates } = store;

  return {
    async create(request: FastifyRequest, reply: FastifyReply) {
      const body = request.body as ContentBody;
      const { types, variables = {} } = body;
      const list = new ProblemList();
      list.take(openContent({ contentId: '', types, variables }, '$'));
      if (list.total > 0) throw new Refusal(400, list.first, { total: list.total });
      const template = await contentTemplates.addTemplate(request.account.id, {
        friendlyName: body.friendlyName ?? null,
        language: body.language ?? null,
        variables,
        types,
      });
      return reply.code(201).send(serializeTemplate(template));
    },

    async list(request: FastifyRequest) {
      const query = request.query as ListQuery;
      const { page, range } = readListQuery(query, query);
      const rows = await contentTemplates.listTemplates(request.account.id, range, page.limit);
      return page.answer('contents', rows, serializeTemplate);
    },

    async fetch(request: FastifyRequest) {
      const id = readId(request);
      const found = id && (await contentTemplates.fetchTemplate(request.account.id, id));
      if (!found) throw refuse('notFound', 'There is no such content template.');
      return serializeTemplate(found);
    },

    async remove(request: FastifyRequest, reply: FastifyReply) {
      const id = readId(request);
      if (id === null || !(await contentTemplates.removeTemplate(request.account.id, id)))
        throw refuse('notFound', 'There is no such content template.');
      return reply.code(204).send();
    },
  };
}

function readId(request: FastifyRequest): string | null {
  return parseContentSid((request.params as { contentId: string }).contentId);
}

function serializeTemplate({ id, ...rest }: ContentTemplate) {
  return { id: contentSid(id), ...rest };
}
