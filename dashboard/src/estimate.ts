/** Cost and duration of a send, estimated from its dry run and the rate limits of its senders. */
import type { DryRun, EmailDryRun, ErrorItem, Sender } from '@fanfare/client';

/** The sum of the dry runs of all chunks of a send. */
export interface Estimate {
  readonly recipients: number;
  readonly reached: number;
  readonly segments: number;
  /** Billable units: segments for SMS, messages for other channels. */
  readonly units: number;
  readonly byChannel: ReadonlyMap<string, number>;
  readonly unaddressable: readonly ErrorItem[];
  readonly suppressed: number;
  readonly duplicates: readonly { readonly address: string; readonly count: number }[];
  /** Seconds at the senders' rate limits; null if no sender has one. */
  readonly seconds: number | null;
  readonly scheduledFor: Date | null;
}

/** Error code of recipients that have opted out. */
const SUPPRESSED = 21610;

export function estimate(
  runs: readonly (DryRun | EmailDryRun)[],
  senders: readonly Sender[],
): Estimate {
  const byChannel = new Map<string, number>();
  const loads = new Map<string, { messages: number; segments: number }>();
  let [units, segments] = [0, 0];
  for (const run of runs) {
    const routes =
      'emails' in run
        ? run.emails.map(({ from }) => ({ channel: 'EMAIL', from: from.address, segments: null }))
        : run.messages;
    for (const route of routes) {
      byChannel.set(route.channel, (byChannel.get(route.channel) ?? 0) + 1);
      const load = loads.get(`${route.channel} ${route.from}`) ?? { messages: 0, segments: 0 };
      load.messages += 1;
      load.segments += route.segments ?? 1;
      loads.set(`${route.channel} ${route.from}`, load);
      units += route.segments ?? 1;
      segments += route.channel === 'SMS' ? (route.segments ?? 0) : 0;
    }
  }
  const unaddressable = runs.flatMap((run) => run.unaddressable);
  const recipients = runs.reduce((sum, run) => sum + run.recipients, 0);
  return {
    recipients,
    reached: recipients - unaddressable.length,
    segments,
    units,
    byChannel,
    unaddressable,
    suppressed: unaddressable.filter(({ code }) => code === SUPPRESSED).length,
    duplicates: runs.flatMap((run) =>
      run.duplicates.map(({ address, contexts }) => ({ address, count: contexts.length })),
    ),
    seconds: secondsOf(loads, senders),
    scheduledFor: runs[0]?.scheduledFor ?? null,
  };
}

/** Senders work in parallel, so the slowest one decides. */
function secondsOf(
  loads: ReadonlyMap<string, { readonly messages: number; readonly segments: number }>,
  senders: readonly Sender[],
): number | null {
  let most: number | null = null;
  for (const { channel, address, throughput, throughputUnit } of senders) {
    const load = loads.get(`${channel} ${address}`);
    if (throughput === null || load === undefined) continue;
    const seconds = (throughputUnit === 'SEGMENTS' ? load.segments : load.messages) / throughput;
    most = Math.max(most ?? 0, seconds);
  }
  return most;
}
