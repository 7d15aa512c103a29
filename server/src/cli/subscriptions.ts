/** `fanfare subscriptions`: who is told what happens, what became of it, and telling it again. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  BATCH_DELAY_MS_DEFAULT,
  BATCH_DELAY_MS_MAX,
  BATCH_SIZE_DEFAULT,
  BATCH_SIZE_MAX,
  decodeTypeId,
  encodeAbout,
  encodeTypeId,
  EVENT_KINDS,
  findTagProblem,
  findTypeProblem,
  namesOfTypes,
  OVERLAP_SECONDS_DEFAULT,
  OVERLAP_SECONDS_MAX,
  uuidLowerBound,
  uuidTimeMs,
  type Account,
  type Admin,
  type Delivery,
  type DeliveryAttempt,
  type Subscription,
} from '../app.ts';
import type { Config } from '../config/config.ts';
import { newWebhookSecret } from '../lib/secrets.ts';
import { fail, findAccount, print, withAdmin } from './admin.ts';
import { parseDuration, parseSince } from './times.ts';

interface Options {
  readonly account?: string;
  readonly sink?: string;
  readonly type: readonly string[];
  readonly tag: readonly (readonly [string, string])[];
  readonly description?: string;
  readonly batchSize: number;
  readonly batchDelay: number;
  readonly overlap: number;
  readonly failed?: true;
  readonly pending?: true;
  readonly delivered?: true;
  readonly since?: Date;
  readonly id: readonly string[];
  readonly limit: number;
}

const ID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const ID_MIN = '00000000-0000-0000-0000-000000000000';
/** Subscriptions listed at most: more than an account may have. */
const LIST_MAX = 10_000;
const ROWS_DEFAULT = 50;
const ROWS_MAX = 10_000;

/** A subscription that a command is about. */
interface Found {
  readonly admin: Admin;
  readonly account: Account;
  readonly subscription: Subscription;
}

export function addSubscriptionCommands(program: Command, readConfig: () => Config): void {
  const subscriptions = program
    .command('subscriptions')
    .description('who is told what happens, and what became of it');
  const add = (words: string, description: string) =>
    subscriptions
      .command(words)
      .description(description)
      .option('--account <sid>', 'account; may be left out when there is one only');
  /** A command about one subscription. */
  const addFor = (
    name: string,
    description: string,
    work: (found: Found, options: Options) => Promise<void>,
  ) =>
    add(`${name} <id>`, description).action((id: string, options: Options) =>
      withAdmin(readConfig(), async (admin) => {
        const account = await findAccount(admin, options.account);
        const uuid = decodeTypeId('comms_subscription', id);
        const subscription =
          uuid && (await admin.subscriptions.fetchSubscription(account.id, uuid));
        if (!subscription)
          fail(
            `The account has no subscription ${id}; "fanfare subscriptions list" shows all, those of statusCallbacks too.`,
          );
        await work({ admin, account, subscription }, options);
      }),
    );

  add('list', 'list the subscriptions of an account, newest first').action((options: Options) =>
    withAdmin(readConfig(), async (admin) => {
      const { id } = await findAccount(admin, options.account);
      for (const each of await admin.subscriptions.listSubscriptions(id, ID_MAX, LIST_MAX))
        print(describe(each));
    }),
  );
  addCreateOptions(add('create [url]', 'have events posted to a URL, or put into a sink')).action(
    (url: string | undefined, options: Options) =>
      withAdmin(readConfig(), (admin) => create(admin, url, options)),
  );
  addFor('disable', 'tell a subscription nothing more', (found) => setStatus(found, 'DISABLED'));
  addFor('enable', 'go on telling it; what waits is due at once', (found) =>
    setStatus(found, 'ENABLED'),
  );
  addFor('delete', 'delete a subscription', remove);
  addFor('test', 'call the subscriber now, with one event', test);
  addFor('rotate-secret', 'print a new secret, which is shown only now', rotate).addOption(
    new Option('--overlap <time>', 'how long deliveries are signed with the secret before, too')
      .default(OVERLAP_SECONDS_DEFAULT * 1_000, '1d')
      .argParser(readOverlap),
  );
  addFor('deliveries', 'list what it is to be told and was, newest first', listDeliveries)
    .option('--failed', 'only what was given up')
    .option('--pending', 'only what is to be told')
    .addOption(limitOption());
  addFor('attempts', 'list requests to the subscriber, newest first', listAttempts)
    .option('--failed', 'only those that failed')
    .addOption(limitOption());
  addFor('replay', 'tell it again: what failed, what happened since, or some deliveries', replay)
    .option('--failed', 'all that was given up')
    .option('--delivered', 'with --since: what was delivered, too')
    .addOption(
      new Option(
        '--since <time>',
        'what was given up of what happened since: 90m, 24h or a time',
      ).argParser(readSince),
    )
    .addOption(
      new Option('--id <delivery>', 'this delivery; may be repeated')
        .argParser(collect)
        .default([], 'none'),
    );
}

