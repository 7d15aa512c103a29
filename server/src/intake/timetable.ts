/**
 * Plans when each message of a request is due, from its schedule and the sender's quiet hours.
 * Pure.
 */
import { findZone, instantAt } from '../domain/local-time.ts';
import { allowedFrom } from '../domain/quiet-hours.ts';
import { findTimeProblem, type Schedule } from '../domain/schedule.ts';
import type { Candidate } from '../domain/routing.ts';
import type { PlannableSender } from '../domain/sender.ts';
import type { ProblemList } from './problems.ts';

/** When a message over this candidate is due; null is now. Equal times are the same object. */
export type Timetable = (candidate: Candidate) => Date | null;

/** Recipients of one zone and one sender have one time: it is found once, and told once when it is not allowed. */
export function createTimetable(
  schedule: Schedule,
  senders: readonly PlannableSender[],
  list: ProblemList,
  now: Date,
): Timetable {
  const { local, scheduledFor, expireAt } = schedule;
  const quietHours = new Map(
    senders.flatMap(({ id, quietHours: quiet }) => (quiet === null ? [] : [[id, quiet] as const])),
  );
  if (local === null && quietHours.size === 0) return () => scheduledFor;
  const localTimes = new Map<string, Date>();
  const known = new Map<string, Date | null>();
  const times = new Map<number, Date>();

  function localTime(zone: string): Date {
    const found = localTimes.get(zone);
    if (found !== undefined) return found;
    const at = local === null ? (scheduledFor ?? now) : instantAt(local, zone);
    const problem =
      local === null ? null : findTimeProblem(at > now ? at : now, expireAt, now, zone);
    if (problem !== null) list.add(problem.code, problem.message, problem.path);
    localTimes.set(zone, at);
    return at;
  }

  function find(zone: string, senderId: string | undefined): Date | null {
    const wanted = localTime(zone);
    const at = wanted > now ? wanted : now;
    const quiet = quietHours.get(senderId ?? '');
    const due = quiet === undefined ? at : allowedFrom(quiet, zone, at);
    if (due <= now) return null;
    const same = times.get(due.getTime()) ?? due;
    times.set(due.getTime(), same);
    return same;
  }

  return ({ sender, to }) => {
    const zone = findZone(to.address);
    const key = `${zone} ${sender.senderId ?? ''}`;
    let due = known.get(key);
    if (due === undefined) {
      due = find(zone, sender.senderId);
      known.set(key, due);
    }
    return due;
  };
}
