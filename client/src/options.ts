/** Unknown options are refused: a misspelled one would have no effect. */
import { FanfareError } from './errors.ts';

/** The names of all options of a type. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/** @throws FanfareError with the unknown names and the known ones. `what` takes the options. */
export function checkOptions<Options extends object>(
  what: string,
  options: Options,
  known: OptionNames<Options>,
): void {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  throw new FanfareError(
    `${what} has no option ${names}. The options are ${Object.keys(known).join(', ')}.`,
  );
}