function addCreateOptions(command: Command): Command {
  return command
    .option('--sink <name>', 'a sink of the configuration instead of a URL')
    .addOption(
      new Option('--type <type>', 'a type, or its beginning and *; may be repeated')
        .argParser(collectType)
        .default([], 'all'),
    )
    .addOption(
      new Option('--tag <key=value>', 'only what has this tag; may be repeated')
        .argParser(collectTag)
        .default([], 'any'),
    )
    .option('--description <text>', 'words to know it by')
    .addOption(
      new Option('--batch-size <n>', 'most events of a request')
        .argParser((text) => readNumber(text, 1, BATCH_SIZE_MAX))
        .default(BATCH_SIZE_DEFAULT),
    )
    .addOption(
      new Option('--batch-delay <ms>', 'how long events are collected')
        .argParser((text) => readNumber(text, 0, BATCH_DELAY_MS_MAX))
        .default(BATCH_DELAY_MS_DEFAULT),
    );
}

const limitOption = () =>
  new Option('--limit <n>', 'how many to list')
    .argParser((text) => readNumber(text, 1, ROWS_MAX))
    .default(ROWS_DEFAULT);

function readNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  return value;
}

function readOverlap(text: string): number {
  const value = parseDuration(text);
  if (value === null || value > OVERLAP_SECONDS_MAX * 1_000)
    throw new InvalidArgumentError('Give a time such as 12h, at most 7d; 0s for none.');
  return value;
}

function readSince(text: string): Date {
  const since = parseSince(text, Date.now());
  if (since === null)
    throw new InvalidArgumentError(
      'Give a duration such as 24h, or a time such as 2030-01-31T09:00:00Z.',
    );
  return since;
}

const collect = (text: string, before: readonly string[]) => [...before, text];

function collectType(text: string, before: readonly string[]): string[] {
  const problem = findTypeProblem(text);
  if (problem !== null) throw new InvalidArgumentError(problem);
  return [...before, text];
}

function collectTag(
  text: string,
  before: readonly (readonly [string, string])[],
): (readonly [string, string])[] {
  const [key = '', ...rest] = text.split('=');
  const pair = [key, rest.join('=')] as const;
  const problem = findTagProblem(...pair);
  if (problem !== null) throw new InvalidArgumentError(problem);
  return [...before, pair];
}

async function create(admin: Admin, url: string | undefined, options: Options): Promise<void> {
  const { sink } = options;
  const target = url ?? sink;
  if (target === undefined || (url !== undefined && sink !== undefined))
    fail('Give a URL, or a sink with --sink.');
  const problem = url === undefined ? null : admin.subscribers.findUrlProblem(url);
  if (problem !== null) fail(problem);
  const { sinks } = admin.subscribers;
  if (sink !== undefined && !sinks.includes(sink))
    fail(`There is no sink "${sink}"; the configuration has ${sinks.join(', ') || 'none'}.`);
  const { id } = await findAccount(admin, options.account);
  const types = options.type.length > 0 ? options.type : ['*'];
  const secret = newWebhookSecret();
  const made = await admin.subscriptions.addSubscription(id, {
    kind: url === undefined ? 'SINK' : 'WEBHOOK',
    target,
    secret,
    description: options.description ?? null,
    types,
    names: namesOfTypes(types),
    tags: Object.fromEntries(options.tag),
    batchSize: options.batchSize,
    batchDelayMs: options.batchDelay,
    authToken: null,
  });
  print(describe(made ?? fail('The account has as many subscriptions as it may have.')));
  print(`Secret  ${secret}`);
}

async function setStatus(
  { admin, account, subscription }: Found,
  status: Subscription['status'],
): Promise<void> {
  // Why the server disabled it is not forgotten by disabling it again.
  if (status === 'DISABLED' && subscription.status === status) return print(describe(subscription));
  const now = await admin.subscriptions.setSubscriptionStatus(
    account.id,
    subscription.id,
    status,
    null,
  );
  print(describe(now ?? fail('It was deleted at the same moment.')));
}

async function remove({ admin, account, subscription }: Found): Promise<void> {
  await admin.subscriptions.removeSubscription(account.id, subscription.id);
  print(`Deleted ${shownId(subscription)}`);
}

