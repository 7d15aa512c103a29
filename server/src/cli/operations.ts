/** `fanfare operations`: how far requests are, and stopping them. Of e-mails, too: their ids look alike. */
import {
  NotFoundError,
  type EmailOperation,
  type FanfareClient,
  type Operation,
} from '@fanfare/client';
import { Option, type Command } from 'commander';
import { connect } from './connect.ts';
import { EXIT, failUsage, type Globals } from './globals.ts';
import type { ExportFlags } from './export.ts';
import { limitOption, readSinceDate } from './options.ts';
import { number, renderFields, show, showList, showTime, type Column } from './output.ts';
import { renderCounters, renderPercent, sharesOf } from './progress.ts';
import { addWatchOptions, endIncomplete, type StrictFlags } from './strict.ts';
import type { WatchFlags } from './watch.ts';

type AnyOperation = Operation | EmailOperation;

interface ListFlags {
  readonly emails?: true;
  readonly status?: Operation['status'];
  readonly since?: Date;
  readonly until?: Date;
  readonly limit: number;
}

const EXAMPLES = `
Examples:
  fanfare operations list --status PROCESSING
  fanfare operations watch
  fanfare operations watch comms_operation_… --strict && echo 'Delivered to all'
  fanfare operations export comms_operation_… --output results.csv
  fanfare operations errors comms_operation_… --json | jq -r '[.code, .message] | @tsv' | sort | uniq -c`;

const COLUMNS: readonly Column<AnyOperation>[] = [
  { head: 'ID', cell: ({ id }) => id },
  {
    head: 'STATUS',
    cell: ({ status, pausedAt }) => (pausedAt === null ? status : `${status} (paused)`),
  },
  { head: 'DONE', cell: ({ stats }) => renderPercent(sharesOf(stats)), isRight: true },
  { head: 'TOTAL', cell: ({ stats }) => number(stats.total), isRight: true },
  { head: 'ACCEPTED', cell: ({ createdAt }) => showTime(createdAt) },
  { head: 'COUNTERS', cell: ({ stats }) => renderCounters(stats) },
];

/** The resource that has an operation: messages, else e-mails. */
async function findOperation(
  client: FanfareClient,
  id: string,
): Promise<{
  calls: FanfareClient['messages'] | FanfareClient['emails'];
  operation: AnyOperation;
}> {
  try {
    return { calls: client.messages, operation: await client.messages.fetchOperation(id) };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    try {
      return { calls: client.emails, operation: await client.emails.fetchOperation(id) };
    } catch (second) {
      throw second instanceof NotFoundError ? error : second;
    }
  }
}

function describeOperation(operation: AnyOperation): string {
  const { id, status, pausedAt, createdAt, updatedAt, stats } = operation;
  return renderFields([
    ['id', id],
    ['status', pausedAt === null ? status : `${status}, paused since ${showTime(pausedAt)}`],
    ['accepted', showTime(createdAt)],
    ['updated', showTime(updatedAt)],
    ...Object.entries(stats).map(([name, value]) => [name, number(value)] as const),
  ]);
}

