/** Small parts of all pages: headings, notices, buttons, fields, states. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { statusKey, statusLabel } from '../counters.ts';
import { formatAgo, formatFull, formatInstant } from '../format.ts';
import { useNow, type PageTokens } from '../hooks.ts';
import { Icon } from './icon.tsx';

let hasShownPage = false;

/** The head of a page. It sets the document title and takes the focus when the user comes from another page. */
export function PageHead(props: {
  readonly title: string;
  /** Shown instead of the title. */
  readonly heading?: ComponentChildren;
  readonly above?: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · Fanfare`;
  }, [props.title]);
  useEffect(() => {
    // On the first page, the browser's own focus is right.
    if (hasShownPage) heading.current?.focus({ preventScroll: true });
    hasShownPage = true;
    scrollTo(0, 0);
  }, []);
  return (
    <header class="page-head">
      <div class="page-title">
        {props.above}
        <h1 ref={heading} tabIndex={-1}>
          {props.heading ?? props.title}
        </h1>
      </div>
      <div class="page-actions">{props.children}</div>
    </header>
  );
}

export function Section(props: {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class={`section ${props.class ?? ''}`} aria-labelledby={id}>
      <header class="section-head">
        <h2 id={id}>{props.title}</h2>
        {props.note !== undefined && <p class="note">{props.note}</p>}
        {props.actions !== undefined && <div class="section-actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function Button({
  tone = 'plain',
  isBusy = false,
  class: extra = '',
  ...rest
}: Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'class'> & {
  readonly tone?: 'plain' | 'main' | 'danger' | 'quiet';
  readonly isBusy?: boolean;
  readonly class?: string;
}) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${tone} ${extra}`}
      disabled={rest.disabled === true || isBusy}
      aria-busy={isBusy}
    />
  );
}

/** A field with its label, and an error or a hint. */
export function Field(props: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | null | undefined;
  readonly class?: string;
  readonly children: (ids: {
    readonly id: string;
    readonly 'aria-describedby'?: string;
    readonly 'aria-invalid'?: boolean;
  }) => ComponentChildren;
}) {
  const id = useId();
  const hasNote = props.hint !== undefined || props.error;
  return (
    <div class={`field ${props.class ?? ''}`}>
      <label for={id}>{props.label}</label>
      {props.children({
        id,
        ...(hasNote ? { 'aria-describedby': `${id}-note` } : {}),
        ...(props.error ? { 'aria-invalid': true } : {}),
      })}
      {hasNote && (
        <p id={`${id}-note`} class={props.error ? 'hint bad' : 'hint'}>
          {props.error ?? props.hint}
        </p>
      )}
    </div>
  );
}

export function Notice(props: {
  readonly tone?: 'info' | 'bad' | 'good' | 'warn';
  readonly children: ComponentChildren;
}) {
  const { tone = 'info' } = props;
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={tone === 'good' ? 'check' : tone === 'info' ? 'info' : 'alert'} />
      <div>{props.children}</div>
    </div>
  );
}

/** An empty list, with advice. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** Placeholder lines while something loads. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading…</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} class="bone" />
      ))}
    </div>
  );
}

/** A loaded value, or the error with a button to try again. */
export function Shown<Value>(props: {
  readonly of: { readonly value: Value | null; readonly error: string | null; reload?(): void };
  readonly lines?: number;
  readonly children: (value: Value) => ComponentChildren;
}) {
  const { value, error, reload } = props.of;
  if (value !== null) return <>{props.children(value)}</>;
  if (error === null) return <Loading lines={props.lines ?? 4} />;
  return (
    <Notice tone="bad">
      <p>{error}</p>
      {reload && (
        <Button tone="quiet" onClick={reload}>
          Try again
        </Button>
      )}
    </Notice>
  );
}

export function StatusChip({ status }: { readonly status: string }) {
  return (
    <span class="chip">
      <span class={`dot s-${statusKey(status)}`} aria-hidden="true" />
      {statusLabel(status)}
    </span>
  );
}

/** An instant, in full in its tooltip. `ago`: as a duration since then. */
export function When({ at, ago = false }: { readonly at: Date; readonly ago?: boolean }) {
  const now = useNow(ago ? 5_000 : 3_600_000);
  return (
    <time dateTime={at.toISOString()} title={formatFull(at)}>
      {ago ? formatAgo(at, now) : formatInstant(at)}
    </time>
  );
}

export function Tags({ tags }: { readonly tags: Readonly<Record<string, string>> }) {
  const entries = Object.entries(tags);
  if (entries.length === 0) return null;
  return (
    <ul class="tags" aria-label="Tags">
      {entries.map(([key, value]) => (
        <li key={key}>
          <span>{key}</span>
          {value}
        </li>
      ))}
    </ul>
  );
}

/** An ID or a secret with a copy button. */
export function Copyable(props: { readonly text: string; readonly what: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <span class="copyable">
      <code>{props.text}</code>
      <button
        type="button"
        class="icon-button"
        aria-label={isCopied ? 'Copied' : `Copy ${props.what}`}
        onClick={() => {
          void navigator.clipboard?.writeText(props.text).then(() => {
            setCopied(true);
            setTimeout(() => setCopied(false), 2_000);
          });
        }}
      >
        <Icon name={isCopied ? 'check' : 'copy'} />
      </button>
    </span>
  );
}

/** Announces a text to screen readers whenever it changes. */
export function Announcement({ text }: { readonly text: string }) {
  return (
    <p class="hidden" aria-live="polite">
      {text}
    </p>
  );
}

/** Buttons to page through a list. */
export function Pager(props: {
  readonly pages: PageTokens;
  readonly next: string | null;
  readonly count: number;
}) {
  const { pages, next } = props;
  if (pages.number === 1 && next === null) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <Button disabled={pages.number === 1} onClick={pages.back}>
        <Icon name="left" /> Newer
      </Button>
      <span>
        Page {pages.number}
        <span class="muted"> · {props.count} shown</span>
      </span>
      <Button disabled={next === null} onClick={() => next !== null && pages.next(next)}>
        Older <Icon name="right" />
      </Button>
    </nav>
  );
}
