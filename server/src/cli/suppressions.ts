/** `fanfare suppressions`: who is not sent to. */
import type { Suppression } from '@fanfare/client';
import type { Command } from 'commander';
import { connect } from './connect.ts';
import { failUsage, type Globals } from './globals.ts';
import { limitOption } from './options.ts';
import { number, print, show, showList, showTime, type Column } from './output.ts';
import { CountView } from './progress.ts';
import { readFile } from './recipients.ts';

interface Flags {
  readonly sender?: string;
  readonly pool?: string;
  readonly reason?: string;
  readonly toColumn?: string;
  readonly emails?: true;
  readonly limit: number;
}

/** Addresses of one request. */
const IMPORT_MAX = 10_000;

const EXAMPLES = `
Examples:
  fanfare suppressions add +15005550123 --reason 'asked by phone'
  fanfare suppressions import opted-out.csv
  fanfare suppressions search +15005550123`;

const COLUMNS: readonly Column<Suppression>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'ADDRESS', cell: ({ address }) => address },
  { head: 'OF', cell: ({ senderId, senderPoolId }) => senderId ?? senderPoolId ?? 'the account' },
  { head: 'SINCE', cell: ({ createdAt }) => showTime(createdAt) },
  { head: 'REASON', cell: ({ reason }) => reason ?? '' },
];

const withScope = (command: Command) =>
  command
    .option('--sender <id>', 'not from this sender; from any when left out')
    .option('--pool <id>', 'not from this pool')
    .option('--reason <text>', 'words to know it by');

const scopeOf = ({ sender, pool, reason }: Flags) => ({
  ...(sender === undefined ? {} : { senderId: sender }),
  ...(pool === undefined ? {} : { senderPoolId: pool }),
  ...(reason === undefined ? {} : { reason }),
});

export function addSuppressionCommands(program: Command, globals: () => Globals): void {
  const suppressions = program
    .command('suppressions')
    .description('who is not sent to')
    .addHelpText('after', EXAMPLES);

  suppressions
    .command('list')
    .description('list entries, newest first')
    .addOption(limitOption())
    .action(({ limit }: Flags) =>
      showList(globals(), connect(globals()).suppressions.list(), COLUMNS, limit),
    );

  suppressions
    .command('search <address>')
    .description('list the entries of an address, which stays out of URLs and logs')
    .addOption(limitOption())
    .action((address: string, { limit }: Flags) =>
      showList(globals(), connect(globals()).suppressions.search({ address }), COLUMNS, limit),
    );

  withScope(suppressions.command('add <address>'))
    .description('add an address')
    .action(async (address: string, flags: Flags) => {
      const made = await connect(globals()).suppressions.add({ address, ...scopeOf(flags) });
      show(globals(), made, (each) =>
        COLUMNS.map(({ cell }) => cell(each))
          .join('  ')
          .trimEnd(),
      );
    });

  withScope(suppressions.command('import <file>'))
    .description('add all addresses of a CSV or NDJSON file; - is standard input')
    .option('--to-column <column>', 'the column with the address, when its name does not tell')
    .option('--emails', 'they are e-mail addresses')
    .action((file: string, flags: Flags) => importFile(file, flags, globals()));

  suppressions
    .command('remove <id>')
    .description('take an entry off the list')
    .action(async (id: string) => {
      await connect(globals()).suppressions.remove(id);
      show(globals(), { id, deleted: true }, () => `Removed ${id}`);
    });

  suppressions
    .command('export')
    .description('print SHA-256 of each address, to compare lists without showing them')
    .action(async () => {
      for (const each of await connect(globals()).suppressions.exportHashes())
        show(globals(), each, String);
    });
}

async function importFile(file: string, flags: Flags, globals: Globals): Promise<void> {
  const { suppressions } = connect(globals);
  const view = new CountView('imported', null);
  let [total, created] = [0, 0];
  let addresses: string[] = [];
  const flush = async () => {
    if (addresses.length === 0) return;
    const result = await suppressions.import({ addresses, ...scopeOf(flags) });
    total += result.total;
    created += result.created;
    addresses = [];
    if (!globals.json && total >= IMPORT_MAX) view.draw(total);
  };
  const rows = readFile(file, null, {
    kind: flags.emails ? 'EMAIL' : 'PHONE',
    column: flags.toColumn ?? null,
    map: {},
    countryCode: null,
  });
  for await (const { where, recipient, problem } of rows) {
    if (problem !== null || recipient.address === undefined)
      failUsage(
        `${where}: ${problem} ${number(total)} before it are on the list; importing again does no harm.`,
      );
    addresses.push(recipient.address);
    if (addresses.length === IMPORT_MAX) await flush();
  }
  await flush();
  if (globals.json) print(JSON.stringify({ total, created }));
  else print(`${number(total)} addresses, ${number(created)} of them new`);
}