export function addOperationCommands(program: Command, globals: () => Globals): void {
  const operations = program
    .command('operations')
    .alias('ops')
    .description('show the progress of sends; cancel, pause and resume them')
    .addHelpText('after', EXAMPLES);

  operations
    .command('list')
    .description('list operations, newest first')
    .option('--emails', 'operations of e-mails')
    .addOption(
      new Option('--status <status>', 'only this status').choices([
        'SCHEDULED',
        'PROCESSING',
        'COMPLETED',
        'CANCELED',
      ]),
    )
    .option('--since <time>', 'accepted since: 90m, 24h, a date or a time', readSinceDate)
    .option('--until <time>', 'accepted before: 90m ago, a date or a time', readSinceDate)
    .addOption(limitOption())
    .action(({ emails, status, since, until, limit }: ListFlags) => {
      const client = connect(globals());
      const query = { status, startDate: since, endDate: until };
      const list = emails
        ? client.emails.listOperations(query)
        : client.messages.listOperations(query);
      return showList<AnyOperation>(globals(), list, COLUMNS, limit);
    });

  operations
    .command('get <id>')
    .description('show an operation with its counters')
    .action(async (id: string) => {
      const { operation } = await findOperation(connect(globals()), id);
      show(globals(), operation, describeOperation);
    });

  operations
    .command('errors <id>')
    .description('list recipients without success, with the reasons')
    .addOption(limitOption())
    .action(async (id: string, { limit }: ListFlags) => {
      const { calls } = await findOperation(connect(globals()), id);
      await showList<ErrorEntry>(
        globals(),
        calls.listOperationErrors(id) as AsyncIterable<ErrorEntry>,
        ERROR_COLUMNS,
        limit,
      );
    });

  addExportCommand(operations, globals);
  addFollowCommands(operations, globals);
}

const RESULT_STATUSES = [
  'SCHEDULED',
  'QUEUED',
  'SENT',
  'DELIVERED',
  'UNDELIVERED',
  'READ',
  'OPENED',
  'FAILED',
  'CANCELED',
  'UNADDRESSABLE',
];

function addExportCommand(operations: Command, globals: () => Globals): void {
  operations
    .command('export <id>')
    .description('write all recipients with their results, in the order of the request')
    .option('--output <file>', 'a new file; default: standard output')
    .option('--resume', 'continue the file of an export that broke off')
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else ndjson').choices([
        'ndjson',
        'csv',
      ]),
    )
    .addOption(
      new Option('--status <status...>', 'only recipients with these').choices(RESULT_STATUSES),
    )
    .action(async (id: string, flags: ExportFlags) => {
      const { calls } = await findOperation(connect(globals()), id);
      const { exportResults } = await import('./export.ts');
      await exportResults(calls, id, flags, globals());
    });
}

/** Commands that follow operations, and stop them. */
function addFollowCommands(operations: Command, globals: () => Globals): void {
  addWatchOptions(operations.command('watch [id]'))
    .description(
      'show the progress of an operation until it is done; without an id, of all operations in progress',
    )
    .action(async (id: string | undefined, flags: WatchFlags & StrictFlags) => {
      const client = connect(globals());
      const { watchAll, watchOne } = await import('./watch.ts');
      if (id === undefined) {
        if (flags.strict) failUsage('--strict requires an id.');
        return watchAll(client, globals(), interruption());
      }
      const { calls } = await findOperation(client, id);
      const done = await watchOne(calls, id, flags, globals());
      if (flags.strict) endIncomplete([done.stats]);
    });

  for (const [name, description] of [
    ['cancel', 'cancel an operation; messages that a carrier has continue'],
    ['pause', 'submit nothing more until the operation is resumed'],
    ['resume', 'continue a paused operation'],
  ] as const)
    operations
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string) => {
        const { calls } = await findOperation(connect(globals()), id);
        show<AnyOperation>(globals(), await calls[`${name}Operation`](id), describeOperation);
      });
}

interface ErrorEntry {
  readonly code: number;
  readonly message: string;
  readonly context: string;
  readonly to: readonly { readonly address: string }[] | { readonly address: string };
}

const ERROR_COLUMNS: readonly Column<ErrorEntry>[] = [
  { head: 'WHERE', cell: ({ context }) => context },
  {
    head: 'TO',
    cell: ({ to }) => (Array.isArray(to) ? to : [to]).map(({ address }) => address).join(','),
  },
  { head: 'CODE', cell: ({ code }) => String(code) },
  { head: 'WHY', cell: ({ message }) => message },
];

/** The first Ctrl-C ends the view in order. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    process.exitCode = EXIT.interrupted;
    controller.abort();
  });
  return controller.signal;
}
