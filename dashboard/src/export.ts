/** Exports an operation's recipients as a CSV file. The browser builds it from pages of the API. */
import { client } from './api.ts';
import type { Kind } from './counters.ts';
import { writeCsv } from '../../server/src/lists/write-csv.ts';

/** Entries of a page: the maximum. */
const PAGE_SIZE = 1_000;

const COLUMNS = ['address', 'channel', 'status', 'from', 'error_code', 'error', 'updated_at', 'id'];

/** Reads all recipients, reports the progress, and saves the file. */
export async function exportMessages(
  kind: Kind,
  operationId: string,
  onCount: (count: number) => void,
): Promise<void> {
  const errors = new Map<string, { code: number; message: string }>();
  const rows: string[][] = [];
  for await (const error of client[kind].listOperationErrors(operationId, {
    pageSize: PAGE_SIZE,
  })) {
    const id = 'messageId' in error ? error.messageId : error.emailId;
    if (id !== null) errors.set(id, error);
    else {
      const [to] = error.to;
      const channel = to !== undefined && 'channel' in to ? to.channel : 'EMAIL';
      rows.push([
        to?.address ?? '',
        channel,
        'UNADDRESSABLE',
        '',
        String(error.code),
        error.message,
        '',
        '',
      ]);
    }
  }
  for await (const message of client[kind].list({ operationId, pageSize: PAGE_SIZE })) {
    const error = errors.get(message.id);
    rows.push([
      addressOf(message.to[0]),
      'channel' in message.from ? message.from.channel : 'EMAIL',
      message.status,
      message.from.address,
      error === undefined ? '' : String(error.code),
      error?.message ?? '',
      message.updatedAt.toISOString(),
      message.id,
    ]);
    if (rows.length % PAGE_SIZE === 0) onCount(rows.length);
  }
  save(`${operationId}.csv`, writeCsv([COLUMNS, ...rows.toReversed()]));
}

type To =
  { readonly address: string } | { readonly addresses: readonly { readonly address: string }[] };

/** The first address of a recipient. */
export function addressOf(to: To | undefined): string {
  if (to === undefined) return '';
  return 'address' in to ? to.address : (to.addresses[0]?.address ?? '');
}

/** Saves a file through the browser. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
