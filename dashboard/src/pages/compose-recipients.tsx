/** The recipients of a send: a pasted or uploaded table, and the use of its columns. */
import { useRef, useState } from 'preact/hooks';
import { toVariable } from '../../../server/src/lists/columns.ts';
import type { Kind } from '../counters.ts';
import { plural } from '../format.ts';
import type { Column, Recipients, Table } from '../recipients.ts';
import type { ListState } from '../use-list.ts';
import { Button, Field, Notice } from '../ui/parts.tsx';
import { ListChoices, ListProgress, ListResult } from './list-parts.tsx';

const SAMPLE_ROWS = 4;
/** Maximum file size in bytes: browsers keep as much again while they send it. */
const FILE_BYTES_MAX = 1_000_000_000;
/** Longest pasted text that the field shows, in characters: browsers are slow with thousands of lines. */
const PASTED_LENGTH_MAX = 20_000;

export function RecipientsStep(props: { readonly kind: Kind; readonly list: ListState }) {
  const { kind, list } = props;
  const { table, recipients } = list;
  const [pasted, setPasted] = useState('');
  const [fileName, setFileName] = useState<string | null>(null);
  const [isTooLarge, setTooLarge] = useState(false);
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  function take(text: string): void {
    setTooLarge(false);
    list.take(text.trim() === '' ? null : new Blob([text]));
  }

  function takeFile(file: File | undefined): void {
    if (file === undefined) return;
    setTooLarge(file.size > FILE_BYTES_MAX);
    setFileName(file.name);
    setPasted('');
    list.take(file.size > FILE_BYTES_MAX ? null : file);
  }

  const example =
    kind === 'emails'
      ? 'email,name\nada@example.com,Ada'
      : 'phone,name\n+15005560001,Ada\n+15005560002,Grace';
  return (
    <div
      class={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        takeFile(event.dataTransfer?.files[0]);
      }}
    >
      <div class="take">
        <Field label="Paste rows, with or without a header row" class="grow">
          {(ids) => (
            <textarea
              {...ids}
              class="mono"
              rows={table === null ? 5 : 2}
              spellcheck={false}
              placeholder={example}
              value={pasted}
              onPaste={(event) => {
                const text = event.clipboardData?.getData('text/plain') ?? '';
                if (text.length <= PASTED_LENGTH_MAX) return;
                event.preventDefault();
                setFileName('Pasted rows');
                setPasted('');
                take(text);
              }}
              onInput={(event) => {
                setPasted(event.currentTarget.value);
                setFileName(null);
                take(event.currentTarget.value);
              }}
            />
          )}
        </Field>
        <div class="upload">
          <span class="muted">or</span>
          <Button onClick={() => input.current?.click()}>Choose a CSV file</Button>
          <input
            ref={input}
            class="hidden"
            type="file"
            tabIndex={-1}
            aria-label="CSV file"
            accept=".csv,.tsv,.txt,.ndjson,.jsonl,text/csv,text/plain,application/x-ndjson"
            onChange={(event) => {
              takeFile(event.currentTarget.files?.[0]);
              // The user may choose the same file again after changing it.
              event.currentTarget.value = '';
            }}
          />
          <span class="muted small">{fileName ?? 'or drop it here'}</span>
        </div>
      </div>
      {isTooLarge && (
        <Notice tone="bad">
          The file is larger than 1 GB. Leave out columns that the content does not use.
        </Notice>
      )}
      {list.error !== null && <Notice tone="bad">{list.error.words}</Notice>}
      {(table !== null || list.error !== null) && (
        <ListChoices list={list} hasNumbers={kind === 'messages'} />
      )}
      {table !== null && <Mapping kind={kind} table={table} list={list} />}
      <ListProgress count={list.count} />
      {recipients !== null && <ListResult recipients={recipients} />}
    </div>
  );
}

const USES: Readonly<Record<Kind, readonly (readonly [use: string, words: string])[]>> = {
  messages: [
    ['PHONE', 'Phone number'],
    ['WHATSAPP', 'WhatsApp number'],
    ['variable', 'Variable'],
    ['none', 'Leave out'],
  ],
  emails: [
    ['EMAIL', 'E-mail address'],
    ['NAME', 'Recipient’s name'],
    ['variable', 'Variable'],
    ['none', 'Leave out'],
  ],
};

function Mapping(props: { readonly kind: Kind; readonly table: Table; readonly list: ListState }) {
  const { table, list, kind } = props;
  const { recipients, setColumn } = list;
  if (!table.hasColumns) return <Count recipients={recipients} table={table} />;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Columns of the table">
        <table class="mapping">
          <thead>
            <tr>
              {table.columns.map((column, i) => {
                const header = table.names[i] ?? '';
                const label = header === '' ? `column ${i + 1}` : header;
                return (
                  // Columns may have no name.
                  // oxlint-disable-next-line react/no-array-index-key
                  <th key={i} scope="col">
                    <span class="mapping-name">{label}</span>
                    <select
                      aria-label={`Use of ${label}`}
                      value={column.use}
                      onInput={(event) => {
                        const use = event.currentTarget.value;
                        setColumn(
                          i,
                          use === 'variable'
                            ? { use, name: toVariable(header) || `column_${i + 1}` }
                            : ({ use } as Column),
                        );
                      }}
                    >
                      {USES[kind].map(([use, words]) => (
                        <option key={use} value={use}>
                          {words}
                        </option>
                      ))}
                    </select>
                    {column.use === 'variable' && (
                      <input
                        class="mono"
                        aria-label={`Variable name for ${label}`}
                        value={column.name}
                        onInput={(event) =>
                          setColumn(i, { use: 'variable', name: event.currentTarget.value.trim() })
                        }
                      />
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {table.sample.slice(0, SAMPLE_ROWS).map((row, i) => (
              // Sample rows have no other key.
              // oxlint-disable-next-line react/no-array-index-key
              <tr key={i}>
                {table.columns.map((column, k) => (
                  // oxlint-disable-next-line react/no-array-index-key
                  <td key={k} class={column.use === 'none' ? 'left-out' : ''}>
                    {row[k] ?? ''}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Count recipients={recipients} table={table} />
    </>
  );
}

function Count({ recipients, table }: { recipients: Recipients | null; table: Table }) {
  const hasAddress =
    !table.hasColumns ||
    table.columns.some(({ use }) => use !== 'variable' && use !== 'none' && use !== 'NAME');
  return (
    <p role="status">
      {!hasAddress && (
        <span class="bad">{table.columnProblem ?? ''} Choose the column with the addresses.</span>
      )}
      {recipients !== null && (
        <>
          <b>{plural(recipients.count, 'recipient')}</b>
          {table.sample.length > SAMPLE_ROWS && (
            <span class="muted"> · first {SAMPLE_ROWS} rows shown</span>
          )}
        </>
      )}
    </p>
  );
}
