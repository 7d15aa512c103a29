/** `fanfare subscriptions`: who is told what happens, what became of it, and telling it again. */
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
import { show, showList, showTime, type Column } from './output.ts';

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
  { head: 'ABOUT', cell: ({ about }) => about },
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
    .description('who is told what happens, and what became of it')
    .addHelpText('after', EXAMPLES);
  const calls = () => connect(globals()).subscriptions;

  subscriptions
    .command('list')
    .description('list subscriptions, newest first')
    .addOption(limitOption())
    .action(({ limit }: Flags) => showList(globals(), calls().list(), COLUMNS, limit));

  addCreateOptions(subscriptions.command('create [url]'))
    .description(
      'have events posted to a URL, or put into a sink; prints the secret, shown only now',
    )
    .action((url: string | undefined, flags: Flags) => create(url, flags, globals()));

  for (const [name, status, description] of [
    ['disable', 'DISABLED', 'tell a subscription nothing more'],
    ['enable', 'ENABLED', 'go on telling it; what waits is due at once'],
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
    .description('call the subscriber now, with one event')
    .action(async (id: string) => {
      const result = await calls().test(id);
      const { delivered, httpStatus, detail, tookMs } = result;
      const answer = `${httpStatus === null ? '' : `HTTP ${httpStatus}, `}${tookMs} ms`;
      if (!delivered) fail(`It was not delivered (${answer}): ${detail ?? 'no answer.'}`);
      show(globals(), result, () => `Delivered (${answer})`);
    });

  subscriptions
    .command('rotate-secret <id>')
    .description('print a new secret, which is shown only now')
    .addOption(
      new Option('--overlap <time>', 'how long deliveries are signed with the secret before, too')
        .argParser(readDuration)
        .default(OVERLAP_MS_DEFAULT, '1d'),
    )
    .action(async (id: string, { overlap }: Flags) => {
      const rotated = await calls().rotateSecret(id, { overlapSeconds: overlap / 1_000 });
      show(
        globals(),
        rotated,
        ({ secret, previousUntil }) =>
          `Secret  ${secret}\nThe one before is good until  ${showTime(previousUntil)}`,
      );
    });

  addHistoryCommands(subscriptions, globals);
}

/** What became of it, and telling it again. */
function addHistoryCommands(subscriptions: Command, globals: () => Globals): void {
  const calls = () => connect(globals()).subscriptions;

  subscriptions
    .command('deliveries <id>')
    .description('list what it is to be told and was, newest first')
    .option('--failed', 'only what was given up')
    .option('--pending', 'only what is to be told')
    .addOption(limitOption())
    .action((id: string, { failed, pending, limit }: Flags) => {
      if (failed && pending) failUsage('Give --failed or --pending, not both.');
      const status = failed ? 'FAILED' : pending ? 'PENDING' : undefined;
      return showList(globals(), calls().listDeliveries(id, { status }), DELIVERY_COLUMNS, limit);
    });

  subscriptions
    .command('attempts <id>')
    .description('list requests to the subscriber, newest first')
    .option('--failed', 'only those that failed')
    .addOption(limitOption())
    .action((id: string, { failed, limit }: Flags) =>
      showList(
        globals(),
        calls().listAttempts(id, failed ? { delivered: 'false' } : {}),
        ATTEMPT_COLUMNS,
        limit,
      ),
    );

  subscriptions
    .command('replay <id>')
    .description('tell it again: what failed, what happened since, or some deliveries')
    .option('--failed', 'all that was given up')
    .option('--delivered', 'with --since: what was delivered, too')
    .option(
      '--since <time>',
      'what was given up of what happened since: 90m, 24h or a time',
      readSinceDate,
    )
    .addOption(
      new Option('--id <delivery>', 'this delivery; may be repeated')
        .argParser(collect)
        .default([], 'none'),
    )
    .action((id: string, flags: Flags) => replay(id, flags, globals()));
}

function addCreateOptions(command: Command): Command {
  return command
    .option('--sink <name>', 'a sink of the configuration instead of a URL')
    .addOption(
      new Option('--type <type>', 'a type, or its beginning and *; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      new Option('--tag <key=value>', 'only what has this tag; may be repeated')
        .argParser(collectPair)
        .default({}, 'any'),
    )
    .option('--description <text>', 'words to know it by')
    .addOption(
      new Option('--batch-size <n>', 'most events of a request').argParser((text) =>
        readNumber(text, 1, BATCH_SIZE_MAX),
      ),
    )
    .addOption(
      new Option('--batch-delay <ms>', 'how long events are collected').argParser((text) =>
        readNumber(text, 0, BATCH_DELAY_MS_MAX),
      ),
    );
}

async function create(url: string | undefined, flags: Flags, globals: Globals): Promise<void> {
  const { sink, type, tag, description, batchSize, batchDelay } = flags;
  if ((url === undefined) === (sink === undefined)) failUsage('Give a URL, or a sink with --sink.');
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
    failUsage('Say what to tell again: --failed, --since 24h, or --id (which may be repeated).');
  if (isNamed && (failed || delivered || since !== undefined))
    failUsage('Give --id, or what is to be looked for; not both.');
  if (delivered && since === undefined) failUsage('With --delivered say since when: --since 24h.');
  const replayed = await connect(globals).subscriptions.replay(
    id,
    isNamed
      ? { deliveryIds: [...deliveryIds] }
      : {
          startDate: since ?? new Date(0),
          statuses: delivered ? ['DELIVERED', 'FAILED'] : ['FAILED'],
        },
  );
  show(globals, replayed, ({ replayed: count }) => `Due again: ${count}`);
}
