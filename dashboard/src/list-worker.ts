/** Reads a list in a thread of its own, so that the page stays responsive. It gets one task, and answers with one result. */
import type { AddressKind } from '../../server/src/lists/addresses.ts';
import {
  explainFailure,
  readRecipients,
  readTable,
  type Choices,
  type ListFailure,
  type Recipients,
  type Table,
} from './recipients.ts';

export type ListTask =
  | {
      readonly kind: 'open';
      readonly blob: Blob;
      readonly addresses: AddressKind;
      readonly choices: Choices;
    }
  | { readonly kind: 'read'; readonly table: Table };

export type ListMessage =
  | { readonly kind: 'opened'; readonly table: Table }
  | { readonly kind: 'count'; readonly rows: number }
  | { readonly kind: 'read'; readonly recipients: Recipients }
  | { readonly kind: 'failed'; readonly failure: ListFailure };

const answer = (message: ListMessage, moved: Transferable[] = []) =>
  postMessage(message, { transfer: moved });

async function run(task: ListTask): Promise<void> {
  if (task.kind === 'open') {
    const { blob, addresses, choices } = task;
    return answer({ kind: 'opened', table: await readTable(blob, addresses, choices) });
  }
  const recipients = await readRecipients(task.table, (rows) => answer({ kind: 'count', rows }));
  return answer({ kind: 'read', recipients }, [recipients.places.buffer]);
}

addEventListener('message', ({ data }: MessageEvent<ListTask>) => {
  run(data).catch((reason: unknown) => answer({ kind: 'failed', failure: explainFailure(reason) }));
});
