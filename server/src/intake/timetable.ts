/**
 * Plans when each message of a request is due, from its schedule and the sender's quiet hours.
 * Pure.
 */
import { findZones, instantAt, type Zones } from '../domain/local-time.ts';
import { allowedFrom } from '../domain/quiet-hours.ts';
import { findTimeProblem, type Schedule } from '../domain/schedule.ts';
import type { Candidate } from '../domain/routing.ts';
import type { PlannableSender } from '../domain/sender.ts';
import type { ProblemList } from './problems.ts';

/** When a message over this candidate is due; null is now. Equal times are the same object. */
export type Timetable = (candidate: Candidate) => Date | null;

/**
 * Recipients of the same zones and one sender have one time: it is found once, and told once when it is not allowed. A time by their
 * clock is meant by the one of most people, quiet hours by all that they may have.
 */
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
  const known = new Map<Zones, Map<string, Date | null>>();
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

  function find(zones: Zones, senderId: string): Date | null {
    const wanted = localTime(zones[0]);
    const at = wanted > now ? wanted : now;
    const quiet = quietHours.get(senderId);
    const due = quiet === undefined ? at : allowedFrom(quiet, zones, at);
    if (due <= now) return null;
    const same = times.get(due.getTime()) ?? due;
    times.set(due.getTime(), same);
    return same;
  }

  return ({ sender, to }) => {
    const zones = findZones(to.address);
    const bySender = known.get(zones) ?? new Map<string, Date | null>();
    known.set(zones, bySender);
    const senderId = sender.senderId ?? '';
    let due = bySender.get(senderId);
    if (due === undefined) {
      due = find(zones, senderId);
      bySender.set(senderId, due);
    }
    return due;
  };
}
