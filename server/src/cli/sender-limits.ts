/** Limits of senders as options of the command line, and as a list shows them. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Sender, UpdateSenderRequest } from '@fanfare/client';

type RateUnit = Sender['throughputUnit'];
type QuietHours = NonNullable<Sender['quietHours']>;

const UNITS: readonly RateUnit[] = ['MESSAGES', 'SEGMENTS'];
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;

/** Lifts a limit. Not null, which commander takes for an option without a value. */
const NONE = 'none';

/** The given options. */
export interface LimitOptions {
  readonly throughput?: number | typeof NONE;
  readonly unit?: RateUnit;
  readonly dailyCap?: number | typeof NONE;
  readonly quiet?: QuietHours | typeof NONE;
}

/** Adds the options to a command. */
export function withLimits(command: Command): Command {
  return command
    .addOption(
      new Option('--throughput <n>', 'maximum units per second, or "none"').argParser(readAmount),
    )
    .addOption(new Option('--unit <unit>', 'unit of throughput and daily cap').choices(UNITS))
    .addOption(
      new Option('--daily-cap <n>', 'maximum units per day (UTC), or "none"').argParser(readAmount),
    )
    .addOption(
      new Option('--quiet <hours>', 'quiet hours such as 21:00-08:00, or "none"').argParser(
        readQuiet,
      ),
    );
}

/** How large it may be, the server says. */
function readAmount(text: string): number | typeof NONE {
  if (text === NONE) return NONE;
  const value = Number(text);
  if (text.trim() === '' || !(value > 0))
    throw new InvalidArgumentError(`Use a number above 0, or "${NONE}".`);
  return value;
}

function readQuiet(text: string): QuietHours | typeof NONE {
  if (text === NONE) return NONE;
  const [start = '', end = '', ...rest] = text.split('-');
  if (!TIME_OF_DAY.test(start) || !TIME_OF_DAY.test(end) || rest.length > 0)
    throw new InvalidArgumentError(`Use hours such as 21:00-08:00, or "${NONE}".`);
  return { start, end };
}

/** The given limits in the format of the API. The others stay as they are. */
export function toLimits({
  throughput,
  unit,
  dailyCap,
  quiet,
}: LimitOptions): Pick<
  UpdateSenderRequest,
  'throughput' | 'throughputUnit' | 'dailyCap' | 'quietHours'
> {
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