async function test({ admin, account, subscription }: Found): Promise<void> {
  const secrets = await admin.subscriptions.fetchSecrets(account.id, subscription.id);
  if (secrets === null) fail('It was deleted at the same moment.');
  const { kind, target } = subscription;
  const result = await admin.subscribers.test({
    id: shownId(subscription),
    kind,
    target,
    ...secrets,
  });
  const { delivered, httpStatus, detail, tookMs } = result;
  const answer = `${httpStatus === null ? '' : `HTTP ${httpStatus}, `}${tookMs} ms`;
  if (!delivered) fail(`It was not delivered (${answer}): ${detail ?? 'no answer.'}`);
  print(`Delivered (${answer})`);
}

async function rotate(
  { admin, account, subscription }: Found,
  { overlap }: Options,
): Promise<void> {
  const secret = newWebhookSecret();
  const until = await admin.subscriptions.rotateSecret(
    account.id,
    subscription.id,
    secret,
    overlap,
  );
  if (until === null) fail('It was deleted at the same moment.');
  print(`Secret  ${secret}\nThe one before is good until  ${until.toISOString()}`);
}

async function listDeliveries(
  { admin, account, subscription }: Found,
  { failed, pending, limit }: Options,
): Promise<void> {
  if (failed && pending) fail('Give --failed or --pending, not both.');
  const status = failed ? 'FAILED' : pending ? 'PENDING' : null;
  const range = { after: ID_MIN, before: ID_MAX };
  const { id } = subscription;
  for (const each of await admin.deliveries.listDeliveries(
    account.id,
    id,
    { ...range, status },
    limit,
  ))
    print(describeDelivery(each));
}

async function listAttempts(
  { admin, account, subscription }: Found,
  { failed, limit }: Options,
): Promise<void> {
  const filter = { after: ID_MIN, before: ID_MAX, delivered: failed ? false : null };
  const { id } = subscription;
  for (const each of await admin.deliveries.listDeliveryAttempts(account.id, id, filter, limit))
    print(describeAttempt(each));
}

async function replay(
  { admin, account, subscription }: Found,
  { failed, delivered, since, id: given }: Options,
): Promise<void> {
  const isNamed = given.length > 0;
  if (!isNamed && !failed && since === undefined)
    fail('Say what to tell again: --failed, --since 24h, or --id (which may be repeated).');
  if (isNamed && (failed || delivered || since !== undefined))
    fail('Give --id, or what is to be looked for; not both.');
  if (delivered && since === undefined) fail('With --delivered say since when: --since 24h.');
  const eventIds = given.map(
    (each) =>
      decodeTypeId('comms_delivery', each) ??
      fail(`"${each}" is not the id of a delivery; "fanfare subscriptions deliveries" lists them.`),
  );
  const count = await admin.deliveries.replayDeliveries(account.id, subscription.id, {
    eventIds: isNamed ? eventIds : null,
    after: since === undefined ? ID_MIN : uuidLowerBound(since.getTime()),
    before: ID_MAX,
    statuses: isNamed
      ? ['PENDING', 'DELIVERED', 'FAILED']
      : delivered
        ? ['DELIVERED', 'FAILED']
        : ['FAILED'],
  });
  print(`Due again: ${count}`);
}

const shownId = ({ id }: Subscription) => encodeTypeId('comms_subscription', id);

function describe(subscription: Subscription): string {
  const { kind, target, status, types, tags, reason, failures, description } = subscription;
  const parts = [
    shownId(subscription),
    status,
    kind,
    target,
    types.join(','),
    Object.entries(tags)
      .map((pair) => pair.join('='))
      .join(','),
    failures > 0 ? `failures: ${failures}` : '',
    reason ?? '',
    description ?? '',
  ];
  return parts.filter(Boolean).join('  ');
}

function describeDelivery({ eventId, status, name, about, events, ...rest }: Delivery): string {
  return [
    encodeTypeId('comms_delivery', eventId),
    rest.at.toISOString(),
    status,
    EVENT_KINDS[name].type,
    encodeAbout({ name, about }),
    `events: ${events}`,
    `tries: ${rest.tries}`,
    ...(rest.dueAt === null ? [] : [`due: ${rest.dueAt.toISOString()}`]),
  ].join('  ');
}

function describeAttempt(attempt: DeliveryAttempt): string {
  return [
    new Date(uuidTimeMs(attempt.id)).toISOString(),
    attempt.delivered ? 'delivered' : 'failed',
    `events: ${attempt.events}`,
    `${attempt.tookMs} ms`,
    ...(attempt.httpStatus === null ? [] : [`HTTP ${attempt.httpStatus}`]),
    ...(attempt.detail === null ? [] : [attempt.detail]),
  ].join('  ');
}
