/** What all commands share: options that stand anywhere, exit codes, errors for people. */
import { Option, type Command } from 'commander';

/** Options of the program itself. */
export interface Globals {
  readonly config?: string;
  readonly json?: true;
  readonly baseUrl?: string;
}

/** What a command ends with; scripts build on these. */
export const EXIT = {
  /** The server refused, the configuration is wrong, or something failed. */
  failed: 1,
  /** The command was given what it does not take. */
  usage: 2,
  credentials: 3,
  notFound: 4,
  /** Nobody answers, or not now: trying again may do. */
  unavailable: 5,
  /** With `--strict`: not everybody got it. */
  incomplete: 6,
  interrupted: 130,
} as const;

/** Something the user can put right: its message is all there is to say. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function fail(message: string, exitCode?: number): never {
  throw new UserError(message, exitCode);
}

/** For what was given to a command: flags, arguments, files. */
export function failUsage(message: string): never {
  throw new UserError(message, EXIT.usage);
}

export function addGlobalOptions(program: Command): void {
  program
    .addOption(new Option('-c, --config <file>', 'config file').env('FANFARE_CONFIG'))
    .addOption(
      new Option('--base-url <url>', 'server to talk to, instead of the one of this folder').env(
        'FANFARE_BASE_URL',
      ),
    )
    .option('--json', 'for machines: JSON, a value on each line');
}
