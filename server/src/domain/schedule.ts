/** Schedule: when a request wants its messages sent, and until when that makes sense. Pure. */
import { ERRORS, type Problem } from './errors.ts';
import { INSTANT_HINT, readInstant } from './instant.ts';

/** How far ahead a send may be scheduled. */
export const SCHEDULE_DAYS_MAX = 7;
const DAY_MS = 86_400_000;

export interface ScheduleProblem {
  readonly code: Problem['code'];
  readonly message: string;
  readonly path: string;
}

export interface Schedule {
  /** Null: at once; an instant that has passed means now. */
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
  readonly problems: readonly ScheduleProblem[];
}

/**
 * Reads `schedule.sendAt` (one RFC 3339 date-time; without zone it is UTC) and `expireAt`. Their form has been
 * checked; here is what they mean together and against the present time.
 */
export function readSchedule(
  sendAt: readonly string[] | undefined,
  expireAt: string | undefined,
  now: Date,
): Schedule {
  const problems: ScheduleProblem[] = [];
  const add = (message: string, path: string) =>
    problems.push({ code: ERRORS.schedule.code, message, path });
  let scheduledFor: Date | null = null;
  if (sendAt !== undefined) {
    if (sendAt.length > 1)
      add(
        'More than one expression is not supported; give a single date and time.',
        '$.schedule.sendAt',
      );
    const text = sendAt[0] ?? '';
    const at = readInstant(text, 'optional');
    if (at === null)
      add(`"${text}" is not a date and time; ${INSTANT_HINT}.`, '$.schedule.sendAt[0]');
    else if (at.getTime() > now.getTime() + SCHEDULE_DAYS_MAX * DAY_MS)
      add(
        `${at.toISOString()} is more than ${SCHEDULE_DAYS_MAX} days ahead; choose an earlier time.`,
        '$.schedule.sendAt[0]',
      );
    else if (at > now) scheduledFor = at;
  }
  const expiry = expireAt === undefined ? null : readInstant(expireAt);
  const start = scheduledFor ?? now;
  if (expireAt !== undefined && expiry === null)
    add(`"${expireAt}" is not a date and time with zone; ${INSTANT_HINT}.`, '$.expireAt');
  else if (expiry !== null && expiry <= start)
    add(
      `${expiry.toISOString()} is not after the time of sending, ${start.toISOString()}.`,
      '$.expireAt',
    );
  return { scheduledFor, expireAt: expiry, problems };
}
