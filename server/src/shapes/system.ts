/** The shapes of carriers' health and of the system. */
import { Type } from 'typebox';
import { count, instant, numberOrNull, orNull, SENDER_CHANNEL } from './parts.ts';

const text = (description: string) => Type.String({ description });
const seconds = (description: string) => Type.Number({ minimum: 0, description });

export const SYSTEM_SHAPES = [
  Type.Object(
    {
      carriers: Type.Array(
        Type.Object({
          name: Type.String(),
          channels: Type.Array(SENDER_CHANNEL),
          queueMessages: count('Messages due and not yet settled, of all accounts and nodes.'),
          queueAgeSeconds: seconds('Age of the batch that has been due for longest.'),
          state: orNull(
            Type.Object(
              {
                connections: numberOrNull('integer', [0, 1e9], 'Configured connections.'),
                connected: numberOrNull('integer', [0, 1e9], 'Usable connections.'),
                detail: orNull(text('Why some are not usable.')),
                inFlight: count('Submissions without an answer.'),
                window: count('Submissions that may be unanswered now.'),
                windowMax: count('Configured maximum of the window.'),
                throttled: Type.Boolean({
                  description: 'Whether it backs off, because the carrier throttles.',
                }),
              },
              { description: 'State on the node that answers; null if that node does not send.' },
            ),
          ),
        }),
      ),
    },
    { $id: 'CarrierList' },
  ),
  Type.Object(
    {
      node: Type.Object(
        {
          host: Type.String(),
          roles: Type.Array(Type.String()),
          nodeVersion: Type.String(),
          startedAt: instant('When it started.'),
          memoryBytes: count('Memory of its process.'),
        },
        { description: 'The node that answers.' },
      ),
      dispatchNodes: count('Nodes that send.'),
      queue: Type.Object({
        messages: count('Messages due and not yet settled.'),
        ageSeconds: seconds('Age of the batch that has been due for longest.'),
        readyBatches: count('Batches that are due or at work.'),
        waitingBatches: count('Batches that are not due yet.'),
      }),
      outboxPending: count('Outbox events that are not in the event log yet.'),
      database: Type.Object({
        version: Type.String(),
        sizeBytes: Type.Number({ minimum: 0 }),
        connections: count('Connections to this database.'),
        connectionsMax: count('Maximum connections of PostgreSQL.'),
        embedded: Type.Boolean(),
      }),
    },
    { $id: 'System' },
  ),
];
