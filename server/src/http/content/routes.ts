/** The routes of content templates: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createContentHandlers } from './handlers.ts';
import { bodyOf, describe, listRoute, type Route } from '../edge/route.ts';
import { DATES } from '../../shapes/paging.ts';
import { answer, noContent, refusals } from '../../shapes/api.ts';

const params = Type.Object({ contentId: Type.String({ description: 'Id of the template, HX….' }) });

/** Routes of content templates. */
export function listContentRoutes(content: ReturnType<typeof createContentHandlers>): Route[] {
  return [
    listRoute({
      path: '/Content',
      handler: content.list,
      tag: 'Content',
      operationId: 'listContent',
      description: 'Extension: list content templates, newest first.',
      shape: 'ContentTemplateList',
      filter: DATES,
    }),
    {
      method: 'POST',
      path: '/Content',
      access: 'manage',
      handler: content.create,
      schema: describe('Content', 'createContent', 'Extension: store a content template.', {
        body: bodyOf('CreateContentRequest'),
        response: {
          201: answer('ContentTemplate', 'The template.'),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    {
      method: 'GET',
      path: '/Content/:contentId',
      access: 'read',
      handler: content.fetch,
      schema: describe('Content', 'fetchContent', 'Extension: show a content template.', {
        params,
        response: { 200: answer('ContentTemplate', 'The template.'), ...refusals(404) },
      }),
    },
    {
      method: 'DELETE',
      path: '/Content/:contentId',
      access: 'manage',
      handler: content.remove,
      schema: describe(
        'Content',
        'deleteContent',
        'Extension: delete a content template. Operations that use it keep their content.',
        {
          params,
          response: { 204: noContent('Removed.'), ...refusals(404) },
        },
      ),
    },
  ];
}
