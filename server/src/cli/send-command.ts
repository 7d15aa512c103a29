/** The flags of `fanfare send`. What they do is next door, loaded when it is wanted. */
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
  fanfare send --file people.csv --subject 'News' --html-file news.html --from 'Ada <ada@example.com>'`;

export function addSendCommand(program: Command, globals: () => Globals): void {
  const command = program
    .command('send [addresses...]')
    .description('send a content to addresses, or to all of a file')
    .option('--text <text>', 'the words, with Liquid')
    .option('--text-file <file>', 'the words, from a file')
    .option('--content-id <id>', 'a stored content')
    .option('--content-file <file>', 'a content as JSON, as the API takes it')
    .option('--subject <text>', 'send an e-mail with this subject')
    .option('--html-file <file>', "an e-mail's HTML, from a file")
    .option('--file <file>', 'recipients, CSV or NDJSON; - is standard input');
  addListOptions(command)
    .addOption(
      new Option('--map <variable=column>', 'a variable from a column; may be repeated')
        .argParser(collectPair)
        .default({}, 'each column under its own name'),
    )
    .option('--whatsapp', 'to WhatsApp numbers')
    .option('--from <sender>', 'an address, or the id of a sender or a pool')
    .addOption(
      new Option('--from-channel <channel>', 'channel of that address (SMS)').choices([
        'SMS',
        'RCS',
        'WHATSAPP',
      ]),
    )
    .addOption(
      new Option('--tag <key=value>', 'a tag; may be repeated')
        .argParser(collectPair)
        .default({}, 'none'),
    )
    .option('--schedule <time>', "when: a time, without zone by each recipient's clock, or 2h")
    .option('--expire <time>', 'what has not been sent by then is not sent any more')
    .option('--skip-invalid', 'leave out rows that are wrong, instead of sending nothing')
    .option('--dedupe', 'leave out addresses that came before')
    .option('--key <key>', 'go on with a send that was interrupted under this key')
    .option('--dry-run', 'send nothing; show what would be sent')
    .option('--prices <file>', 'with --dry-run: CSV with prefix, price, channel, currency')
    .option('--watch', 'follow it until it is done');
  addWatchOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], flags: SendFlags) => {
      const { runSend } = await import('./send.ts');
      await runSend(addresses, flags, globals());
    });
}
