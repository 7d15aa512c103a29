/** Hooks that pages share: load, refresh while the page is visible, follow an operation, page through a list. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { AuthenticationError, NotFoundError } from '@fanfare/client';
import { explain } from './api.ts';

export interface Loaded<Value> {
  /** The latest value; null before the first. */
  readonly value: Value | null;
  /** Error message of the latest read; null if it succeeded. */
  readonly error: string | null;
  /** When `value` was read. */
  readonly at: Date | null;
  readonly isLoading: boolean;
  reload(): void;
}

/**
 * Reads a value, and again every `everyMs` while the page is visible (null: once). `key` identifies the value: when the
 * key changes, the hook drops the old value and reads the new one.
 */
export function useLoaded<Value>(
  key: string,
  read: (signal: AbortSignal) => PromiseLike<Value>,
  everyMs: number | null = null,
): Loaded<Value> {
  const [state, setState] = useState<{
    key: string;
    value: Value | null;
    error: string | null;
    at: Date | null;
  }>({ key, value: null, error: null, at: null });
  const [turn, setTurn] = useState(0);
  const [isLoading, setLoading] = useState(true);
  const reading = useRef(read);
  reading.current = read;
  const delay = useRef(everyMs);
  delay.current = everyMs;
  const isPeriodic = everyMs !== null;

  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = () => {
      clearTimeout(timer);
      if (delay.current !== null && document.visibilityState === 'visible')
        timer = setTimeout(load, delay.current);
    };
    async function load(): Promise<void> {
      setLoading(true);
      try {
        const value = await reading.current(controller.signal);
        if (!controller.signal.aborted) setState({ key, value, error: null, at: new Date() });
      } catch (error) {
        if (controller.signal.aborted) return;
        const words = explain(error);
        setState((before) =>
          before.key === key
            ? { ...before, error: words }
            : { key, value: null, error: words, at: null },
        );
      }
      if (controller.signal.aborted) return;
      setLoading(false);
      next();
    }
    // The value is old after time in the background: read it at once.
    const onVisible = () => {
      if (document.visibilityState !== 'visible' || delay.current === null) return;
      clearTimeout(timer);
      void load();
    };
    void load();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [key, turn, isPeriodic]);

  const isOwn = state.key === key;
  return {
    value: isOwn ? state.value : null,
    error: isOwn ? state.error : null,
    at: isOwn ? state.at : null,
    isLoading,
    reload: () => setTurn((before) => before + 1),
  };
}

/** Follows a stream of values, and reconnects when it breaks. Ends with the component. */
export function useFollowed<Value>(
  key: string,
  follow: (signal: AbortSignal) => AsyncIterable<Value>,
): { readonly value: Value | null; readonly error: string | null; readonly isOver: boolean } {
  const [state, setState] = useState<{
    key: string;
    value: Value | null;
    error: string | null;
    isOver: boolean;
  }>({ key, value: null, error: null, isOver: false });

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    async function run(): Promise<void> {
      while (!signal.aborted) {
        try {
          for await (const value of follow(signal)) {
            if (signal.aborted) return;
            setState({ key, value, error: null, isOver: false });
          }
          if (!signal.aborted) setState((before) => ({ ...before, isOver: true }));
          return;
        } catch (error) {
          if (signal.aborted) return;
          const words = explain(error);
          setState((before) => ({
            key,
            value: before.key === key ? before.value : null,
            error: words,
            isOver: false,
          }));
          // Retrying does not help: the resource does not exist, or the user must sign in first.
          if (error instanceof NotFoundError || error instanceof AuthenticationError) return;
          await new Promise((resolve) => setTimeout(resolve, 3_000));
        }
      }
    }
    void run();
    return () => controller.abort();
  }, [key]);

  return state.key === key ? state : { value: null, error: null, isOver: false };
}

/** A value that follows its input once the input has not changed for `delayMs`. */
export function useSettled<Value>(value: Value, delayMs: number): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);
  return settled;
}

/** The current time, updated every `everyMs`, for texts such as "4 s ago". */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The current page of a list. */
export interface PageTokens {
  /** Token of the current page; undefined for the first. */
  readonly token: string | undefined;
  readonly number: number;
  readonly next: (token: string) => void;
  readonly back: () => void;
}

/** Tokens of the visited pages. Starts again when `key` changes. */
export function usePageTokens(key: string): PageTokens {
  const [state, setState] = useState<{ key: string; tokens: readonly string[] }>({
    key,
    tokens: [],
  });
  const tokens = state.key === key ? state.tokens : [];
  return {
    token: tokens.at(-1),
    number: tokens.length + 1,
    next: (token) => setState({ key, tokens: [...tokens, token] }),
    back: () => setState({ key, tokens: tokens.slice(0, -1) }),
  };
}

/** An action of a button: whether it is running, and its error. */
export function useAction(): {
  readonly isBusy: boolean;
  readonly error: string | null;
  /** Resolves with whether it succeeded. */
  run(action: () => Promise<unknown>): Promise<boolean>;
} {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return {
    isBusy,
    error,
    async run(action) {
      setBusy(true);
      setError(null);
      try {
        await action();
        return true;
      } catch (reason) {
        setError(explain(reason));
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
