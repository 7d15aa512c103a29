/** A list that somebody gives: what it is, how it is read, and what came of it. Whatever changes, it is read anew. */
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
  /** Null while there is none, and while it is read. */
  readonly recipients: Recipients | null;
  readonly choices: Choices;
  /** Rows read so far; null when nothing is being read. */
  readonly count: number | null;
  readonly error: { readonly words: string; readonly cure: Cure | null } | null;
  /** Takes another list, or none. */
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
    // What was read before is of another list or other columns.
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
      // Another list may be written in another way; the country stays.
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
