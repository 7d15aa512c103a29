/** E-mails: sending, finding, reading. */
import type {
  Email,
  EmailDryRun,
  EmailList,
  EmailReceiptList,
  ListEmailsQuery,
  OperationReference,
  SearchEmailsRequest,
  SendEmailsRequest,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { Paging, SendOptions } from './messages.ts';
import { OperationCalls } from './operations.ts';
import type { CallOptions, Transport } from './transport.ts';

export class Emails extends OperationCalls<'emails'> {
  constructor(transport: Transport) {
    super(transport, 'emails');
  }

  /** Sends a content to 1 to 10,000 mailboxes. As `messages.send`. */
  send(
    request: SendEmailsRequest & { readonly dryRun: true },
    options?: SendOptions,
  ): Promise<EmailDryRun>;
  send(
    request: SendEmailsRequest & { readonly dryRun?: false },
    options?: SendOptions,
  ): Promise<OperationReference>;
  send(
    request: SendEmailsRequest,
    options?: SendOptions,
  ): Promise<EmailDryRun | OperationReference>;
  send(
    request: SendEmailsRequest,
    { idempotencyKey = crypto.randomUUID(), ...options }: SendOptions = {},
  ): Promise<EmailDryRun | OperationReference> {
    return this.transport.call('sendEmails', { body: request, idempotencyKey }, options);
  }

  /** E-mails, newest first. */
  list(query: ListEmailsQuery = {}, options?: CallOptions): Listing<EmailList> {
    return listPages(this.transport, 'listEmails', { query }, options);
  }

  /** As `list`, by address too, which stays out of URLs and logs. */
  search(
    { pageToken, pageSize, ...filter }: SearchEmailsRequest & Paging,
    options?: CallOptions,
  ): Listing<EmailList> {
    return listPages(
      this.transport,
      'searchEmails',
      { query: { pageToken, pageSize }, body: filter, isRepeatable: true },
      options,
    );
  }

  fetch(emailId: string, options?: CallOptions): Promise<Email> {
    return this.transport.call('fetchEmail', { path: [emailId] }, options);
  }

  /** The latest receipt of each attempt. */
  listReceipts(emailId: string, options?: CallOptions): Listing<EmailReceiptList> {
    return listPages(this.transport, 'listEmailReceipts', { path: [emailId] }, options);
  }

  cancel(emailId: string, options?: CallOptions): Promise<Email> {
    return this.transport.call('cancelEmail', { path: [emailId], isRepeatable: true }, options);
  }

  /** Erases its personal data. It can still be fetched, empty and with `deletedAt`. */
  async delete(emailId: string, options?: CallOptions): Promise<void> {
    await this.transport.call('deleteEmail', { path: [emailId] }, options);
  }
}
