/** API keys over HTTP. They are made and revoked with the account's own token: a key that got lost shall not make others. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hashSecret, newKeySecret, newKeySid } from '../lib/secrets.ts';
import type { ApiKey, Store } from '../store/store.ts';
import { refuse } from './reply.ts';

export function createApiKeyHandlers({ store }: { readonly store: Store }) {
  function demandToken(request: FastifyRequest): void {
    if (request.credentialSid !== request.account.sid)
      throw refuse('forbidden', "API keys are managed with the account's own SID and token.");
  }

  return {
    /** All of the account, oldest first, revoked ones included. */
    async list(request: FastifyRequest) {
      demandToken(request);
      const keys = await store.accounts.listApiKeys(request.account.sid);
      return { apiKeys: keys.map(showKey) };
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      demandToken(request);
      const { name = null } = (request.body ?? {}) as { name?: string | null };
      const [sid, secret] = [newKeySid(), newKeySecret()];
      const accountSid = request.account.sid;
      await store.accounts.createApiKey({ accountSid, sid, secretHash: hashSecret(secret), name });
      return reply.code(201).send({ sid, name, createdAt: new Date(), revokedAt: null, secret });
    },

    async revoke(request: FastifyRequest, reply: FastifyReply) {
      demandToken(request);
      const { apiKeySid } = request.params as { apiKeySid: string };
      const keys = await store.accounts.listApiKeys(request.account.sid);
      if (!keys.some(({ sid }) => sid === apiKeySid))
        throw refuse('notFound', 'The account has no such API key.');
      await store.accounts.revokeApiKey(apiKeySid);
      return reply.code(204).send();
    },
  };
}

function showKey({ sid, name, createdAt, revokedAt }: ApiKey) {
  return { sid, name, createdAt, revokedAt };
}
