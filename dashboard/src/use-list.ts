/** A list of the user: its source, the choices for reading it, and the result. Each change reads it again. */
import { useEffect, useState } from 'preact/hooks';
import type { AddressKind } from '../../server/src/lists/addresses.ts';
import type { ListMessage, ListTask } from './list-worker.ts';
import {
  hasAddresses,
  NO_CHOICES,
  type Choices,
  type Column,
  type ListFailure,
  type Recipients,
  type Table,
} from './recipients.ts';

export interface ListState {
  readonly table: Table | null;
  /** Null without a list, and while it is being read. */
  readonly recipients: Recipients | null;
  readonly choices: Choices;
  /** Rows read so far; null when nothing is being read. */
  readonly count: number | null;
  readonly error: ListFailure | null;
  /** Replaces the list; null removes it. */
  take(blob: Blob | null): void;
  choose(changes: Partial<Choices>): void;
  setColumn(at: number, column: Column): void;
}

/** `kind` must not change. */
export function useList(kind: AddressKind): ListState {
  const [blob, setBlob] = useState<Blob | null>(null);
  const [choices, setChoices] = useState(NO_CHOICES);
  const [table, setTable] = useState<Table | null>(null);
  const [recipients, setRecipients] = useState<Recipients | null>(null);
  const [count, setCount] = useState<number | null>(null);
  const [error, setError] = useState<ListState['error']>(null);
  const fail = (failure: ListFailure) => {
    setCount(null);
    setError(failure);
  };

  useEffect(() => {
    setTable(null);
    setError(null);
    if (blob === null) return undefined;
    return startTask({ kind: 'open', blob, addresses: kind, choices }, (message) => {
      if (message.kind === 'opened') setTable(message.table);
      else if (message.kind === 'failed') fail(message.failure);
    });
  }, [blob, choices]);

  useEffect(() => {
    // The earlier result is from another list or other columns.
    setRecipients(null);
    setCount(null);
    if (table === null || !hasAddresses(table)) return undefined;
    setError(null);
    setCount(0);
    return startTask({ kind: 'read', table }, (message) => {
      if (message.kind === 'count') return setCount(message.rows);
      if (message.kind === 'failed') return fail(message.failure);
      setCount(null);
      if (message.kind === 'read') setRecipients(message.recipients);
      return undefined;
    });
  }, [table]);

  return {
    table,
    recipients,
    choices,
    count,
    error,
    take(taken) {
      // The new list may have another encoding and separator. The country stays.
      setChoices(({ country }) => ({ ...NO_CHOICES, country }));
      setTable(null);
      setRecipients(null);
      setBlob(taken);
    },
    choose: (changes) => {
      setRecipients(null);
      setChoices((before) => ({ ...before, ...changes }));
    },
    setColumn(at, column) {
      setRecipients(null);
      setTable(
        (before) =>
          before && {
            ...before,
            columns: before.columns.map((each, i) => (i === at ? column : each)),
          },
      );
    },
  };
}

/** Begins a task in a thread of its own. The result ends it. */
function startTask(task: ListTask, onMessage: (message: ListMessage) => void): () => void {
  const worker = new Worker(new URL('./list-worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<ListMessage>) => onMessage(data));
  worker.addEventListener('error', ({ message }) =>
    onMessage({ kind: 'failed', failure: { words: message, cure: null } }),
  );
  worker.postMessage(task, { transfer: [] });
  return () => worker.terminate();
}
