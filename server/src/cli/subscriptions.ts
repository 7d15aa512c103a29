/** `fanfare subscriptions`: event subscriptions, their deliveries, and replays. */
import type { Delivery, DeliveryAttempt, Subscription } from '@fanfare/client';
import { Option, type Command } from 'commander';
import { connect } from './connect.ts';
import { fail, failUsage, type Globals } from './globals.ts';
import {
  collect,
  collectPair,
  limitOption,
  readDuration,
  readNumber,
  readSinceDate,
} from './options.ts';
import { number, show, showList, showTime, type Column } from './output.ts';

interface Flags {
  readonly sink?: string;
  readonly type: readonly string[];
  readonly tag: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly batchSize?: number;
  readonly batchDelay?: number;
  readonly overlap: number;
  readonly failed?: true;
  readonly pending?: true;
  readonly delivered?: true;
  readonly since?: Date;
  readonly id: readonly string[];
  readonly limit: number;
}

const BATCH_SIZE_MAX = 1_000;
const BATCH_DELAY_MS_MAX = 60_000;
const OVERLAP_MS_DEFAULT = 86_400_000;

const EXAMPLES = `
Examples:
  fanfare subscriptions create https://example.com/hook --type 'com.twilio.comms-api.message.*' --tag campaign=spring
  fanfare subscriptions test comms_subscription_…
  fanfare subscriptions attempts comms_subscription_… --failed
  fanfare subscriptions replay comms_subscription_… --since 24h`;

const COLUMNS: readonly Column<Subscription>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'TARGET', cell: ({ url, sink }) => url ?? `sink ${sink}` },
  { head: 'TYPES', cell: ({ types }) => types.join(',') },
  {
    head: 'TAGS',
    cell: ({ tags }) =>
      Object.entries(tags)
        .map((pair) => pair.join('='))
        .join(','),
  },
  { head: 'FAILURES', cell: ({ failures }) => (failures > 0 ? String(failures) : '') },
  {
    head: 'ABOUT',
    cell: ({ reason, description }) => [reason, description].filter(Boolean).join(' '),
  },
];

const describe = (subscription: Subscription) =>
  COLUMNS.map(({ cell }) => cell(subscription))
    .filter(Boolean)
    .join('  ');

const DELIVERY_COLUMNS: readonly Column<Delivery>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'CREATED', cell: ({ createdAt }) => showTime(createdAt) },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'TYPE', cell: ({ type }) => type },
  { head: 'SUBJECT', cell: ({ subject }) => subject },
  { head: 'EVENTS', cell: ({ events }) => String(events), isRight: true },
  { head: 'TRIES', cell: ({ tries }) => String(tries), isRight: true },
  { head: 'DUE', cell: ({ nextTryAt }) => showTime(nextTryAt) },
];

const ATTEMPT_COLUMNS: readonly Column<DeliveryAttempt>[] = [
  { head: 'AT', cell: ({ createdAt }) => showTime(createdAt) },
  { head: 'OUTCOME', cell: ({ delivered }) => (delivered ? 'delivered' : 'failed') },
  { head: 'EVENTS', cell: ({ events }) => String(events), isRight: true },
  { head: 'TOOK', cell: ({ tookMs }) => `${tookMs} ms`, isRight: true },
  { head: 'HTTP', cell: ({ httpStatus }) => String(httpStatus ?? '-') },
  { head: 'DETAIL', cell: ({ detail }) => detail ?? '' },
];

export function addSubscriptionCommands(program: Command, globals: () => Globals): void {
  const subscriptions = program
    .command('subscriptions')
    .description('manage event subscriptions and their deliveries')
    .addHelpText('after', EXAMPLES);
  const calls = () => connect(globals()).subscriptions;

  subscriptions
    .command('list')
    .description('list subscriptions, newest first')
    .addOption(limitOption())
    .action(({ limit }: Flags) => showList(globals(), calls().list(), COLUMNS, limit));

  addCreateOptions(subscriptions.command('create [url]'))
    .description('deliver events to a URL or a sink; prints the secret, which is shown only once')
    .action((url: string | undefined, flags: Flags) => create(url, flags, globals()));

  for (const [name, status, description] of [
    ['disable', 'DISABLED', 'stop deliveries to a subscription'],
    ['enable', 'ENABLED', 'resume deliveries; waiting events are due at once'],
  ] as const)
    subscriptions
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string) =>
        show(globals(), await calls().update(id, { status }), describe),
      );

  subscriptions
    .command('delete <id>')
    .description('delete a subscription')
    .action(async (id: string) => {
      await calls().delete(id);
      show(globals(), { id, deleted: true }, () => `Deleted ${id}`);
    });

  subscriptions
    .command('test <id>')
    .description('send one test event to the subscriber now')
    .action(async (id: string) => {
      const result = await calls().test(id);
      const { delivered, httpStatus, detail, tookMs } = result;
      const answer = `${httpStatus === null ? '' : `HTTP ${httpStatus}, `}${tookMs} ms`;
      if (!delivered) fail(`The event was not delivered (${answer}): ${detail ?? 'no answer.'}`);
      show(globals(), result, () => `Delivered (${answer})`);
    });

  subscriptions
    .command('rotate-secret <id>')
    .description('create and print a new secret, which is shown only once')
    .addOption(
      new Option('--overlap <time>', 'how long deliveries are also signed with the previous secret')
        .argParser(readDuration)
        .default(OVERLAP_MS_DEFAULT, '1d'),
    )
    .action(async (id: string, { overlap }: Flags) => {
      const rotated = await calls().rotateSecret(id, { overlapSeconds: overlap / 1_000 });
      show(
        globals(),
        rotated,
        ({ secret, previousUntil }) =>
          `Secret  ${secret}\nThe previous secret is valid until  ${showTime(previousUntil)}`,
      );
    });

  addHistoryCommands(subscriptions, globals);
}

