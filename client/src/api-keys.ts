/** API keys of the account. They are managed with the account's own token; a key is refused. */
import type { ApiKeyList, ApiKeyWithSecret, CreateApiKeyRequest } from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { CallOptions, Transport } from './transport.ts';

export class ApiKeys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** All of them, oldest first, revoked ones too. */
  list(options?: CallOptions): Listing<ApiKeyList> {
    return listPages(this.#transport, 'listApiKeys', {}, options);
  }

  /** The secret in the answer is shown there only. */
  create(request: CreateApiKeyRequest = {}, options?: CallOptions): Promise<ApiKeyWithSecret> {
    return this.#transport.call('createApiKey', { body: request }, options);
  }

  /** For good; it may go on working for five seconds. */
  async revoke(apiKeySid: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('revokeApiKey', { path: [apiKeySid] }, options);
  }
}
