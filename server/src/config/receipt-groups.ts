/**
 * Which carriers share their receipts: those of one account at one SMSC, which sends a receipt over whichever bind it
 * likes. A file of its own, as the threads that need it need nothing else of the options of carriers.
 */
import type { CarrierConfig } from './carriers.ts';

/** By a carrier's name, the names of those that share its receipts, itself included. */
export function groupBySmsc(
  carriers: Readonly<Record<string, CarrierConfig>>,
): (name: string) => readonly string[] {
  const groups = new Map<string, string[]>();
  const groupOf = new Map<string, string[]>();
  for (const [name, options] of Object.entries(carriers)) {
    if (options.kind !== 'smpp') continue;
    const { receiptGroup, host, port, systemId } = options;
    const key = JSON.stringify(receiptGroup ?? [host.toLowerCase(), port, systemId]);
    const group = groups.get(key) ?? [];
    group.push(name);
    groups.set(key, group);
    groupOf.set(name, group);
  }
  return (name) => groupOf.get(name) ?? [name];
}