/** Deliveries, attempts and replays. */
function addHistoryCommands(subscriptions: Command, globals: () => Globals): void {
  const calls = () => connect(globals()).subscriptions;

  subscriptions
    .command('deliveries <id>')
    .description('list pending and past deliveries, newest first')
    .option('--failed', 'only failed deliveries')
    .option('--pending', 'only pending deliveries')
    .addOption(limitOption())
    .action((id: string, { failed, pending, limit }: Flags) => {
      if (failed && pending) failUsage('Use --failed or --pending, but not both.');
      const status = failed ? 'FAILED' : pending ? 'PENDING' : undefined;
      return showList(globals(), calls().listDeliveries(id, { status }), DELIVERY_COLUMNS, limit);
    });

  subscriptions
    .command('attempts <id>')
    .description('list requests to the subscriber, newest first')
    .option('--failed', 'only failed requests')
    .addOption(limitOption())
    .action((id: string, { failed, limit }: Flags) =>
      showList(
        globals(),
        calls().listAttempts(id, failed ? { delivered: false } : {}),
        ATTEMPT_COLUMNS,
        limit,
      ),
    );

  subscriptions
    .command('replay <id>')
    .description('deliver again: failed deliveries, those since a time, or selected ones')
    .option('--failed', 'all failed deliveries')
    .option('--delivered', 'with --since: include successful deliveries')
    .option(
      '--since <time>',
      'failed deliveries of events since: 90m, 24h, a date or a time',
      readSinceDate,
    )
    .addOption(
      new Option('--id <delivery>', 'this delivery; repeatable')
        .argParser(collect)
        .default([], 'none'),
    )
    .action((id: string, flags: Flags) => replay(id, flags, globals()));
}

function addCreateOptions(command: Command): Command {
  return command
    .option('--sink <name>', 'configured sink instead of a URL')
    .addOption(
      new Option('--type <type>', 'event type, or a prefix with *; repeatable')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      new Option('--tag <key=value>', 'only events with this tag; repeatable')
        .argParser(collectPair)
        .default({}, 'any'),
    )
    .option('--description <text>', 'description of the subscription')
    .addOption(
      new Option('--batch-size <n>', 'maximum events in a request').argParser((text) =>
        readNumber(text, 1, BATCH_SIZE_MAX),
      ),
    )
    .addOption(
      new Option('--batch-delay <ms>', 'how long events are collected, in milliseconds').argParser(
        (text) => readNumber(text, 0, BATCH_DELAY_MS_MAX),
      ),
    );
}

async function create(url: string | undefined, flags: Flags, globals: Globals): Promise<void> {
  const { sink, type, tag, description, batchSize, batchDelay } = flags;
  if ((url === undefined) === (sink === undefined))
    failUsage('Specify a URL, or a sink with --sink, but not both.');
  const made = await connect(globals).subscriptions.create({
    url,
    sink,
    types: type.length > 0 ? [...type] : undefined,
    tags: Object.keys(tag).length > 0 ? { ...tag } : undefined,
    description,
    batch: { size: batchSize, delayMs: batchDelay },
  });
  show(globals, made, (each) => `${describe(each)}\nSecret  ${each.secret}`);
}

async function replay(id: string, flags: Flags, globals: Globals): Promise<void> {
  const { failed, delivered, since, id: deliveryIds } = flags;
  const isNamed = deliveryIds.length > 0;
  if (!isNamed && !failed && since === undefined)
    failUsage('Select deliveries with --failed, --since 24h, or --id (repeatable).');
  if (isNamed && (failed || delivered || since !== undefined))
    failUsage('Use --id without --failed, --delivered and --since.');
  if (delivered && since === undefined)
    failUsage('--delivered requires --since, such as --since 24h.');
  const replayed = await connect(globals).subscriptions.replay(
    id,
    isNamed
      ? { deliveryIds: [...deliveryIds] }
      : {
          startDate: since ?? new Date(0),
          statuses: delivered ? ['DELIVERED', 'FAILED'] : ['FAILED'],
        },
  );
  show(
    globals,
    replayed,
    ({ replayed: count }) =>
      `${number(count)} ${count === 1 ? 'delivery is' : 'deliveries are'} due again`,
  );
}
