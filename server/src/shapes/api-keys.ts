/** The shapes of API keys. */
import { Type } from 'typebox';
import { SCOPES } from '../domain/api-key.ts';
import { choice, instant, orNull, ref, shape, lineOrNull } from './parts.ts';

const text = (description: string) => Type.String({ description });

const SCOPE_LIST = Type.Array(choice('Scope', SCOPES), {
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
  expiresAt: orNull(instant('The key is refused from this time on; null: never.')),
  revokedAt: orNull(instant('When it was revoked.')),
  lastUsedAt: orNull(instant('When it was last used, to the minute.')),
};

export const API_KEY_SHAPES = [
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
  Type.Object({ ...apiKeyFields, secret: text('Shown only here.') }, { $id: 'ApiKeyWithSecret' }),
];
