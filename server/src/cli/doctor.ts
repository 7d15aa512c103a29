/** `fanfare doctor`: finds inconsistencies in a database of Fanfare and, with `--repair`, repairs them where it is safe. */
import { Option, type Command } from 'commander';
import type { Finding } from '../app.ts';
import { escapeControls } from '../lib/printable.ts';
import { readConfig } from './database.ts';
import { failUsage, type Globals } from './globals.ts';
import { number, print } from './output.ts';
import { parseDuration, parseSince, SINCE_HINT } from './times.ts';

interface Options {
  readonly since: string;
  readonly operation?: string;
  readonly patience: string;
  readonly repair?: true;
  readonly restored?: true;
}

/** A finding and its repair. */
interface Reported extends Omit<Finding, 'repair'> {
  readonly repaired: string | null;
}

/** Exit codes: with findings; the check could not run. */
const FOUND = 1;
const BLIND = 2;

export function addDoctorCommand(program: Command, globals: () => Globals): void {
  program
    .command('doctor')
    .description(
      'check the database, with or without running servers; exits with 0 (no findings), 1 (findings) or 2 (could not check)',
    )
    .addOption(
      new Option(
        '--since <time>',
        'check counters of operations accepted since: 90m, 24h, 7d, a date or a time',
      ).default('24h'),
    )
    .option('--operation <id>', 'check counters of this operation only')
    .addOption(
      new Option(
        '--patience <time>',
        'do not report work that has waited for less than this',
      ).default('5m'),
    )
    .option('--repair', 'repair what can be repaired safely')
    .option(
      '--restored',
      'after restoring a backup and before starting a server: mark messages that may have been sent since as in doubt',
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
    parseDuration(options.patience) ?? failUsage('--patience is a duration such as 5m.');
  const since = parseSince(options.since, now) ?? failUsage(`--since is ${SINCE_HINT}.`);
  const operationId =
    options.operation === undefined
      ? null
      : (decodeTypeId('comms_operation', options.operation) ??
        failUsage(`"${options.operation}" is not the id of an operation.`));
  const doctor = await openDoctor(config, createLogger('warn'));
  try {
    const inDoubt = options.restored ? await doctor.markRestoredInDoubt() : null;
    const reported: Reported[] = [];
    for (const { repair, ...finding } of await doctor.look({ since, operationId, patienceMs })) {
      const repaired = options.repair && repair !== null ? await repair() : null;
      reported.push({ ...finding, repaired });
    }
    if (globals.json)
      print(JSON.stringify({ healthy: reported.length === 0, inDoubt, findings: reported }));
    else {
      if (inDoubt !== null) print(`Messages now in doubt: ${number(inDoubt)}.`);
      print(describe(reported));
    }
    return reported.length === 0 ? 0 : FOUND;
  } finally {
    await doctor.close();
  }
}

function describe(reported: readonly Reported[]): string {
  if (reported.length === 0) return 'All is well.';
  const repaired = reported.filter((each) => each.repaired !== null).length;
  return [
    ...reported.map(
      ({ check, where, what, advice, repaired: done }) =>
        `${check}  ${escapeControls(where)}\n  ${escapeControls(what)}\n  ${escapeControls(done === null ? `To do: ${advice}` : `Done: ${done}`)}\n`,
    ),
    `${reported.length} ${reported.length === 1 ? 'finding' : 'findings'}${repaired > 0 ? `, ${repaired} repaired` : ''}.`,
  ].join('\n');
}
