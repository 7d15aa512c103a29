/** Pace: what a sender may send in a second and in a day, and what a message costs of it. Pure. */
import type { Channel } from './message.ts';
import type { QuietHours } from './quiet-hours.ts';
import { measureSms } from './segments.ts';

export const PACE_UNITS = ['MESSAGES', 'SEGMENTS'] as const;
export type PaceUnit = (typeof PACE_UNITS)[number];

/** Units per second and per day that a sender can be given. */
export const THROUGHPUT_MIN = 0.001;
export const THROUGHPUT_MAX = 10_000;
export const DAILY_CAP_MAX = 100_000_000;

/** Limits of a sender over all nodes; null is none. */
export interface SenderLimits {
  /** Units per second, 0.001 to 10,000. */
  readonly throughput: number | null;
  /** What throughput and cap count. Segments are those of SMS; any other message is one. */
  readonly throughputUnit: PaceUnit;
  /** Units per day of UTC. */
  readonly dailyCap: number | null;
  readonly quietHours: QuietHours | null;
}

/** Whether a sender may not send whatever it is given at once. */
export function hasLimits(limits: Omit<SenderLimits, 'throughputUnit'>): boolean {
  const { throughput, dailyCap, quietHours } = limits;
  return throughput !== null || dailyCap !== null || quietHours !== null;
}

/** The unit of a sender that names none: carriers count SMS in segments, and all else in messages. */
export function defaultUnit(channel: Channel): PaceUnit {
  return channel === 'SMS' ? 'SEGMENTS' : 'MESSAGES';
}

/** Units that a message costs. */
export function costOf(unit: PaceUnit, channel: Channel, text: string | null): number {
  return unit === 'SEGMENTS' && channel === 'SMS' && text !== null ? measureSms(text).segments : 1;
}
