/** Exports an operation's recipients as a CSV file. The browser builds it from the lines of the API's export. */
import type { RecipientResult } from '@fanfare/client';
import { client } from './api.ts';
import type { Kind } from './counters.ts';
import { RESULTS_HEADER, writeResults } from '../../server/src/lists/results.ts';

/** Rows written in one go. */
const WRITTEN_TOGETHER = 1_000;

/** Reads all recipients, reports the progress, and saves the file. */
export async function exportMessages(
  kind: Kind,
  operationId: string,
  onCount: (count: number) => void,
): Promise<void> {
  const parts = [RESULTS_HEADER];
  let count = 0;
  let results: RecipientResult[] = [];
  const flush = () => {
    parts.push(writeResults(results));
    count += results.length;
    results = [];
    onCount(count);
  };
  for await (const result of client[kind].exportOperation(operationId)) {
    results.push(result);
    if (results.length === WRITTEN_TOGETHER) flush();
  }
  flush();
  save(`${operationId}.csv`, ...parts);
}

type To =
  { readonly address: string } | { readonly addresses: readonly { readonly address: string }[] };

/** The first address of a recipient. */
export function addressOf(to: To | undefined): string {
  if (to === undefined) return '';
  return 'address' in to ? to.address : (to.addresses[0]?.address ?? '');
}

/** Saves a file of these parts through the browser. */
export function save(name: string, ...parts: readonly (string | Blob)[]): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
