/** Rate limits of senders per second and per day, and the units that a message uses. Pure. */
import type { Channel } from './message.ts';
import type { QuietHours } from './quiet-hours.ts';
import { measureSms } from './segments.ts';

export const RATE_UNITS = ['MESSAGES', 'SEGMENTS'] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

/** Maximum units per second and per day in a sender's limits. */
export const THROUGHPUT_MIN = 0.001;
export const THROUGHPUT_MAX = 10_000;
export const DAILY_CAP_MAX = 100_000_000;

/** Limits of a sender over all nodes; null: no limit. */
export interface SenderLimits {
  /** Units per second, 0.001 to 10,000. */
  readonly throughput: number | null;
  /** The unit of throughput and cap. A text has its number of SMS segments; any other message counts as one. */
  readonly throughputUnit: RateUnit;
  /** Units per day of UTC. */
  readonly dailyCap: number | null;
  readonly quietHours: QuietHours | null;
}

/** Whether a sender has any limit. */
export function hasLimits(limits: Omit<SenderLimits, 'throughputUnit'>): boolean {
  const { throughput, dailyCap, quietHours } = limits;
  return throughput !== null || dailyCap !== null || quietHours !== null;
}

/** The default unit of a sender: carriers count SMS in segments, and other channels in messages. */
export function defaultUnit(channel: Channel): RateUnit {
  return channel === 'SMS' ? 'SEGMENTS' : 'MESSAGES';
}

/** Units that a message uses. */
export function costOf(unit: RateUnit, channel: Channel, text: string | null): number {
  return unit === 'SEGMENTS' && channel === 'SMS' && text !== null ? measureSms(text).segments : 1;
}
