/** Handlers of API keys. Only the account's own token creates and revokes keys: a stolen key must not create others. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SCOPES, type Scope } from '../../domain/api-key.ts';
import { ERRORS } from '../../domain/errors.ts';
import { INSTANT_HINT, readInstant } from '../../domain/instant.ts';
import { hashSecret, newKeySecret, newKeySid } from '../../lib/secrets.ts';
import type { ApiKey, Store } from '../../store/store.ts';
import { refuse, Refusal } from '../../shapes/refusal.ts';

interface KeyBody {
  readonly name?: string | null;
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: string;
}

export function createApiKeyHandlers({ store }: { readonly store: Store }) {
  const { accounts } = store;

  return {
    /** All of the account, oldest first, revoked and expired ones included. */
    async list(request: FastifyRequest) {
      const keys = await accounts.listApiKeys(request.account.sid);
      return { apiKeys: keys.map(serializeKey) };
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      const { name = null, scopes = SCOPES, expiresAt } = (request.body ?? {}) as KeyBody;
      const secret = newKeySecret();
      const key = await accounts.createApiKey({
        accountSid: request.account.sid,
        sid: newKeySid(),
        secretHash: hashSecret(secret),
        name,
        scopes,
        expiresAt: readExpiry(expiresAt),
      });
      return reply.code(201).send({ ...serializeKey(key), secret });
    },

    async revoke(request: FastifyRequest, reply: FastifyReply) {
      const { apiKeySid } = request.params as { apiKeySid: string };
      const keys = await accounts.listApiKeys(request.account.sid);
      if (!keys.some(({ sid }) => sid === apiKeySid))
        throw refuse('notFound', 'The account has no such API key.');
      await accounts.revokeApiKey(apiKeySid);
      return reply.code(204).send();
    },
  };
}

function readExpiry(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const at = readInstant(text);
  const problem =
    at === null
      ? `"${text.slice(0, 60)}" is not a date and time with zone; ${INSTANT_HINT}.`
      : 'It must be in the future.';
  if (at !== null && at.getTime() > Date.now()) return at;
  throw new Refusal(400, [{ code: ERRORS.invalid.code, message: problem, context: '$.expiresAt' }]);
}

function serializeKey({ sid, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt }: ApiKey) {
  return { sid, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt };
}
