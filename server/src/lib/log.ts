/**
 * The log: JSON lines on standard error (pino). Standard output is for the output of commands. Addresses, texts and
 * secrets are never logged; fields that might contain them are also removed here.
 */
import { pino, type Logger } from 'pino';
import { escapeControls } from './printable.ts';

export type { Logger } from 'pino';

/** Levels from the most detailed to none. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = [
  'authorization',
  'token',
  'secret',
  'password',
  'address',
  'to',
  'text',
  'variables',
];

/** The logged fields of an error. Other fields of PostgreSQL errors quote values of the failed row. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const {
    name: type,
    message,
    stack,
    code,
    constraint,
    table,
    routine,
    cause,
  } = error as Error & Record<'code' | 'constraint' | 'table' | 'routine', unknown>;
  const causedBy = cause === undefined ? {} : { cause: describeError(cause) };
  return { type, message, code, constraint, table, routine, stack, ...causedBy };
}

/** @param fd the file descriptor to write to: standard error */
export function createLogger(level: LogLevel, fd = 2): Logger {
  const out = pino.destination({ fd, sync: true });
  return pino(
    {
      level,
      base: null,
      serializers: { err: describeError },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((each) => [each, `*.${each}`]), remove: true },
    },
    { write: (line: string) => void out.write(`${escapeControls(line.slice(0, -1))}\n`) },
  );
}
