/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';
import { escapeControls } from '../lib/printable.ts';
import { parseDuration, parseSince, SINCE_HINT } from './times.ts';

const ROWS_DEFAULT = 50;
const ROWS_MAX = 1_000_000;

export const limitOption = () =>
  new Option('--limit <n>', 'maximum number of entries')
    .argParser((text) => readNumber(text, 1, ROWS_MAX))
    .default(ROWS_DEFAULT);

export function readNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  return value;
}

/** A name, which lists show in one line. */
export function readLine(text: string): string {
  if (text === '' || text !== escapeControls(text))
    throw new InvalidArgumentError(
      'Use one line without control characters and overrides of the writing direction.',
    );
  return text;
}

/** Milliseconds. */
export function readDuration(text: string): number {
  const value = parseDuration(text);
  if (value === null) throw new InvalidArgumentError('Use a duration such as 30s, 5m or 12h.');
  return value;
}

export function readSinceDate(text: string): Date {
  const since = parseSince(text, Date.now());
  if (since === null) throw new InvalidArgumentError(`Use ${SINCE_HINT}.`);
  return since;
}

export const collect = (text: string, before: readonly string[]) => [...before, text];

/** `key=value`, any number of times. */
export function collectPair(
  text: string,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0) throw new InvalidArgumentError('Use the form key=value.');
  return { ...before, [key]: rest.join('=') };
}
