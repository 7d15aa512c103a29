/** Methods for the operations of messages and of e-mails. */
import type {
  DryRun,
  DryRunMessage,
  EmailDryRun,
  EmailOperation,
  EmailOperationErrorList,
  EmailOperationList,
  ErrorItem,
  ListOperationErrorsQuery,
  ListOperationsQuery,
  Operation,
  OperationErrorList,
  OperationList,
  OperationReport,
  RecipientResult,
  SendEmailsRequest,
  SendMessagesRequest,
} from './api.ts';
import { readExport } from './export.ts';
import { listPages, type Listing } from './listing.ts';
import { ConnectionError, readRefusal } from './errors.ts';
import { readDates } from './dates.ts';
import { ReadyLines, readLines, RecipientLines, type LinesBody, type Recipients } from './lines.ts';
import { SendAll, type Acceptance, type SendAllOptions } from './send-all.ts';
import { checkOptions, type OptionNames } from './options.ts';
import { CALL_OPTIONS, type CallOptions, type Transport } from './transport.ts';
import { isComplete, watch, type WatchOptions } from './watch.ts';

/** Names of the endpoints of each kind. */
const NAMES = {
  messages: {
    send: 'sendMessages',
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
    send: 'sendEmails',
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
  messages: {
    operation: Operation;
    list: OperationList;
    errors: OperationErrorList;
    request: SendMessagesRequest;
    preview: DryRunMessage;
    dryRun: DryRun;
  };
  emails: {
    operation: EmailOperation;
    list: EmailOperationList;
    errors: EmailOperationErrorList;
    request: SendEmailsRequest;
    preview: EmailDryRun['emails'][number];
    dryRun: EmailDryRun;
  };
}

/** What an export has. */
export interface ExportChoice {
  /** All unless said. */
  readonly statuses?: readonly RecipientResult['status'][] | undefined;
  /** `pageToken` of a result: the export begins behind it. */
  readonly pageToken?: string | undefined;
}

/** A request to any number of recipients, as they come. A function makes them anew for each try. */
export type SendAllRequest<Request extends { to: readonly unknown[] }> = Omit<
  Request,
  'to' | 'dryRun'
> & { readonly to: Recipients<Request['to'][number]> };

export interface SendLinesOptions extends CallOptions {
  /** As of `sendAll`. Random unless given. */
  readonly key?: string | undefined;
  /** Whether the body is packed with gzip. */
  readonly isPacked?: boolean | undefined;
}

const SEND_LINES_OPTIONS: OptionNames<SendLinesOptions> = {
  key: true,
  isPacked: true,
  signal: true,
  timeoutMs: true,
  retriesMax: true,
};

export interface DryRunAllOptions {
  readonly signal?: AbortSignal | undefined;
  /** As of `sendAll`. */
  readonly onProgress?: SendAllOptions['onProgress'];
}

const DRY_RUN_OPTIONS: OptionNames<DryRunAllOptions> = { signal: true, onProgress: true };

/** A line of a dry run: a message, or why there is none; the last line is the summary, which has `dryRun`. */
export type DryRunLine<Kind extends 'messages' | 'emails'> =
  Shapes[Kind]['preview'] | ErrorItem | Shapes[Kind]['dryRun'];

/** As long as a server gives a streamed request to arrive. */
const LINES_TIMEOUT_MS = 3_600_000;

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

  /**
   * Sends to any number of recipients as one operation. Begins at once. Recipients of an array or of a function are sent
   * again after a failure that may pass; others are not, as they can be read once. A signal that aborts before the last
   * recipient leaves nothing.
   */
  sendAll(
    request: SendAllRequest<Shapes[Kind]['request']>,
    options: SendAllOptions = {},
  ): SendAll<Shapes[Kind]['operation']> {
    return new SendAll<Shapes[Kind]['operation']>(
      {
        send: (lines, key, rest) => this.#sendLines(lines, key, rest) as Promise<Acceptance>,
        fetch: (id, rest) => this.fetchOperation(id, rest),
        watch: (id, rest) => this.watchOperation(id, rest),
        cancel: (id) => this.cancelOperation(id),
        pause: (id) => this.pauseOperation(id),
        resume: (id) => this.resumeOperation(id),
      },
      request,
      options,
    );
  }

  /**
   * Sends a body of lines that is ready: the request without `to`, and a line for each recipient. With `dryRun` in its first
   * line, the answer is a summary. For browsers, which send no body that is still being made.
   */
  async sendLines(
    body: Blob | ReadableStream<Uint8Array<ArrayBuffer>>,
    options: SendLinesOptions = {},
  ): Promise<Acceptance | Shapes[Kind]['dryRun']> {
    checkOptions('sendLines', options, SEND_LINES_OPTIONS);
    const {
      key = crypto.randomUUID(),
      isPacked = false,
      timeoutMs = body instanceof Blob ? LINES_TIMEOUT_MS : undefined,
      ...rest
    } = options;
    return this.#sendLines(new ReadyLines(body, isPacked), key, { ...rest, timeoutMs });
  }

  /**
   * What a send to any number of recipients would do: a line for each recipient, and the summary. Nothing is sent. The
   * answer is read while the request is sent, which Node.js and Deno can do.
   * @throws InvalidRequestError for a wrong request; wrong recipients are lines
   */
  async *dryRunAll(
    request: SendAllRequest<Shapes[Kind]['request']>,
    options: DryRunAllOptions = {},
  ): AsyncGenerator<DryRunLine<Kind>, void, undefined> {
    checkOptions('dryRunAll', options, DRY_RUN_OPTIONS);
    const { signal, onProgress } = options;
    const lines = new RecipientLines(
      { ...request, dryRun: true } as typeof request,
      false,
      (count) => onProgress?.(count),
    );
    const controller = new AbortController();
    const end = () => controller.abort(signal?.reason);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
    try {
      const response = await this.transport.open(
        this.#names.send,
        { lines },
        { accept: 'application/x-ndjson' },
        controller.signal,
      );
      let isOver = false;
      for await (const text of readLines(response.body ?? new ReadableStream())) {
        const line = JSON.parse(text) as DryRunLine<Kind> & { errors?: unknown; status: number };
        if (line.errors !== undefined)
          throw readRefusal({ ...pickResponse(response), status: line.status }, text, null);
        isOver = 'dryRun' in line;
        yield isOver ? (readDates(line) as DryRunLine<Kind>) : line;
      }
      if (!isOver) throw new ConnectionError('The answer broke off before its summary.');
    } catch (error) {
      throw lines.failure ?? error;
    } finally {
      signal?.removeEventListener('abort', end);
      controller.abort();
    }
  }

  async #sendLines(
    lines: LinesBody,
    idempotencyKey: string,
    options: CallOptions,
  ): Promise<Acceptance | Shapes[Kind]['dryRun']> {
    const { answer, headers } = await this.transport.callWithHeaders(
      this.#names.send,
      { lines, idempotencyKey },
      options,
    );
    if ('dryRun' in answer) return answer;
    return { ...answer, isReplayed: headers.get('idempotent-replayed') === 'true' };
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

const pickResponse = ({ url, headers }: Response) => ({ url, headers });
