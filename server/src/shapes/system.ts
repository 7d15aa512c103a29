/** The shapes of carriers' health and of the system. */
import { Type } from 'typebox';
import { CHANNELS } from '../domain/message.ts';
import { choice, count, instant, numberOrNull, orNull } from './parts.ts';

const channel = choice(CHANNELS, { description: 'Channel of delivery.' });
const text = (description: string) => Type.String({ description });
const seconds = (description: string) => Type.Number({ minimum: 0, description });

export const SYSTEM_SHAPES = [
  Type.Object(
    {
      carriers: Type.Array(
        Type.Object({
          name: Type.String(),
          channels: Type.Array(channel),
          queueMessages: count('Messages due and not yet settled, of all accounts and nodes.'),
          queueAgeSeconds: seconds('How long the longest due batch has waited.'),
          lane: orNull(
            Type.Object(
              {
                connections: numberOrNull('integer', [0, 1e9], 'Connections there should be.'),
                connected: numberOrNull('integer', [0, 1e9], 'Those that can be used now.'),
                detail: orNull(text('Why some cannot.')),
                inFlight: count('Submissions without an answer.'),
                window: count('How many there may be now.'),
                windowMax: count('And at most.'),
                throttled: Type.Boolean({
                  description: 'It waits, because the carrier said that it is too fast.',
                }),
              },
              { description: 'Of the node that answers; null where it does not send.' },
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
        { description: 'The one that answers.' },
      ),
      dispatchNodes: count('Nodes that send.'),
      queue: Type.Object({
        messages: count('Messages due and not yet settled.'),
        ageSeconds: seconds('How long the longest due batch has waited.'),
        readyBatches: count('Batches that are due or at work.'),
        waitingBatches: count('Batches whose time has not come.'),
      }),
      newsWaiting: count('News that are not in the event log yet.'),
      database: Type.Object({
        version: Type.String(),
        sizeBytes: Type.Number({ minimum: 0 }),
        connections: count('Connections to this database.'),
        connectionsMax: count('That PostgreSQL allows.'),
        embedded: Type.Boolean(),
      }),
    },
    { $id: 'System' },
  ),
];
