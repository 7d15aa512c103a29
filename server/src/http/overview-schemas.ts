/** The shapes of what only Fanfare has: reports on operations, API keys, carriers' health, the system. */
import { Type } from 'typebox';
import { SCOPES } from '../domain/api-key.ts';
import { CHANNELS, MESSAGE_STATUSES } from '../domain/message.ts';
import {
  choice,
  count,
  instant,
  numberOrNull,
  orNull,
  ref,
  REQUEST_FIELDS,
  shape,
  lineOrNull,
} from './schema-parts.ts';

const channel = choice(CHANNELS, { description: 'Channel of delivery.' });
const text = (description: string) => Type.String({ description });
const seconds = (description: string) => Type.Number({ minimum: 0, description });

const ERROR_COUNT = Type.Object({
  code: Type.Integer(),
  message: Type.String(),
  advice: orNull(text('What to do.')),
  detail: orNull(text("A carrier's own words in one of them.")),
  infoUrl: Type.String(),
  count: count('Recipients that it befell.'),
  examples: Type.Array(
    Type.Object({
      messageId: orNull(text('Of the message or e-mail; null where there was none.')),
      address: Type.String(),
    }),
    { description: 'Up to three.' },
  ),
});

const latency = (what: string) =>
  numberOrNull('number', [0, 1e12], `Seconds from handing over to the last receipt: ${what}.`);

export const OPERATION_REPORT = Type.Object(
  {
    ...REQUEST_FIELDS,
    senders: Type.Array(
      Type.Object({
        channel,
        address: Type.String(),
        carrier: Type.String(),
        total: count('Messages whose present way it is.'),
        statuses: Type.Array(
          Type.Object({ status: choice(MESSAGE_STATUSES), count: count('Messages.') }),
        ),
      }),
    ),
    errors: Type.Array(ERROR_COUNT, { description: 'The most frequent first, at most 100.' }),
    stepSeconds: Type.Integer({ description: 'How long each of `buckets` is.' }),
    buckets: Type.Array(
      Type.Object({
        at: instant('When it begins.'),
        submitted: count('Messages handed over, by their present attempt.'),
        settled: count('Messages delivered, read or undelivered.'),
        latency50: latency('half of them took no longer'),
        latency95: latency('95% took no longer'),
      }),
      { description: 'In order; those without any message are left out.' },
    ),
  },
  { $id: 'OperationReport' },
);

const SCOPE_LIST = Type.Array(choice(SCOPES), {
  minItems: 1,
  uniqueItems: true,
  description:
    '`send`: sends, cancels, pauses, resumes. `read`: reads, searches, streams. `manage`: senders, pools, templates, suppressions, subscriptions, erasing.',
});
const apiKeyFields = {
  sid: text('`SK` and 32 hex digits.'),
  name: orNull(Type.String()),
  scopes: SCOPE_LIST,
  createdAt: instant('When it was made.'),
  expiresAt: orNull(instant('From when on it is refused; null: never.')),
  revokedAt: orNull(instant('Since when it is good for nothing.')),
  lastUsedAt: orNull(instant('When it was last used, to the minute.')),
};

export const OVERVIEW_SHAPES = [
  OPERATION_REPORT,
  shape(
    {
      name: Type.Optional(lineOrNull()),
      // All of them when left out.
      scopes: Type.Optional(SCOPE_LIST),
      expiresAt: Type.Optional(
        instant('In the future, RFC 3339 with zone. Without it the key does not expire.'),
      ),
    },
    { $id: 'CreateApiKeyRequest' },
  ),
  Type.Object(apiKeyFields, { $id: 'ApiKey' }),
  Type.Object({ apiKeys: Type.Array(ref('ApiKey')) }, { $id: 'ApiKeyList' }),
  Type.Object({ ...apiKeyFields, secret: text('Shown here only.') }, { $id: 'NewApiKey' }),
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
