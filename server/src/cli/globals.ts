/** Parts that all commands share: global options, exit codes, and errors for users. */
import { Option, type Command } from 'commander';

/** Options of the program itself. */
export interface Globals {
  readonly config?: string;
  readonly json?: true;
  readonly baseUrl?: string;
}

/** Exit codes of commands, which scripts rely on. */
export const EXIT = {
  /** The server refused, the configuration is wrong, or something failed. */
  failed: 1,
  /** Wrong flags, arguments or files. */
  usage: 2,
  credentials: 3,
  notFound: 4,
  /** No answer, or a temporary refusal: another try may succeed. */
  unavailable: 5,
  /** With `--strict`: not every recipient got the message. */
  incomplete: 6,
  interrupted: 130,
} as const;

/** An error that the user can correct; its message is complete. */
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

/** For wrong flags, arguments and files. */
export function failUsage(message: string): never {
  throw new UserError(message, EXIT.usage);
}

export function addGlobalOptions(program: Command): void {
  program
    .addOption(new Option('-c, --config <file>', 'config file').env('FANFARE_CONFIG'))
    .addOption(
      new Option('--base-url <url>', 'server to use instead of the one of this folder').env(
        'FANFARE_BASE_URL',
      ),
    )
    .option('--json', 'print JSON, one value on each line');
}
