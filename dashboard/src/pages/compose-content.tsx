/** The content of a send: a template, and a preview for each recipient as the server renders it. */
import { useRef, useState } from 'preact/hooks';
import type { DryRun, EmailDryRun } from '@fanfare/client';
import { preview, type Draft } from '../draft.ts';
import { formatNumber, plural } from '../format.ts';
import { useLoaded, useSettled } from '../hooks.ts';
import type { Column, Recipient, Recipients } from '../recipients.ts';
import { Icon } from '../ui/icon.tsx';
import { Button, Field, Notice } from '../ui/parts.tsx';
import { EmailPreview, PhonePreview } from '../ui/preview.tsx';

const SETTLE_MS = 350;
/** The recipient of the preview while the list is empty. */
const NOBODY: Recipient = { address: '+15005550123', channel: 'PHONE' };
const NO_MAILBOX = { address: 'ada@example.com' } as unknown as Recipient;

export function ContentStep(props: {
  readonly draft: Draft;
  readonly recipients: Recipients | null;
  readonly columns: readonly Column[];
  readonly onChange: (changes: Partial<Draft>) => void;
}) {
  const { draft, recipients } = props;
  const variables = props.columns.flatMap((column) =>
    column.use === 'variable' && column.name !== '' ? [column.name] : [],
  );
  return (
    <div class="content-step">
      <div class="write">
        {draft.kind === 'emails' ? (
          <EmailFields {...props} variables={variables} />
        ) : draft.kept === null ? (
          <MessageFields {...props} variables={variables} />
        ) : (
          <p class="muted">
            The content stays as in the original operation. Use the API to change rich content or a
            template.
          </p>
        )}
      </div>
      <Preview draft={draft} recipients={recipients} />
    </div>
  );
}

interface FieldsProps {
  readonly draft: Draft;
  readonly variables: readonly string[];
  readonly onChange: (changes: Partial<Draft>) => void;
}

