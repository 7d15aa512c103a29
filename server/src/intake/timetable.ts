/**
 * Plans when each message of a request is due, from its schedule and the sender's quiet hours.
 * Pure.
 */
import { findZones, instantAt, type Zones } from '../domain/local-time.ts';
import { allowedFrom } from '../domain/quiet-hours.ts';
import { findClash, findTimeProblem, type Schedule } from '../domain/schedule.ts';
import type { Candidate } from '../domain/routing.ts';
import type { PlannableSender } from '../domain/sender.ts';
import { NO_PROBLEMS, toProblem, valid, type Checked } from './problems.ts';

/**
 * When a message over this candidate is due; null is now. Equal times are the same object. The
 * problem of a local time is returned once.
 */
export type DueAt = (candidate: Candidate) => Checked<Date | null>;

export interface Timetable {
  readonly dueAt: DueAt;
  /** When all messages are due; undefined where recipients may have times of their own. */
  readonly common: Date | null | undefined;
}

/**
 * Recipients of the same zones and sender have one time, which is computed once. A local time uses the zone of most
 * people with the recipient's number; quiet hours apply in each of its possible zones.
 */
export function createTimetable(
  schedule: Schedule,
  senders: readonly PlannableSender[],
  now: Date,
): Timetable {
  const { local, scheduledFor, expireAt } = schedule;
  const quietHours = new Map(
    senders.flatMap(({ id, quietHours: quiet }) => (quiet === null ? [] : [[id, quiet] as const])),
  );
  if (local === null && quietHours.size === 0) {
    const same = valid(scheduledFor);
    return { dueAt: () => same, common: scheduledFor };
  }
  const localTimes = new Map<string, Date>();
  const known = new Map<Zones, Map<string, Date | null>>();
  const times = new Map<number, Date>();

  function localTime(zone: string): Checked<Date> {
    const found = localTimes.get(zone);
    if (found !== undefined) return valid(found);
    const at = local === null ? (scheduledFor ?? now) : instantAt(local.time, zone);
    const problem =
      local === null
        ? null
        : schedule.instant === null
          ? findTimeProblem(at > now ? at : now, expireAt, now, local.path, zone)
          : findClash(schedule, zone);
    localTimes.set(zone, at);
    return { value: at, problems: problem === null ? NO_PROBLEMS : [toProblem(problem)] };
  }

  function dueTime(zones: Zones, senderId: string, wanted: Date): Date | null {
    const at = wanted > now ? wanted : now;
    const quiet = quietHours.get(senderId);
    const due = quiet === undefined ? at : allowedFrom(quiet, zones, at);
    if (due <= now) return null;
    const same = times.get(due.getTime()) ?? due;
    times.set(due.getTime(), same);
    return same;
  }

  const dueAt: DueAt = ({ sender, to }) => {
    const zones = findZones(to.address);
    const bySender = known.get(zones) ?? new Map<string, Date | null>();
    known.set(zones, bySender);
    const senderId = sender.senderId ?? '';
    const found = bySender.get(senderId);
    if (found !== undefined) return valid(found);
    const wanted = localTime(zones[0]);
    const due = dueTime(zones, senderId, wanted.value);
    bySender.set(senderId, due);
    return { value: due, problems: wanted.problems };
  };
  return { dueAt, common: undefined };
}
