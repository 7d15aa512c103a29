/** Senders, and the pools they are in. */
import type {
  AddSendersRequest,
  CreateSenderPoolRequest,
  CreateSenderRequest,
  ListSenderPoolOperationsQuery,
  ListSenderPoolSendersQuery,
  ListSenderPoolsQuery,
  ListSendersQuery,
  OperationReference,
  ResolvedSenders,
  ResolveSendersRequest,
  ResourceReference,
  SearchSendersRequest,
  Sender,
  SenderList,
  SenderPool,
  SenderPoolList,
  SenderPoolOperation,
  SenderPoolOperationList,
  UpdateSenderPoolRequest,
  UpdateSenderRequest,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { Paging } from './messages.ts';
import type { CallOptions, Transport } from './transport.ts';

export class Senders {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Senders, newest first. */
  list(query: ListSendersQuery = {}, options?: CallOptions): Listing<SenderList> {
    return listPages(this.#transport, 'listSenders', { query }, options);
  }

  fetch(senderId: string, options?: CallOptions): Promise<Sender> {
    return this.#transport.call('fetchSender', { path: [senderId] }, options);
  }

  /** As `list`, by address too. */
  search(
    { pageToken, pageSize, ...filter }: SearchSendersRequest & Paging,
    options?: CallOptions,
  ): Listing<SenderList> {
    return listPages(
      this.#transport,
      'searchSenders',
      { query: { pageToken, pageSize }, body: filter, isRepeatable: true },
      options,
    );
  }

  /** The senders that would be used for some recipients, without sending. */
  resolve(request: ResolveSendersRequest, options?: CallOptions): Promise<ResolvedSenders> {
    return this.#transport.call('resolveSenders', { body: request, isRepeatable: true }, options);
  }

  create(request: CreateSenderRequest, options?: CallOptions): Promise<Sender> {
    return this.#transport.call('createSender', { body: request }, options);
  }

  update(senderId: string, request: UpdateSenderRequest, options?: CallOptions): Promise<Sender> {
    return this.#transport.call('updateSender', { path: [senderId], body: request }, options);
  }

  async delete(senderId: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('deleteSender', { path: [senderId] }, options);
  }
}

export class SenderPools {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(request: CreateSenderPoolRequest, options?: CallOptions): Promise<OperationReference> {
    return this.#transport.call('createSenderPool', { body: request }, options);
  }

  /** Pools, newest first. */
  list(query: ListSenderPoolsQuery = {}, options?: CallOptions): Listing<SenderPoolList> {
    return listPages(this.#transport, 'listSenderPools', { query }, options);
  }

  fetch(senderPoolId: string, options?: CallOptions): Promise<SenderPool> {
    return this.#transport.call('fetchSenderPool', { path: [senderPoolId] }, options);
  }

  update(
    senderPoolId: string,
    request: UpdateSenderPoolRequest,
    options?: CallOptions,
  ): Promise<ResourceReference> {
    return this.#transport.call(
      'updateSenderPool',
      { path: [senderPoolId], body: request },
      options,
    );
  }

  delete(senderPoolId: string, options?: CallOptions): Promise<ResourceReference> {
    return this.#transport.call('deleteSenderPool', { path: [senderPoolId] }, options);
  }

  /** Members of a pool. */
  listSenders(
    senderPoolId: string,
    query: ListSenderPoolSendersQuery = {},
    options?: CallOptions,
  ): Listing<SenderList> {
    return listPages(
      this.#transport,
      'listSenderPoolSenders',
      { path: [senderPoolId], query },
      options,
    );
  }

  /** Adds 1 to 1,000 members. Adding a member again changes nothing. */
  addSender(
    senderPoolId: string,
    senders: AddSendersRequest,
    options?: CallOptions,
  ): Promise<OperationReference> {
    return this.#transport.call(
      'addSenderPoolSenders',
      { path: [senderPoolId], body: senders, isRepeatable: true },
      options,
    );
  }

  removeSender(
    senderPoolId: string,
    senderId: string,
    options?: CallOptions,
  ): Promise<ResourceReference> {
    return this.#transport.call(
      'removeSenderPoolSender',
      { path: [senderPoolId, senderId] },
      options,
    );
  }

  /** Operations on pools, newest first. */
  listOperations(
    query: ListSenderPoolOperationsQuery = {},
    options?: CallOptions,
  ): Listing<SenderPoolOperationList> {
    return listPages(this.#transport, 'listSenderPoolOperations', { query }, options);
  }

  fetchOperation(operationId: string, options?: CallOptions): Promise<SenderPoolOperation> {
    return this.#transport.call('fetchSenderPoolOperation', { path: [operationId] }, options);
  }
}
