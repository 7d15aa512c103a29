/** Limits of senders as options of the command line, and as a list shows them. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  DAILY_CAP_MAX,
  findQuietProblem,
  PACE_UNITS,
  THROUGHPUT_MAX,
  THROUGHPUT_MIN,
  TIME_OF_DAY,
  type PaceUnit,
  type QuietHours,
  type Sender,
  type SenderLimits,
} from '../app.ts';

/** Lifts a limit. Not null, which commander takes for an option without a value. */
const NONE = 'none';

/** What was given. */
export interface LimitOptions {
  readonly throughput?: number | typeof NONE;
  readonly unit?: PaceUnit;
  readonly dailyCap?: number | typeof NONE;
  readonly quiet?: QuietHours | typeof NONE;
}

/** Adds the options to a command. */
export function withLimits(command: Command): Command {
  return command
    .addOption(
      new Option('--throughput <n>', 'units per second, or "none"').argParser((text) =>
        readNumber(text, THROUGHPUT_MIN, THROUGHPUT_MAX),
      ),
    )
    .addOption(
      new Option('--unit <unit>', 'what throughput and daily cap count').choices(PACE_UNITS),
    )
    .addOption(
      new Option('--daily-cap <n>', 'units per day of UTC, or "none"').argParser((text) => {
        const value = readNumber(text, 1, DAILY_CAP_MAX);
        if (value !== NONE && !Number.isInteger(value))
          throw new InvalidArgumentError('Give a whole number.');
        return value;
      }),
    )
    .addOption(
      new Option('--quiet <hours>', 'nothing between, like 21:00-08:00, or "none"').argParser(
        readQuiet,
      ),
    );
}

function readNumber(text: string, min: number, max: number): number | typeof NONE {
  if (text === NONE) return NONE;
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new InvalidArgumentError(`Give a number from ${min} to ${max}, or "${NONE}".`);
  return value;
}

function readQuiet(text: string): QuietHours | typeof NONE {
  if (text === NONE) return NONE;
  const [start = '', end = '', ...rest] = text.split('-');
  const form = new RegExp(TIME_OF_DAY);
  if (!form.test(start) || !form.test(end) || rest.length > 0)
    throw new InvalidArgumentError(`Write the hours like 21:00-08:00, or "${NONE}".`);
  const problem = findQuietProblem({ start, end });
  if (problem !== null) throw new InvalidArgumentError(problem);
  return { start, end };
}

/** What was given, as the store takes it: the rest is left as it is. */
export function toLimits({
  throughput,
  unit,
  dailyCap,
  quiet,
}: LimitOptions): Partial<SenderLimits> {
  return {
    ...(throughput === undefined ? {} : { throughput: liftedOr(throughput) }),
    ...(unit === undefined ? {} : { throughputUnit: unit }),
    ...(dailyCap === undefined ? {} : { dailyCap: liftedOr(dailyCap) }),
    ...(quiet === undefined ? {} : { quietHours: liftedOr(quiet) }),
  };
}

function liftedOr<Value>(given: Value | typeof NONE): Value | null {
  return given === NONE ? null : given;
}

/** `200 segments/s, 5000 a day, quiet 21:00-08:00`; empty without limits. */
export function describeLimits(sender: Sender): string {
  const { throughput, throughputUnit, dailyCap, quietHours } = sender;
  const unit = throughputUnit.toLowerCase();
  return [
    throughput === null ? '' : `${throughput} ${unit}/s`,
    dailyCap === null ? '' : `${dailyCap} ${unit} a day`,
    quietHours === null ? '' : `quiet ${quietHours.start}-${quietHours.end}`,
  ]
    .filter(Boolean)
    .join(', ');
}
