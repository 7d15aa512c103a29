/** Contents stored under an id, to send by `contentId`. */
import type {
  ContentTemplate,
  ContentTemplateList,
  CreateContentRequest,
  ListContentQuery,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { CallOptions, Transport } from './transport.ts';

export class Contents {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(request: CreateContentRequest, options?: CallOptions): Promise<ContentTemplate> {
    return this.#transport.call('createContent', { body: request }, options);
  }

  /** Contents, newest first. */
  list(query: ListContentQuery = {}, options?: CallOptions): Listing<ContentTemplateList> {
    return listPages(this.#transport, 'listContent', { query }, options);
  }

  fetch(contentId: string, options?: CallOptions): Promise<ContentTemplate> {
    return this.#transport.call('fetchContent', { path: [contentId] }, options);
  }

  async delete(contentId: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('deleteContent', { path: [contentId] }, options);
  }
}
