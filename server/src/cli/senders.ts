/** `fanfare senders`: the senders of an account. Those of the configuration are changed there. */
import { Option, type Command } from 'commander';
import {
  CHANNELS,
  decodeTypeId,
  defaultUnit,
  encodeTypeId,
  findSenderAddressProblem,
  normaliseSenderAddress,
  type Channel,
  type Sender,
} from '../app.ts';
import type { Config } from '../config/config.ts';
import { fail, findAccount, print, withAdmin } from './admin.ts';
import { describeLimits, toLimits, withLimits, type LimitOptions } from './sender-limits.ts';

interface Options extends LimitOptions {
  readonly account?: string;
  readonly channel: Channel;
  readonly carrier?: string;
  readonly name?: string;
  readonly default?: boolean;
}

const ID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const ID_MIN = '00000000-0000-0000-0000-000000000000';
/** Senders listed at most. */
const LIST_MAX = 100_000;

export function addSenderCommands(program: Command, readConfig: () => Config): void {
  const senders = program.command('senders').description('senders of an account');
  const account = () =>
    new Option('--account <sid>', 'account; may be left out when there is one only');

  senders
    .command('list')
    .description('list the senders of an account and of the configuration')
    .addOption(account())
    .action((options: Options) =>
      withAdmin(readConfig(), async (admin) => {
        const { id } = await findAccount(admin, options.account);
        const all = { channel: null, status: null, address: null, poolId: null };
        const range = { after: ID_MIN, before: ID_MAX };
        for (const each of await admin.senders.listSenders(id, { ...all, ...range }, LIST_MAX))
          print(describe(each));
      }),
    );

  withLimits(senders.command('add <address>').description('add a sender'))
    .addOption(account())
    .addOption(new Option('--channel <channel>', 'channel').choices(CHANNELS).makeOptionMandatory())
    .option('--carrier <name>', 'carrier; may be left out when one only takes the channel')
    .option('--name <text>', 'display name')
    .option('--default', 'use it when a request names no sender')
    .action((given: string, options: Options) => {
      const config = readConfig();
      const wrong = findSenderAddressProblem(options.channel, given);
      if (wrong !== null) fail(wrong);
      const address = normaliseSenderAddress(options.channel, given);
      return withAdmin(config, async (admin) => {
        const { id } = await findAccount(admin, options.account);
        const sender = await admin.senders.createSender(id, {
          address,
          channel: options.channel,
          carrier: chooseCarrier(config, options),
          displayName: options.name ?? null,
          status: 'ACTIVATED',
          isDefault: options.default ?? false,
          tags: {},
          throughput: null,
          throughputUnit: defaultUnit(options.channel),
          dailyCap: null,
          quietHours: null,
          ...toLimits(options),
        });
        print(
          describe(
            sender ?? fail(`The account has a ${options.channel} sender ${address} already.`),
          ),
        );
      });
    });

  withLimits(
    senders.command('limit <id>').description('set or lift limits of a sender that was added'),
  )
    .addOption(account())
    .action((senderId: string, options: Options) => {
      const limits = toLimits(options);
      if (Object.keys(limits).length === 0)
        fail('Give at least one of --throughput, --unit, --daily-cap and --quiet.');
      return withAdmin(readConfig(), async (admin) => {
        const { id } = await findAccount(admin, options.account);
        const sender = await admin.senders.updateSender(id, uuidOf(senderId), limits);
        print(describe(sender ?? fail(missing(senderId))));
      });
    });

  for (const [command, status] of [
    ['activate', 'ACTIVATED'],
    ['deactivate', 'DEACTIVATED'],
  ] as const)
    senders
      .command(`${command} <id>`)
      .description(`${command} a sender that was added`)
      .addOption(account())
      .action((senderId: string, options: Options) =>
        withAdmin(readConfig(), async (admin) => {
          const { id } = await findAccount(admin, options.account);
          const sender = await admin.senders.updateSender(id, uuidOf(senderId), { status });
          print(describe(sender ?? fail(missing(senderId))));
        }),
      );

  senders
    .command('remove <id>')
    .description('delete a sender that was added, from its pools too')
    .addOption(account())
    .action((senderId: string, options: Options) =>
      withAdmin(readConfig(), async (admin) => {
        const { id } = await findAccount(admin, options.account);
        if (!(await admin.senders.deleteSender(id, uuidOf(senderId)))) fail(missing(senderId));
        print(`Removed ${senderId}`);
      }),
    );
}

function chooseCarrier(config: Config, { carrier, channel }: Options): string {
  const able = Object.keys(config.carriers).filter((name) =>
    config.carriers[name]?.channels.includes(channel),
  );
  const [only, ...others] = able;
  if (carrier !== undefined && able.includes(carrier)) return carrier;
  if (carrier === undefined && only !== undefined && others.length === 0) return only;
  fail(
    `Name a carrier that takes ${channel} with --carrier: ${able.join(', ') || 'none is configured'}.`,
  );
}

function uuidOf(senderId: string): string {
  return decodeTypeId('comms_sender', senderId) ?? fail(missing(senderId));
}

function missing(senderId: string): string {
  return `The account has added no sender ${senderId}; "fanfare senders list" shows all.`;
}

function describe(sender: Sender): string {
  const marks = [sender.isDefault ? 'default' : '', sender.configured ? 'configured' : ''].filter(
    Boolean,
  );
  return `${encodeTypeId('comms_sender', sender.id)}  ${sender.channel}  ${sender.address}  ${sender.carrier}  ${sender.status}  ${marks.join(',')}  ${describeLimits(sender)}  ${sender.displayName ?? ''}`.trimEnd();
}
