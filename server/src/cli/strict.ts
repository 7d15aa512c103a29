/** `--watch`, and `--strict`, which makes a command fail when not everybody got it. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { EXIT, fail } from './globals.ts';
import { readDuration } from './options.ts';
import { renderCounters, sharesOf, type Stats } from './progress.ts';

const QUIET_MS = 30_000;

export interface StrictFlags {
  readonly strict?: true;
}

export function addWatchOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--until <state>', 'settled: the last receipt; completed: all handed over')
        .choices(['settled', 'completed'])
        .default('settled'),
    )
    .addOption(
      new Option('--quiet <time>', 'take it for settled when it has not changed for so long')
        .argParser(readDuration)
        .default(QUIET_MS, '30s'),
    )
    .option(
      '--strict',
      `end with status ${EXIT.incomplete} unless every recipient got it, as far as is known`,
    );
}

/** @throws UserError when somebody did not get it. */
export function endIncomplete(all: readonly Stats[]): void {
  const missing = all.filter((stats) => {
    const { good, total } = sharesOf(stats);
    return good < total || stats.recipients > total;
  });
  if (missing.length > 0)
    fail(
      `Not everybody got it: ${missing.map(renderCounters).join('; ')}. "fanfare operations errors" says who and why.`,
      EXIT.incomplete,
    );
}
