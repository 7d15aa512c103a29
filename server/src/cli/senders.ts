/** `fanfare senders` and `fanfare pools`. */
import type { Sender, SenderPool } from '@fanfare/client';
import { Option, type Command } from 'commander';
import { connect } from './connect.ts';
import { failUsage, type Globals } from './globals.ts';
import { limitOption } from './options.ts';
import { show, showList, showTime, type Column } from './output.ts';
import { describeLimits, toLimits, withLimits, type LimitOptions } from './sender-limits.ts';

const CHANNELS = ['SMS', 'RCS', 'WHATSAPP', 'EMAIL'] as const;

interface Flags extends LimitOptions {
  readonly channel: Sender['channel'];
  readonly carrier?: string;
  readonly name?: string;
  readonly default?: true;
  readonly limit: number;
}

const EXAMPLES = `
Examples:
  fanfare senders add +15005550100 --channel SMS --carrier smsc --throughput 10 --unit SEGMENTS
  fanfare senders add '*@mail.example.com' --channel EMAIL
  fanfare senders limit comms_sender_… --daily-cap 5000 --quiet 21:00-08:00
  fanfare pools create Spring comms_sender_… comms_sender_…`;

const SENDER_COLUMNS: readonly Column<Sender>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'CHANNEL', cell: ({ channel }) => channel },
  { head: 'ADDRESS', cell: ({ address }) => address },
  { head: 'CARRIER', cell: ({ carrier }) => carrier },
  { head: 'STATUS', cell: ({ status }) => status },
  {
    head: 'MARKS',
    cell: (each) =>
      [each.default ? 'default' : '', each.configured ? 'configured' : '']
        .filter(Boolean)
        .join(','),
  },
  { head: 'LIMITS', cell: describeLimits },
  { head: 'NAME', cell: ({ displayName }) => displayName ?? '' },
];

function describeSender(sender: Sender): string {
  return SENDER_COLUMNS.map(({ cell }) => cell(sender))
    .filter(Boolean)
    .join('  ');
}

export function addSenderCommands(program: Command, globals: () => Globals): void {
  const senders = program
    .command('senders')
    .description('manage senders')
    .addHelpText('after', EXAMPLES);

  senders
    .command('list')
    .description('list senders of the account and of the configuration')
    .addOption(new Option('--channel <channel>', 'only this channel').choices(CHANNELS))
    .addOption(limitOption())
    .action(({ channel, limit }: Flags) =>
      showList(globals(), connect(globals()).senders.list({ channel }), SENDER_COLUMNS, limit),
    );

  withLimits(senders.command('add <address>'))
    .description('add a sender')
    .addOption(new Option('--channel <channel>', 'channel').choices(CHANNELS).makeOptionMandatory())
    .option('--carrier <name>', 'carrier; optional if only one supports the channel')
    .option('--name <text>', 'display name')
    .option('--default', 'use this sender when a request names none')
    .action(async (address: string, flags: Flags) => {
      const { channel, carrier, name, default: isDefault } = flags;
      const sender = await connect(globals()).senders.create({
        address,
        channel,
        carrier,
        displayName: name,
        default: isDefault,
        ...toLimits(flags),
      });
      show(globals(), sender, describeSender);
    });

  withLimits(senders.command('limit <id>'))
    .description('set or remove limits of an added sender')
    .action(async (id: string, flags: Flags) => {
      const limits = toLimits(flags);
      if (Object.keys(limits).length === 0)
        failUsage('Set at least one of --throughput, --unit, --daily-cap and --quiet.');
      show(globals(), await connect(globals()).senders.update(id, limits), describeSender);
    });

  for (const [name, status] of [
    ['activate', 'ACTIVATED'],
    ['deactivate', 'DEACTIVATED'],
  ] as const)
    senders
      .command(`${name} <id>`)
      .description(`${name} an added sender`)
      .action(async (id: string) =>
        show(globals(), await connect(globals()).senders.update(id, { status }), describeSender),
      );

  senders
    .command('remove <id>')
    .description('delete an added sender, also from its pools')
    .action(async (id: string) => {
      await connect(globals()).senders.delete(id);
      show(globals(), { id, deleted: true }, () => `Removed ${id}`);
    });
}

const POOL_COLUMNS: readonly Column<SenderPool>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name ?? '' },
  { head: 'CREATED', cell: ({ createdAt }) => showTime(createdAt) },
];

export function addPoolCommands(program: Command, globals: () => Globals): void {
  const pools = program.command('pools').description('manage sender pools');
  const describePool = (pool: SenderPool) => POOL_COLUMNS.map(({ cell }) => cell(pool)).join('  ');

  pools
    .command('list')
    .description('list pools, newest first')
    .addOption(limitOption())
    .action(({ limit }: Flags) =>
      showList(globals(), connect(globals()).senderPools.list(), POOL_COLUMNS, limit),
    );

  pools
    .command('create <name> [senders...]')
    .description('create a pool of senders by their ids')
    .action(async (name: string, senders: string[]) => {
      const client = connect(globals());
      const { operationId } = await client.senderPools.create({
        name,
        senders: senders.map((senderId) => ({ senderId })),
      });
      const { senderPools } = await client.senderPools.list({ operationId });
      for (const each of senderPools) show(globals(), each, describePool);
    });

  pools
    .command('members <id>')
    .description('list the senders of a pool')
    .addOption(limitOption())
    .action((id: string, { limit }: Flags) =>
      showList(globals(), connect(globals()).senderPools.listSenders(id), SENDER_COLUMNS, limit),
    );

  pools
    .command('add <id> <senders...>')
    .description('add senders to a pool')
    .action(async (id: string, senders: string[]) => {
      const members = senders.map((senderId) => ({ senderId }));
      const reference = await connect(globals()).senderPools.addSender(id, members);
      show(globals(), reference, () => `Added ${senders.join(', ')}`);
    });

  pools
    .command('remove <id> <sender>')
    .description('remove a sender from a pool')
    .action(async (id: string, sender: string) => {
      const reference = await connect(globals()).senderPools.removeSender(id, sender);
      show(globals(), reference, () => `Removed ${sender}`);
    });

  pools
    .command('delete <id>')
    .description('delete a pool; its senders stay')
    .action(async (id: string) => {
      await connect(globals()).senderPools.delete(id);
      show(globals(), { id, deleted: true }, () => `Deleted ${id}`);
    });
}
