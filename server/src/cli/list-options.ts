/** Common options of commands that read a list: its format, and the file for rejected rows. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseCountry, type Country } from '../lists/countries.ts';
import { findEncoding } from '../lists/encoding.ts';

export interface ListFlags {
  readonly format?: 'csv' | 'ndjson';
  readonly toColumn?: string;
  readonly countryCode?: Country;
  readonly encoding?: string;
  readonly separator?: string;
  readonly rejectFile?: string;
}

const SEPARATORS: Readonly<Record<string, string>> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  pipe: '|',
  '\\t': '\t',
};

export function addListOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'format of the file')
        .choices(['csv', 'ndjson'])
        .default(undefined, 'from its name and first character'),
    )
    .option('--to-column <column>', 'column with the addresses', undefined)
    .addOption(
      new Option('--country-code <code>', 'country of numbers without +, such as +49 or DE')
        .argParser(readCountry)
        .default(undefined, 'refused'),
    )
    .addOption(
      new Option('--encoding <name>', 'encoding of the file, such as windows-1252')
        .argParser(readEncoding)
        .default(undefined, 'UTF-8, or UTF-16 by its byte order mark'),
    )
    .addOption(
      new Option('--separator <separator>', 'cell separator: comma, semicolon, tab or pipe')
        .argParser(readSeparator)
        .default(undefined, 'detected in the first row'),
    )
    .option('--reject-file <file>', 'write rejected rows to a CSV file');
}

export function readCountry(text: string): Country {
  const country = parseCountry(text);
  if (country === null)
    throw new InvalidArgumentError('Use a calling code such as +49, or a country such as DE.');
  return country;
}

function readEncoding(text: string): string {
  const encoding = findEncoding(text);
  if (encoding === null)
    throw new InvalidArgumentError(
      'Use an encoding such as windows-1252, iso-8859-2, shift_jis or utf-16le.',
    );
  return encoding;
}

function readSeparator(text: string): string {
  const separator = SEPARATORS[text.toLowerCase()] ?? text;
  if (!Object.values(SEPARATORS).includes(separator))
    throw new InvalidArgumentError('Use comma, semicolon, tab or pipe.');
  return separator;
}
