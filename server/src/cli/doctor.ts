/** `fanfare doctor`: what is wrong with a database of Fanfare, and with `--repair` what can be put right by a program. */
import { Option, type Command } from 'commander';
import type { Finding } from '../app.ts';
import { escapeControls } from '../lib/printable.ts';
import { readConfig } from './database.ts';
import { failUsage, type Globals } from './globals.ts';
import { print } from './output.ts';
import { parseDuration, parseSince } from './times.ts';

interface Options {
  readonly since: string;
  readonly operation?: string;
  readonly patience: string;
  readonly repair?: true;
  readonly restored?: true;
}

/** A finding and what was done about it. */
interface Told extends Omit<Finding, 'repair'> {
  readonly repaired: string | null;
}

/** Exit codes: something was found; nothing could be looked at. */
const FOUND = 1;
const BLIND = 2;

export function addDoctorCommand(program: Command, globals: () => Globals): void {
  program
    .command('doctor')
    .description(
      'look for what is wrong in the database, beside running servers or without one; exits with 0 when all is well, 1 when something was found, 2 when it could not look',
    )
    .addOption(
      new Option(
        '--since <time>',
        'count operations accepted since: 90m, 24h, 7d or a time',
      ).default('24h'),
    )
    .option('--operation <id>', 'count this operation only')
    .addOption(new Option('--patience <time>', 'what may wait this long is not told').default('5m'))
    .option('--repair', 'put right what can be put right safely')
    .option(
      '--restored',
      'after a backup was restored, before a server starts: put in doubt what may have been sent since',
    )
    .action(async (options: Options) => {
      try {
        process.exitCode = await runDoctor(globals(), options);
      } catch (error) {
        process.exitCode = BLIND;
        throw error;
      }
    });
}

async function runDoctor(globals: Globals, options: Options): Promise<number> {
  const [{ decodeTypeId, openDoctor }, { createLogger }, config] = await Promise.all([
    import('../app.ts'),
    import('../lib/log.ts'),
    readConfig(globals),
  ]);
  const now = Date.now();
  const patienceMs =
    parseDuration(options.patience) ?? failUsage('--patience is a time such as 5m.');
  const since =
    parseSince(options.since, now) ??
    failUsage('--since is a duration such as 24h, or a time such as 2030-01-31T09:00:00Z.');
  const operationId =
    options.operation === undefined
      ? null
      : (decodeTypeId('comms_operation', options.operation) ??
        failUsage(`"${options.operation}" is not the id of an operation.`));
  const doctor = await openDoctor(config, createLogger('warn'));
  try {
    const doubted = options.restored ? await doctor.doubtRestored() : null;
    const told: Told[] = [];
    for (const { repair, ...finding } of await doctor.look({ since, operationId, patienceMs })) {
      const repaired = options.repair && repair !== null ? await repair() : null;
      told.push({ ...finding, repaired });
    }
    if (globals.json)
      print(JSON.stringify({ healthy: told.length === 0, doubted, findings: told }));
    else {
      if (doubted !== null) print(`Messages in doubt now: ${doubted}.`);
      print(describe(told));
    }
    return told.length === 0 ? 0 : FOUND;
  } finally {
    await doctor.close();
  }
}

function describe(told: readonly Told[]): string {
  if (told.length === 0) return 'All is well.';
  const repaired = told.filter((each) => each.repaired !== null).length;
  return [
    ...told.map(
      ({ check, where, what, advice, repaired: done }) =>
        `${check}  ${escapeControls(where)}\n  ${escapeControls(what)}\n  ${escapeControls(done === null ? `To do: ${advice}` : `Done: ${done}`)}\n`,
    ),
    `Found ${told.length}${repaired > 0 ? `, repaired ${repaired}` : ''}.`,
  ].join('\n');
}
