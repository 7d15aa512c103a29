/**
 * Groups of carriers that share receipts: the carriers of one account at one SMSC, which may send a receipt over any of
 * their binds. A separate file, because its threads need no other option of carriers.
 */
import type { CarrierConfig } from './carriers.ts';

/** For each carrier, the names of the carriers that share its receipts, itself included. */
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
