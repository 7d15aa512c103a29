/** A list of the user: its source, the choices for reading it, and the result. Each change reads it again. */
import { useEffect, useState } from 'preact/hooks';
import type { AddressKind } from '../../server/src/lists/addresses.ts';
import { ListError, type Cure } from '../../server/src/lists/problem.ts';
import {
  explainListError,
  NO_CHOICES,
  readRecipients,
  readTable,
  type Choices,
  type Column,
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
  readonly error: { readonly words: string; readonly cure: Cure | null } | null;
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
  const fail = (reason: unknown) => {
    setCount(null);
    setError(
      reason instanceof ListError
        ? explainListError(reason)
        : { words: reason instanceof Error ? reason.message : String(reason), cure: null },
    );
  };

  useEffect(() => {
    setTable(null);
    setError(null);
    if (blob === null) return undefined;
    let isOver = false;
    readTable(blob, kind, choices).then(
      (read) => !isOver && setTable(read),
      (reason: unknown) => !isOver && fail(reason),
    );
    return () => (isOver = true);
  }, [blob, choices]);

  useEffect(() => {
    // The earlier result is from another list or other columns.
    setRecipients(null);
    setCount(null);
    if (table === null) return undefined;
    setError(null);
    setCount(0);
    const controller = new AbortController();
    const { signal } = controller;
    readRecipients(table, (rows) => !signal.aborted && setCount(rows), signal).then(
      (read) => {
        if (signal.aborted) return;
        setCount(null);
        setRecipients(read);
      },
      (reason: unknown) => !signal.aborted && fail(reason),
    );
    return () => controller.abort();
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
