/** The flags of `fanfare send`. `send.ts` has the implementation, which is loaded when it is needed. */
import { Option, type Command } from 'commander';
import type { Globals } from './globals.ts';
import { addListOptions } from './list-options.ts';
import { collectPair } from './options.ts';
import type { SendFlags } from './send.ts';
import { addWatchOptions } from './strict.ts';

const EXAMPLES = `
Examples:
  fanfare send +15005550123 --text 'Hello!'
  fanfare send --file people.csv --text 'Hello {{ name }}!' --watch
  fanfare send --file people.csv --text-file words.txt --dry-run --prices prices.csv
  psql -Atc 'select phone from people' | fanfare send --file - --text 'Hello!'
  fanfare send --file people.csv --subject 'Spring' --html-file spring.html --from 'Ada <ada@example.com>'`;

export function addSendCommand(program: Command, globals: () => Globals): void {
  const command = program
    .command('send [addresses...]')
    .description('send content to addresses, or to all recipients in a file')
    .option('--text <text>', 'text, a Liquid template')
    .option('--text-file <file>', 'text from a file')
    .option('--content-id <id>', 'stored content')
    .option('--content-file <file>', 'content as JSON, in the format of the API')
    .option('--subject <text>', 'send an e-mail with this subject')
    .option('--html-file <file>', 'HTML of the e-mail from a file')
    .option('--file <file>', 'recipients as CSV or NDJSON; - for standard input');
  addListOptions(command)
    .addOption(
      new Option('--map <variable=column>', 'take a variable from a column; repeatable')
        .argParser(collectPair)
        .default({}, 'each column under its name'),
    )
    .option('--whatsapp', 'send to WhatsApp numbers')
    .option('--from <sender>', 'sender: an address, or the id of a sender or a pool')
    .addOption(
      new Option(
        '--from-channel <channel>',
        'channel of the sender address; SMS by default',
      ).choices(['SMS', 'RCS', 'WHATSAPP']),
    )
    .addOption(
      new Option('--tag <key=value>', 'tag; repeatable').argParser(collectPair).default({}, 'none'),
    )
    .option(
      '--schedule <time>',
      "time to send, or a duration such as 2h; a time without zone is in each recipient's time zone",
    )
    .option('--expire <time>', 'do not send messages after this time')
    .option('--skip-invalid', 'skip invalid rows instead of sending nothing')
    .option('--dedupe', 'skip duplicate addresses')
    .option('--key <key>', 'send once under this key (default: made of the file and the content)')
    .option('--dry-run', 'send nothing, and show a preview')
    .option('--prices <file>', 'with --dry-run: CSV file with prefix, price, channel, currency')
    .option('--watch', 'show the progress until it is done');
  addWatchOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], flags: SendFlags) => {
      const { runSend } = await import('./send.ts');
      await runSend(addresses, flags, globals());
    });
}
