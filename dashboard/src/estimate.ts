/** Cost and duration of a send, estimated from its dry run and the rate limits of its senders. */
import type { DryRun, DryRunTotals, EmailDryRun, ErrorItem, Sender } from '@fanfare/client';

export interface Estimate {
  readonly reached: number;
  readonly segments: number;
  /** Billable units: segments for SMS, messages for other channels. */
  readonly units: number;
  readonly byChannel: readonly (readonly [channel: string, messages: number])[];
  /** The first unaddressable recipients, and how many there are. */
  readonly unaddressable: readonly ErrorItem[];
  readonly unaddressableTotal: number;
  readonly suppressed: number;
  /** Duplicates, and the first addresses of them. */
  readonly duplicates: number;
  readonly duplicateAddresses: readonly string[];
  /** Seconds at the senders' rate limits; null if no sender has one. */
  readonly seconds: number | null;
  readonly scheduledFor: Date | null;
}

/** Error code of recipients that have opted out. */
const SUPPRESSED = 21610;

/** @param run the summary of a request in lines, which has totals */
export function estimate(run: DryRun | EmailDryRun, senders: readonly Sender[]): Estimate {
  const totals = run.totals ?? NOTHING;
  const loads = new Map(totals.senders.map((each) => [`${each.channel} ${each.from}`, each]));
  const byChannel = Object.entries(totals.byChannel);
  const segments = 'segments' in run ? run.segments : 0;
  return {
    reached: totals.messages,
    segments,
    units: segments + totals.messages - (totals.byChannel['SMS'] ?? 0),
    byChannel,
    unaddressable: run.unaddressable,
    unaddressableTotal: totals.unaddressable,
    suppressed: totals.codes[SUPPRESSED] ?? 0,
    duplicates: totals.duplicates,
    duplicateAddresses: [...new Set(run.duplicates.map(({ address }) => address))],
    seconds: secondsOf(loads, senders),
    scheduledFor: run.scheduledFor,
  };
}

const NOTHING: DryRunTotals = {
  messages: 0,
  unaddressable: 0,
  duplicates: 0,
  byChannel: {},
  encodings: {},
  codes: {},
  senders: [],
};

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
