/** Messages: sending, finding, reading. */
import type {
  DryRun,
  ListMessagesQuery,
  Message,
  MessageList,
  OperationReference,
  ReceiptList,
  SearchMessagesRequest,
  SendEmailsRequest,
  SendMessagesRequest,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import { OperationCalls } from './operations.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface SendOptions extends CallOptions {
  /** Identifies repetitions. Random by default; set your own if the program may crash and send again. */
  readonly idempotencyKey?: string | undefined;
}

/** An entry of `to` of messages. */
export type Recipient = SendMessagesRequest['to'][number];

/** An entry of `to` of e-mails. */
export type EmailRecipient = SendEmailsRequest['to'][number];

export class Messages extends OperationCalls<'messages'> {
  constructor(transport: Transport) {
    super(transport, 'messages');
  }

  /**
   * Sends a content to 1 to 10,000 recipients. Resolves when it is accepted and durable; with `dryRun`, with a preview.
   * Repetitions are safe: every call has an Idempotency-Key.
   */
  send(
    request: SendMessagesRequest & { readonly dryRun: true },
    options?: SendOptions,
  ): Promise<DryRun>;
  send(
    request: SendMessagesRequest & { readonly dryRun?: false },
    options?: SendOptions,
  ): Promise<OperationReference>;
  send(request: SendMessagesRequest, options?: SendOptions): Promise<DryRun | OperationReference>;
  send(
    request: SendMessagesRequest,
    { idempotencyKey = crypto.randomUUID(), ...options }: SendOptions = {},
  ): Promise<DryRun | OperationReference> {
    return this.transport.call('sendMessages', { body: request, idempotencyKey }, options);
  }

  /** A request that sends an operation again, to its recipients whose messages have one of these statuses, or to all. */
  fetchRequest(
    operationId: string,
    statuses: readonly Message['status'][] = [],
    options?: CallOptions,
  ): Promise<SendMessagesRequest> {
    const query = statuses.length === 0 ? {} : { statuses: statuses.join(',') };
    return this.transport.call('fetchOperationRequest', { path: [operationId], query }, options);
  }

  /** Messages, newest first. */
  list(query: ListMessagesQuery = {}, options?: CallOptions): Listing<MessageList> {
    return listPages(this.transport, 'listMessages', { query }, options);
  }

  /** As `list`, by address too, which stays out of URLs and logs. */
  search(
    { pageToken, pageSize, ...filter }: SearchMessagesRequest & Paging,
    options?: CallOptions,
  ): Listing<MessageList> {
    return listPages(
      this.transport,
      'searchMessages',
      { query: { pageToken, pageSize }, body: filter, isRepeatable: true },
      options,
    );
  }

  /** A message with its content as rendered, and its attempts. */
  fetch(messageId: string, options?: CallOptions): Promise<Message> {
    return this.transport.call('fetchMessage', { path: [messageId] }, options);
  }

  /** The message of an attempt: `SM…` or `MM…`. */
  async seekByIdentifier(identifier: string, options?: CallOptions): Promise<Message> {
    // The answer is a redirect, which has been followed.
    return (await this.transport.call(
      'seekMessage',
      { path: [identifier] },
      options,
    )) as unknown as Message;
  }

  /** The latest receipt of each attempt. */
  listReceipts(messageId: string, options?: CallOptions): Listing<ReceiptList> {
    return listPages(this.transport, 'listReceipts', { path: [messageId] }, options);
  }

  /** Cancels it. A submitted message continues; the status shows the result. */
  cancel(messageId: string, options?: CallOptions): Promise<Message> {
    return this.transport.call('cancelMessage', { path: [messageId], isRepeatable: true }, options);
  }

  /** Erases its personal data. It can still be fetched, empty and with `deletedAt`. */
  async delete(messageId: string, options?: CallOptions): Promise<void> {
    await this.transport.call('deleteMessage', { path: [messageId] }, options);
  }
}

export interface Paging {
  /** `pagination.next` of the page before. */
  readonly pageToken?: string | undefined;
  /** Entries of a page, 1 to 1,000; 50 unless said. */
  readonly pageSize?: number | undefined;
}
