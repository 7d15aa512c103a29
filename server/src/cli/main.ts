/** The command line. Errors go to standard error, name the action to take, and end with a status for scripts. */
import { CommanderError } from 'commander';
import {
  ApiError,
  AuthenticationError,
  ConnectionError,
  FanfareError,
  NotFoundError,
  RateLimitError,
  ServerError,
} from '@fanfare/client';
import { escapeControls } from '../lib/printable.ts';
import { EXIT, UserError } from './globals.ts';
import { note } from './output.ts';
import { createProgram } from './program.ts';

/** Errors whose message is all there is to say, by name: loading their classes would load the server. */
const KNOWN = new Set(['ConfigError', 'MissingPackageError', 'EmbeddedError', 'SchemaError']);

const program = createProgram();
for (const each of [
  program,
  ...program.commands,
  ...program.commands.flatMap((one) => one.commands),
])
  each.exitOverride();

// A reader of the output may stop: "fanfare messages list | head" is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // Its words are written already.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  } else {
    note(describe(error));
    process.exitCode ||= exitCodeOf(error);
  }
});

function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return error.exitCode;
  if (error instanceof AuthenticationError) return EXIT.credentials;
  if (error instanceof NotFoundError) return EXIT.notFound;
  const isPassing =
    error instanceof ConnectionError ||
    error instanceof RateLimitError ||
    (error instanceof ServerError && error.status !== 500);
  return isPassing ? EXIT.unavailable : EXIT.failed;
}

function describe(error: unknown): string {
  const { code, message = String(error), stack, name } = error as NodeJS.ErrnoException;
  if (error instanceof UserError || KNOWN.has(name)) return message;
  if (error instanceof AuthenticationError)
    return `${message} Check FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN, FANFARE_API_KEY and FANFARE_API_KEY_SECRET, or FANFARE_ACCESS_TOKEN. If none of these is set, the command used the key in cli.json of the data directory. To create a new key, delete that file and restart the server.`;
  if (error instanceof ApiError) return describeRefusal(error);
  if (error instanceof FanfareError) return message;
  if (name === 'DatabaseUnavailable') return describeDatabase(code, message);
  if (code === 'EADDRINUSE')
    return `The address is in use (${message}). Stop the other process, or set FANFARE_PORT to another port (0 for any free port).`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    return `Cannot listen (${message}). Set FANFARE_HOST and FANFARE_PORT to an address of this machine and a port above 1023.`;
  return stack ?? message;
}

/** By SQLSTATE (PostgreSQL, appendix A), or the system's own code. */
function describeDatabase(code: string | undefined, message: string): string {
  if (code === '3D000')
    return `The database cannot be used (${message}). Create it with createdb, or correct its name in DATABASE_URL.`;
  if (code?.startsWith('28') || message.includes('client password'))
    return `The database refuses these credentials (${message}). Correct user and password in DATABASE_URL.`;
  return `The database does not answer (${message}). Check DATABASE_URL, and that PostgreSQL is running there.`;
}

/** All problems, each with its place. */
function describeRefusal({ errors, message, requestId }: ApiError): string {
  const lines = errors.map(({ message: what, context }) =>
    escapeControls(context === 'null' ? what : `${what} (${context})`),
  );
  const text = lines.length > 0 ? lines.join('\n') : message;
  return requestId === null ? text : `${text}\n(request ${requestId})`;
}
