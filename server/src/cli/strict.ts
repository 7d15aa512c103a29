/** `--watch`, and `--strict`, which makes a command fail unless every recipient got the message. */
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
      new Option(
        '--until <state>',
        'settled: after the last receipt; completed: after all are submitted',
      )
        .choices(['settled', 'completed'])
        .default('settled'),
    )
    .addOption(
      new Option('--quiet <time>', 'treat it as settled after this time without a change')
        .argParser(readDuration)
        .default(QUIET_MS, '30s'),
    )
    .option(
      '--strict',
      `exit with status ${EXIT.incomplete} unless every recipient is known to have got it`,
    );
}

/** @throws UserError when a recipient did not get the message. */
export function endIncomplete(all: readonly Stats[]): void {
  const missing = all.filter((stats) => {
    const { good, total } = sharesOf(stats);
    return good < total || stats.recipients > total;
  });
  if (missing.length > 0)
    fail(
      `Not every recipient got the message: ${missing.map(renderCounters).join('; ')}. "fanfare operations errors" shows the recipients and reasons.`,
      EXIT.incomplete,
    );
}
