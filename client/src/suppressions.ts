/** Suppressions: addresses that get no messages. */
import type {
  AddSuppressionRequest,
  ImportSuppressionsRequest,
  ListSuppressionsQuery,
  SearchSuppressionsRequest,
  Suppression,
  SuppressionImport,
  SuppressionList,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { Paging } from './messages.ts';
import type { CallOptions, Transport } from './transport.ts';

export class Suppressions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Adds an address; one that is there already stays as it is. */
  add(request: AddSuppressionRequest, options?: CallOptions): Promise<Suppression> {
    return this.#transport.call('addSuppression', { body: request, isRepeatable: true }, options);
  }

  /** Adds up to 10,000 addresses. */
  import(request: ImportSuppressionsRequest, options?: CallOptions): Promise<SuppressionImport> {
    return this.#transport.call(
      'importSuppressions',
      { body: request, isRepeatable: true },
      options,
    );
  }

  /** Entries, newest first. */
  list(query: ListSuppressionsQuery = {}, options?: CallOptions): Listing<SuppressionList> {
    return listPages(this.#transport, 'listSuppressions', { query }, options);
  }

  /** As `list`, by address, which stays out of URLs and logs. */
  search(
    { pageToken, pageSize, ...filter }: SearchSuppressionsRequest & Paging,
    options?: CallOptions,
  ): Listing<SuppressionList> {
    return listPages(
      this.#transport,
      'searchSuppressions',
      { query: { pageToken, pageSize }, body: filter, isRepeatable: true },
      options,
    );
  }

  async remove(suppressionId: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('removeSuppression', { path: [suppressionId] }, options);
  }

  /** SHA-256 of each address, in hex: to compare lists without showing them. */
  async exportHashes(options?: CallOptions): Promise<readonly string[]> {
    const text = await this.#transport.callForText('exportSuppressions', {}, options);
    return text.split('\n').filter((line) => line !== '');
  }
}
