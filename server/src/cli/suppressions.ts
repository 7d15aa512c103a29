/** `fanfare suppressions`: addresses that receive no messages. */
import type { Suppression } from '@fanfare/client';
import type { Command } from 'commander';
import { connect } from './connect.ts';
import { failUsage, type Globals } from './globals.ts';
import { addListOptions, type ListFlags } from './list-options.ts';
import { explainProblem, openFile, readAddress, RejectFile } from './lists.ts';
import { limitOption } from './options.ts';
import { number, print, show, showList, showTime, type Column } from './output.ts';
import { CountView } from './progress.ts';
import { PROBLEMS_SHOWN_MAX } from './source.ts';

interface Flags extends ListFlags {
  readonly sender?: string;
  readonly pool?: string;
  readonly reason?: string;
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
    .option('--sender <id>', 'block this sender only (default: all senders)')
    .option('--pool <id>', 'block this pool only')
    .option('--reason <text>', 'reason, shown in lists');

const scopeOf = ({ sender, pool, reason }: Flags) => ({
  ...(sender === undefined ? {} : { senderId: sender }),
  ...(pool === undefined ? {} : { senderPoolId: pool }),
  ...(reason === undefined ? {} : { reason }),
});

export function addSuppressionCommands(program: Command, globals: () => Globals): void {
  const suppressions = program
    .command('suppressions')
    .description('manage addresses that receive no messages')
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
    .description('list the entries of an address; the address does not appear in URLs and logs')
    .addOption(limitOption())
    .action((address: string, { limit }: Flags) =>
      showList(
        globals(),
        connect(globals()).suppressions.search({ address: readAddress('ANY', address) }),
        COLUMNS,
        limit,
      ),
    );

  withScope(suppressions.command('add <address>'))
    .description('add an address')
    .action(async (address: string, flags: Flags) => {
      const made = await connect(globals()).suppressions.add({
        address: readAddress('ANY', address),
        ...scopeOf(flags),
      });
      show(globals(), made, (each) =>
        COLUMNS.map(({ cell }) => cell(each))
          .join('  ')
          .trimEnd(),
      );
    });

  addListOptions(withScope(suppressions.command('import <file>')))
    .description('add all addresses of a CSV or NDJSON file; - for standard input')
    .option('--emails', 'import the e-mail addresses of a file that also has phone numbers')
    .action((file: string, flags: Flags) => importFile(file, flags, globals()));

  suppressions
    .command('remove <id>')
    .description('remove an entry')
    .action(async (id: string) => {
      await connect(globals()).suppressions.remove(id);
      show(globals(), { id, deleted: true }, () => `Removed ${id}`);
    });

  suppressions
    .command('export')
    .description('print the SHA-256 of each address, to compare lists without revealing addresses')
    .action(async () => {
      for (const each of await connect(globals()).suppressions.exportHashes())
        show(globals(), each, String);
    });
}

/** Adds every address that can be read, and fails when there are others: an opt-out must not wait for another's typing error. */
async function importFile(file: string, flags: Flags, globals: Globals): Promise<void> {
  const { suppressions } = connect(globals);
  if (file === flags.rejectFile)
    failUsage('--reject-file would overwrite the list. Use another name.');
  const view = new CountView('imported', null);
  const problems: string[] = [];
  let [total, created, bad] = [0, 0, 0];
  let addresses: string[] = [];
  const flush = async () => {
    if (addresses.length === 0) return;
    const result = await suppressions.import({ addresses, ...scopeOf(flags) });
    total += result.total;
    created += result.created;
    addresses = [];
    if (!globals.json && total >= IMPORT_MAX) view.draw(total);
  };
  const rejects = await RejectFile.open(flags.rejectFile);
  try {
    const opened = await openFile(file, {
      ...flags,
      kind: flags.emails ? 'EMAIL' : 'ANY',
      map: {},
    });
    for await (const rows of opened.rows()) {
      await rejects.write(rows);
      for (const row of rows) {
        const { address } = row.recipient ?? {};
        if (address === undefined) {
          bad += 1;
          if (bad <= PROBLEMS_SHOWN_MAX)
            problems.push(
              `${opened.placeOf(row, row.problem?.column)}: ${row.problem === null ? 'There is no address.' : explainProblem(row.problem)}`,
            );
          continue;
        }
        addresses.push(address);
        if (addresses.length === IMPORT_MAX) await flush();
      }
    }
  } finally {
    // Rows before an error are imported too: a repeated import does no harm.
    await flush();
    await rejects.close();
  }
  if (globals.json) print(JSON.stringify({ total, created, rejected: bad }));
  else print(`${count(total)}, ${number(created)} of them new`);
  if (bad === 0) return;
  const more = bad > problems.length ? `\nAnd ${number(bad - problems.length)} more.` : '';
  failUsage(
    `${problems.join('\n')}${more}\n${count(bad)} could not be read and ${bad === 1 ? 'was' : 'were'} not added. Correct the file and import it again; addresses that are on the list already are skipped.`,
  );
}

const count = (addresses: number) =>
  `${number(addresses)} ${addresses === 1 ? 'address' : 'addresses'}`;
