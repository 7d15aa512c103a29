/**
 * `npm run chaos`: checks the server's guarantees while everything around it breaks. Real processes, a real PostgreSQL
 * and an SMSC on loopback; all random choices come from a seed. Ends with status 1 if a guarantee was broken.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endAll } from './cluster.ts';
import { createRandom } from './random.ts';
import { flood, hang, lies, overload } from './scenarios/carrier.ts';
import { clockJumps } from './scenarios/clock.ts';
import {
  databaseCrash,
  databaseRestart,
  diskFull,
  failover,
  noConnections,
  oldSnapshot,
  slowDisk,
  terminate,
} from './scenarios/database.ts';
import {
  databaseErrors,
  longSilence,
  lossyNetwork,
  pulledCable,
  shortSilence,
} from './scenarios/network.ts';
import { killAccepting, killCanceling, killReceiving } from './scenarios/streamed.ts';
import { cutOff, kill, killRepeatedly, rollingRestart, stopped } from './scenarios/nodes.ts';
import type { Outcome, Scenario } from './trial.ts';

/** A scenario's place is part of its seed: new ones come last. */
const SCENARIOS: readonly Scenario[] = [
  kill,
  killRepeatedly,
  rollingRestart,
  databaseRestart,
  databaseCrash,
  terminate,
  noConnections,
  oldSnapshot,
  diskFull,
  hang,
  lies,
  flood,
  overload,
  clockJumps,
  failover,
  slowDisk,
  pulledCable,
  shortSilence,
  longSilence,
  lossyNetwork,
  databaseErrors,
  cutOff,
  stopped,
  killReceiving,
  killAccepting,
  killCanceling,
];

/** The bars. A stop may take `drainTimeoutMs` (10 s) and 20 s for all else. */
const RECOVERY_MAX_MS = 15_000;
const STOP_MAX_MS = 30_000;

const HELP = `npm run chaos -- [--short] [--only NAME,…] [--seed N] [--keep]

${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(20)}${about}`).join('\n')}

--short  fewer messages and shorter faults, as CI runs it
--seed   brings the choices of another run back
--keep   leaves the nodes' logs where they are
`;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const only = values.only === '' ? null : values.only.split(',');
const unknown = only?.filter((name) => !SCENARIOS.some((each) => each.name === name)) ?? [];
if (values.help || unknown.length > 0) {
  if (unknown.length > 0)
    process.stderr.write(`There is no scenario "${unknown.join('", "')}".\n\n`);
  process.stdout.write(HELP);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const seconds = (ms: number | null) => (ms === null ? '' : `${(ms / 1000).toFixed(1)} s`);

function print(cells: readonly string[]): void {
  const [name = '', ...rest] = cells;
  process.stdout.write(
    `${name.padEnd(20)}${rest
      .slice(0, 7)
      .map((cell) => cell.padStart(10))
      .join('')}  ${rest[7] ?? ''}\n`,
  );
}

/** Broken guarantees. */
function findFaults(outcome: Outcome): string[] {
  const { lost, doubled, ended, accepted, recoveryMs, stopMs } = outcome;
  return [
    ...outcome.faults,
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(doubled > 0 ? [`${doubled} doubled`] : []),
    ...(ended === accepted ? [] : [`${accepted - ended} did not end`]),
    ...((recoveryMs ?? 0) > RECOVERY_MAX_MS ? ['recovery took too long'] : []),
    ...((stopMs ?? 0) > STOP_MAX_MS ? ['a shutdown took too long'] : []),
  ];
}

/** Resolves with whether all was as promised. */
async function runOne(scenario: Scenario, seed: number, folder: string): Promise<boolean> {
  const why = (await scenario.isImpossible?.()) ?? null;
  if (why !== null) {
    print([scenario.name, '', '', '', '', '', '', '', `skipped: ${why}`]);
    return true;
  }
  const trial = { random: createRandom(seed), isShort: values.short, folder };
  try {
    const outcome = await scenario.run(trial);
    const faults = findFaults(outcome);
    const { accepted, ended, lost, doubled, ambiguous, recoveryMs, stopMs, note } = outcome;
    print([
      scenario.name,
      ...[accepted, ended, lost, doubled, ambiguous].map((each) => each.toLocaleString('en')),
      seconds(recoveryMs),
      seconds(stopMs),
      [note, ...faults.map((fault) => `FAILED: ${fault}`)].filter(Boolean).join('; '),
    ]);
    return faults.length === 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    print([scenario.name, '', '', '', '', '', '', '', `FAILED: ${message}`]);
    return false;
  }
}

// Without this, a signal ends Node.js at once, and its nodes and databases stay.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => void endAll().finally(() => process.exit(code)));

const seed = Number(values.seed);
const root = await mkdtemp(join(tmpdir(), 'fanfare-chaos-'));
process.stdout.write(`Seed ${seed}; nodes log to ${root}\n\n`);
print(['', 'accepted', 'ended', 'lost', 'doubled', 'ambiguous', 'recovery', 'stop', '']);
let isWell = true;
const left = [...SCENARIOS.entries()].filter(([, { name }]) => only?.includes(name) ?? true);
/** Most of a scenario's time is waiting. In the long form, which measures, each has the machine for itself. */
const atOnce = values.short ? 2 : 1;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [i, scenario] = next;
      const isKept = await runOne(scenario, seed + i, join(root, scenario.name));
      isWell &&= isKept;
    }
  }),
);
if (isWell && !values.keep) await rm(root, { recursive: true, force: true });
else process.stdout.write(`\nThe nodes' logs are in ${root}\n`);
process.exit(isWell ? 0 : 1);