/** A text area with buttons that insert variables at the cursor. */
function Template(props: {
  readonly label: string;
  readonly rows: number;
  readonly value: string;
  readonly variables: readonly string[];
  readonly isHtml?: boolean;
  readonly onInput: (value: string) => void;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  function insert(name: string): void {
    const { selectionStart = props.value.length, selectionEnd = props.value.length } =
      area.current ?? {};
    // Text from a list must not become HTML.
    const put = props.isHtml === true ? `{{ ${name} | escape }}` : `{{ ${name} }}`;
    props.onInput(props.value.slice(0, selectionStart) + put + props.value.slice(selectionEnd));
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(selectionStart + put.length, selectionStart + put.length);
    });
  }
  return (
    <>
      <Field
        label={props.label}
        hint={
          <>
            Insert variables with Liquid: <code>{'{{ name | default: "you" }}'}</code>
          </>
        }
      >
        {(ids) => (
          <textarea
            {...ids}
            ref={area}
            class={props.isHtml === true ? 'mono' : ''}
            rows={props.rows}
            value={props.value}
            onInput={(event) => props.onInput(event.currentTarget.value)}
          />
        )}
      </Field>
      {props.variables.length > 0 && (
        <div class="variables" role="group" aria-label="Insert a variable">
          {props.variables.map((name) => (
            <button key={name} type="button" class="variable" onClick={() => insert(name)}>
              <Icon name="plus" /> {name}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

function MessageFields({ draft, variables, onChange }: FieldsProps) {
  return (
    <>
      <Template
        label="Text"
        rows={6}
        value={draft.text}
        variables={variables}
        onInput={(text) => onChange({ text })}
      />
      <Field label="Picture or file URL (optional)">
        {(ids) => (
          <input
            {...ids}
            class="mono"
            type="url"
            placeholder="https://"
            value={draft.mediaUrl}
            onInput={(event) => onChange({ mediaUrl: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  );
}

function EmailFields({ draft, variables, onChange }: FieldsProps) {
  return (
    <>
      <Field label="Subject">
        {(ids) => (
          <input
            {...ids}
            value={draft.subject}
            onInput={(event) => onChange({ subject: event.currentTarget.value })}
          />
        )}
      </Field>
      <Template
        label="HTML"
        rows={12}
        isHtml
        value={draft.html}
        variables={variables}
        onInput={(html) => onChange({ html })}
      />
    </>
  );
}

function Preview({
  draft,
  recipients,
}: {
  readonly draft: Draft;
  readonly recipients: Recipients | null;
}) {
  const [at, setAt] = useState(0);
  const { first, count } = recipients ?? { first: [], count: 0 };
  const place = Math.min(at, Math.max(0, first.length - 1));
  const isEmail = draft.kind === 'emails';
  const recipient = first[place] ?? (isEmail ? NO_MAILBOX : NOBODY);
  const says = isEmail
    ? draft.subject.trim() !== '' && draft.html.trim() !== '' && draft.from !== ''
    : draft.kept !== null || draft.text.trim() !== '' || draft.mediaUrl.trim() !== '';
  const asked: Draft = { ...draft, when: 'now', tags: '' };
  const wanted = says ? JSON.stringify([asked, recipient]) : '';
  const key = useSettled(wanted, SETTLE_MS);
  const loaded = useLoaded<DryRun | EmailDryRun | null>(key, async (signal) =>
    key === '' ? null : preview(asked, recipient, signal),
  );
  const last = useRef<DryRun | EmailDryRun | null>(null);
  if (loaded.value !== null || !says) last.current = loaded.value;
  // The preview is of an earlier text.
  const isOld = says && (wanted !== key || loaded.isLoading);
  return (
    <div class="preview" aria-label="Preview" aria-busy={isOld} role="group">
      <p class="preview-head">
        <span>
          {count === 0
            ? 'Preview'
            : `Preview: recipient ${formatNumber(place + 1)} of ${first.length < count ? `the first ${first.length}` : formatNumber(count)}`}
          {isOld && <span class="muted"> · updating…</span>}
        </span>
        {first.length > 1 && (
          <span class="preview-steps">
            <Button
              tone="quiet"
              aria-label="Previous recipient"
              disabled={place === 0}
              onClick={() => setAt(place - 1)}
            >
              <Icon name="left" />
            </Button>
            <Button
              tone="quiet"
              aria-label="Next recipient"
              disabled={place >= first.length - 1}
              onClick={() => setAt(place + 1)}
            >
              <Icon name="right" />
            </Button>
          </span>
        )}
      </p>
      <Rendered run={last.current} draft={draft} error={says ? loaded.error : null} />
    </div>
  );
}

function Rendered(props: {
  readonly run: DryRun | EmailDryRun | null;
  readonly draft: Draft;
  readonly error: string | null;
}) {
  const { run, error } = props;
  const problem = run?.unaddressable[0];
  if (error !== null) return <Notice tone="warn">{error}</Notice>;
  if (problem !== undefined) return <Notice tone="warn">{problem.message}</Notice>;
  if (run === null && props.draft.kind === 'emails')
    return <p class="muted">Choose a sender, and write a subject and HTML, to see the preview.</p>;
  if (run !== null && 'emails' in run) {
    const [email] = run.emails;
    if (email === undefined) return null;
    return (
      <EmailPreview
        from={email.from.name ?? email.from.address}
        to={email.to.name ?? email.to.address}
        subject={email.subject}
        html={email.html ?? ''}
      />
    );
  }
  const message = run?.messages[0];
  if (message === undefined)
    return <PhonePreview said={{ channel: 'SMS', from: 'Sender', text: null }} />;
  return (
    <>
      <PhonePreview said={{ ...message, from: message.from }} />
      {message.fallbacks.length > 0 && (
        <p class="muted small">
          Fallbacks:{' '}
          {message.fallbacks
            .map(
              ({ channel, segments }) =>
                `${channel}${segments === null ? '' : ` (${plural(segments, 'segment')})`}`,
            )
            .join(', then ')}
          .
        </p>
      )}
    </>
  );
}
