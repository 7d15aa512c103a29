/** `fanfare messages`: single messages and their results; with `--emails` e-mails. */
import type { EmailSummary, FanfareClient, MessageSummary } from '@fanfare/client';
import { Option, type Command } from 'commander';
import { connect } from './connect.ts';
import { failUsage, type Globals } from './globals.ts';
import { collectPair, limitOption, readSinceDate } from './options.ts';
import { renderFields, renderTable, show, showList, showTime, type Column } from './output.ts';

type Summary = MessageSummary | EmailSummary;
type Details = Awaited<ReturnType<FanfareClient['messages']['fetch']>>;

interface Flags {
  readonly emails?: true;
  readonly operation?: string;
  readonly status?: string;
  readonly channel?: string;
  readonly tag: Readonly<Record<string, string>>;
  readonly since?: Date;
  readonly until?: Date;
  readonly limit: number;
}

const STATUSES = [
  'SCHEDULED',
  'QUEUED',
  'SENT',
  'DELIVERED',
  'UNDELIVERED',
  'READ',
  'OPENED',
  'FAILED',
  'CANCELED',
  'INBOUND',
];

const EXAMPLES = `
Examples:
  fanfare messages list --operation comms_operation_… --status FAILED
  fanfare messages search +15005550123 --since 7d
  fanfare messages get comms_message_…
  fanfare messages list --emails --tag campaign=spring --limit 100000 --json > spring.ndjson`;

/** Addresses of `to`, which has one recipient with one or several. */
function addressOf({ to }: { readonly to: unknown }): string {
  return [to]
    .flat()
    .map((each) => {
      const { address, addresses } = each as {
        address?: string;
        addresses?: readonly { address: string }[];
      };
      return address ?? addresses?.map((one) => one.address).join('|') ?? '';
    })
    .join(',');
}

const COLUMNS: readonly Column<Summary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'TO', cell: addressOf },
  {
    head: 'FROM',
    cell: ({ from }) => ('channel' in from ? `${from.address} (${from.channel})` : from.address),
  },
  { head: 'UPDATED', cell: ({ updatedAt }) => showTime(updatedAt) },
];

function addFilters(command: Command): Command {
  return command
    .option('--emails', 'e-mails instead of messages')
    .option('--operation <id>', 'only messages of this operation')
    .addOption(new Option('--status <status>', 'only this status').choices(STATUSES))
    .addOption(
      new Option('--channel <channel>', 'only this channel').choices(['SMS', 'RCS', 'WHATSAPP']),
    )
    .addOption(
      new Option('--tag <key=value>', 'only with this tag; repeatable')
        .argParser(collectPair)
        .default({}, 'any'),
    )
    .option('--since <time>', 'accepted since: 90m, 24h, a date or a time', readSinceDate)
    .option('--until <time>', 'accepted before: 90m ago, a date or a time', readSinceDate)
    .addOption(limitOption());
}

function toQuery({ operation, status, channel, tag, since, until, emails }: Flags): object {
  if (emails && channel !== undefined) failUsage('--channel does not apply to e-mails.');
  const tags = Object.entries(tag)
    .map((pair) => pair.join(':'))
    .join(';');
  return {
    operationId: operation,
    status,
    ...(emails ? {} : { channel }),
    startDate: since,
    endDate: until,
    ...(tags === '' ? {} : { tags }),
  };
}

export function addMessageCommands(program: Command, globals: () => Globals): void {
  const messages = program
    .command('messages')
    .description('show and cancel single messages and e-mails')
    .addHelpText('after', EXAMPLES);

  addFilters(messages.command('list'))
    .description('list messages, newest first')
    .action((flags: Flags) => {
      const client = connect(globals());
      const query = { ...toQuery(flags), pageSize: Math.min(flags.limit + 1, 1_000) };
      const list = flags.emails ? client.emails.list(query) : client.messages.list(query);
      return showList<Summary>(globals(), list, COLUMNS, flags.limit);
    });

  addFilters(messages.command('search <address>'))
    .description('list messages to an address; the address does not appear in URLs and logs')
    .action((address: string, flags: Flags) => {
      const client = connect(globals());
      const filter = {
        ...toQuery(flags),
        address,
        pageSize: Math.min(flags.limit + 1, 1_000),
      };
      const list = flags.emails ? client.emails.search(filter) : client.messages.search(filter);
      return showList<Summary>(globals(), list, COLUMNS, flags.limit);
    });

  messages
    .command('get <id>')
    .description('show a message with its attempts; the id of an attempt (SM…) works too')
    .action(async (id: string) => {
      const client = connect(globals());
      const message = id.startsWith('comms_email_')
        ? await client.emails.fetch(id)
        : /^(SM|MM)/i.test(id)
          ? await client.messages.seekByIdentifier(id)
          : await client.messages.fetch(id);
      show(globals(), message as Details, describeMessage);
    });

  messages
    .command('cancel <id>')
    .description('cancel a message that is not submitted to a carrier yet')
    .action(async (id: string) => {
      const client = connect(globals());
      const message = id.startsWith('comms_email_')
        ? await client.emails.cancel(id)
        : await client.messages.cancel(id);
      show(globals(), message as Details, describeMessage);
    });
}

function describeMessage(message: Details): string {
  const { id, status, related, tags, createdAt, scheduledFor, updatedAt, deletedAt } = message;
  const { attempts = [] } = message;
  const to = addressOf(message);
  const fields = renderFields([
    ['id', id],
    ['status', status],
    ...(to === '' ? [] : [['to', to] as const]),
    ...related.map((each) => [each.name.toLowerCase(), each.id] as const),
    ...Object.entries(tags).map((pair) => ['tag', pair.join('=')] as const),
    ['accepted', showTime(createdAt)],
    ...(scheduledFor === null ? [] : [['scheduled for', showTime(scheduledFor)] as const]),
    ['updated', showTime(updatedAt)],
    deletedAt === null
      ? ['content', JSON.stringify((message as { content?: unknown }).content)]
      : ['deleted', `${showTime(deletedAt)}, with its address and content`],
  ]);
  if (attempts.length === 0) return fields;
  const table = renderTable<Details['attempts'][number]>(
    [
      { head: 'ATTEMPT', cell: ({ attemptedAt }) => showTime(attemptedAt) },
      { head: 'STATUS', cell: (each) => each.status },
      { head: 'FROM', cell: ({ from }) => `${from.address} ${from.channel ?? ''}`.trim() },
      { head: 'ERROR', cell: ({ error }) => (error ? `${error.code} ${error.message}` : '') },
    ],
    attempts,
  );
  return `${fields}\n\n${table}`;
}
