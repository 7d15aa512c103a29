/** Methods for the operations of messages and of e-mails. */
import type {
  EmailOperation,
  EmailOperationErrorList,
  EmailOperationList,
  ListOperationErrorsQuery,
  ListOperationsQuery,
  Operation,
  OperationErrorList,
  OperationList,
  OperationReference,
  OperationReport,
  RecipientResult,
} from './api.ts';
import { readExport } from './export.ts';
import { listPages, type Listing } from './listing.ts';
import { checkOptions } from './options.ts';
import { SendAll, type SendAllOptions } from './send-all.ts';
import { CALL_OPTIONS, WrittenJson, type CallOptions, type Transport } from './transport.ts';
import { isComplete, watch, type WatchOptions } from './watch.ts';

/** Names of the endpoints of each kind. */
const NAMES = {
  messages: {
    fetch: 'fetchOperation',
    list: 'listOperations',
    errors: 'listOperationErrors',
    stream: 'streamOperation',
    cancel: 'cancelOperation',
    pause: 'pauseOperation',
    resume: 'resumeOperation',
    delete: 'deleteOperation',
    report: 'fetchOperationReport',
    export: 'exportOperation',
  },
  emails: {
    fetch: 'fetchEmailOperation',
    list: 'listEmailOperations',
    errors: 'listEmailOperationErrors',
    stream: 'streamEmailOperation',
    cancel: 'cancelEmailOperation',
    pause: 'pauseEmailOperation',
    resume: 'resumeEmailOperation',
    delete: 'deleteEmailOperation',
    report: 'fetchEmailOperationReport',
    export: 'exportEmailOperation',
  },
} as const;

interface Shapes {
  messages: { operation: Operation; list: OperationList; errors: OperationErrorList };
  emails: {
    operation: EmailOperation;
    list: EmailOperationList;
    errors: EmailOperationErrorList;
  };
}

/** What an export has. */
export interface ExportChoice {
  /** All unless said. */
  readonly statuses?: readonly RecipientResult['status'][] | undefined;
  /** `pageToken` of a result: the export begins behind it. */
  readonly pageToken?: string | undefined;
}

/** Operations of one kind. */
export abstract class OperationCalls<Kind extends keyof Shapes> {
  protected readonly transport: Transport;
  readonly #names: (typeof NAMES)[keyof Shapes];

  constructor(transport: Transport, kind: Kind) {
    this.transport = transport;
    this.#names = NAMES[kind];
  }

  /** How far an operation is. */
  fetchOperation(operationId: string, options?: CallOptions): Promise<Shapes[Kind]['operation']> {
    return this.transport.call(this.#names.fetch, { path: [operationId] }, options);
  }

  /** Operations, newest first. */
  listOperations(
    query: ListOperationsQuery = {},
    options?: CallOptions,
  ): Listing<Shapes[Kind]['list']> {
    return listPages(this.transport, this.#names.list, { query }, options);
  }

  /** Recipients that were not reached, in the order of the request. */
  listOperationErrors(
    operationId: string,
    query: ListOperationErrorsQuery = {},
    options?: CallOptions,
  ): Listing<Shapes[Kind]['errors']> {
    return listPages(this.transport, this.#names.errors, { path: [operationId], query }, options);
  }

  /** The messages of an operation by sender, by error and over time, and the main fields of its request. */
  fetchReport(operationId: string, options?: CallOptions): Promise<OperationReport> {
    return this.transport.call(this.#names.report, { path: [operationId] }, options);
  }

  /**
   * All recipients with their results, in the order of the request, as they are wanted. A broken answer is continued.
   *
   * ```ts
   * for await (const { address, status } of client.messages.exportOperation(operationId)) …
   * ```
   */
  exportOperation(
    operationId: string,
    { statuses = [], pageToken }: ExportChoice = {},
    options: CallOptions = {},
  ): AsyncGenerator<RecipientResult, void, undefined> {
    checkOptions('A call', options, CALL_OPTIONS);
    const chosen = statuses.length === 0 ? {} : { statuses: statuses.join(',') };
    return readExport(
      (from, signal) =>
        this.transport.open(
          this.#names.export,
          { path: [operationId], query: { ...chosen, pageToken: from, format: 'ndjson' } },
          {},
          signal,
        ),
      pageToken,
      options,
    );
  }

  /** Cancels an operation. Messages that a carrier has continue. Resolves with the operation as it is then. */
  cancelOperation(operationId: string, options?: CallOptions): Promise<Shapes[Kind]['operation']> {
    return this.#change('cancel', operationId, options);
  }

  /** Pauses submissions until the operation is resumed. */
  pauseOperation(operationId: string, options?: CallOptions): Promise<Shapes[Kind]['operation']> {
    return this.#change('pause', operationId, options);
  }

  resumeOperation(operationId: string, options?: CallOptions): Promise<Shapes[Kind]['operation']> {
    return this.#change('resume', operationId, options);
  }

  /** Erases its personal data. ConflictError while a carrier is taking something of it. */
  async deleteOperation(operationId: string, options?: CallOptions): Promise<void> {
    await this.transport.call(this.#names.delete, { path: [operationId] }, options);
  }

  /**
   * The operation as it is, and again whenever it has changed, until it is done (see `WatchOptions`).
   *
   * ```ts
   * for await (const { status, stats } of client.messages.watchOperation(operationId)) …
   * ```
   */
  watchOperation(
    operationId: string,
    options: WatchOptions = {},
  ): AsyncGenerator<Shapes[Kind]['operation'], void, undefined> {
    return watch<Shapes[Kind]['operation']>(
      {
        fetch: (signal) => this.fetchOperation(operationId, { signal }),
        stream: (signal) =>
          this.transport.open(this.#names.stream, { path: [operationId] }, {}, signal),
        isSettled,
      },
      options,
    );
  }

  /** Sends to any number of recipients, `bytesMax` bytes of a request at most. */
  protected beginSendAll(
    endpoint: 'sendMessages' | 'sendEmails',
    bytesMax: number,
    request: { to: Iterable<unknown> | AsyncIterable<unknown> },
    options: SendAllOptions,
  ): SendAll<Shapes[Kind]['operation']> {
    return new SendAll<Shapes[Kind]['operation']>(
      {
        send: (json, idempotencyKey, rest) =>
          this.transport.call(
            endpoint,
            { body: new WrittenJson(json), idempotencyKey },
            rest,
          ) as Promise<OperationReference>,
        fetch: (id, rest) => this.fetchOperation(id, rest),
        cancel: (id) => this.cancelOperation(id),
        pause: (id) => this.pauseOperation(id),
        resume: (id) => this.resumeOperation(id),
        isSettled,
        bytesMax,
      },
      request,
      options,
    );
  }

  #change(
    what: 'cancel' | 'pause' | 'resume',
    operationId: string,
    options?: CallOptions,
  ): Promise<Shapes[Kind]['operation']> {
    return this.transport.call(
      this.#names[what],
      { path: [operationId], isRepeatable: true },
      options,
    );
  }
}

/** Whether an operation is complete and has every receipt. `sent` of e-mails includes delivered ones. */
export function isSettled(operation: Operation | EmailOperation): boolean {
  if (!isComplete(operation)) return false;
  const { stats } = operation;
  return 'read' in stats ? stats.sent === 0 : stats.sent <= stats.delivered + stats.undelivered;
}
