/** The routes of carriers and the system: a part of the table in `routes.ts`. */
import { describe, type Route } from '../edge/route.ts';
import { answer, refusals } from '../../shapes/api.ts';
import type { createSystemHandlers } from './handlers.ts';

/** Routes for operators of the installation. */
export function listSystemRoutes(system: ReturnType<typeof createSystemHandlers>): Route[] {
  return [
    {
      method: 'GET',
      path: '/Carriers',
      access: 'read',
      handler: system.listCarriers,
      schema: describe(
        'System',
        'listCarriers',
        'Extension: show the state of carriers: connections, windows, queues.',
        { response: { 200: answer('CarrierList', 'All of them.'), ...refusals() } },
      ),
    },
    {
      method: 'GET',
      path: '/System',
      access: 'read',
      handler: system.fetch,
      schema: describe(
        'System',
        'fetchSystem',
        'Extension: show the state of the node, the queue and the database.',
        { response: { 200: answer('System', 'The state.'), ...refusals() } },
      ),
    },
  ];
}
