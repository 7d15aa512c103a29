/** To whom: a table that is pasted or uploaded, and what its columns are. */
import { useRef, useState } from 'preact/hooks';
import type { Kind } from '../counters.ts';
import { readCsv } from '../csv.ts';
import { formatNumber, plural } from '../format.ts';
import {
  readTable,
  variableName,
  type Column,
  type Recipients,
  type Table,
} from '../recipients.ts';
import { Button, Field, Notice } from '../ui/parts.tsx';

const SAMPLE_ROWS = 4;
/** Bytes of a file that a browser reads without trouble. */
const FILE_BYTES_MAX = 200_000_000;
/** Characters that are shown in the field when they are pasted: browsers take long for thousands of lines. */
const PASTED_LENGTH_MAX = 20_000;

export function RecipientsStep(props: {
  readonly kind: Kind;
  readonly table: Table | null;
  readonly recipients: Recipients | null;
  readonly onTable: (table: Table | null) => void;
}) {
  const { kind, table, onTable } = props;
  const [pasted, setPasted] = useState('');
  const [fileName, setFileName] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  function take(text: string): void {
    const cells = readCsv(text);
    setError(cells.length === 0 && text.trim() !== '' ? 'There is no row in it.' : null);
    onTable(cells.length === 0 ? null : readTable(cells, kind));
  }

  async function takeFile(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    if (file.size > FILE_BYTES_MAX) {
      setError('The file is larger than 200 MB. Split it.');
      return;
    }
    setFileName(file.name);
    setPasted('');
    take(await file.text());
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
        void takeFile(event.dataTransfer?.files[0]);
      }}
    >
      <div class="take">
        <Field label="Paste rows, the first may have names" class="grow">
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
                setFileName('as pasted');
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
            accept=".csv,.tsv,.txt,text/csv,text/plain"
            onChange={(event) => void takeFile(event.currentTarget.files?.[0])}
          />
          <span class="muted small">{fileName ?? 'or drop it here'}</span>
        </div>
      </div>
      {error !== null && <Notice tone="bad">{error}</Notice>}
      {table !== null && <Mapping {...props} table={table} />}
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
    ['NAME', 'Name of the person'],
    ['variable', 'Variable'],
    ['none', 'Leave out'],
  ],
};

function Mapping(props: {
  readonly kind: Kind;
  readonly table: Table;
  readonly recipients: Recipients | null;
  readonly onTable: (table: Table) => void;
}) {
  const { table, recipients, onTable, kind } = props;
  const put = (at: number, column: Column) =>
    onTable({ ...table, columns: table.columns.map((each, i) => (i === at ? column : each)) });
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Columns of the table">
        <table class="mapping">
          <thead>
            <tr>
              {table.columns.map((column, i) => {
                const header = table.header[i] ?? '';
                return (
                  <th key={header} scope="col">
                    <span class="mapping-name">{header}</span>
                    <select
                      aria-label={`What ${header} is`}
                      value={column.use}
                      onInput={(event) => {
                        const use = event.currentTarget.value;
                        put(
                          i,
                          use === 'variable'
                            ? { use, name: variableName(header, i) }
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
                        aria-label={`Name of the variable from ${header}`}
                        value={column.name}
                        onInput={(event) =>
                          put(i, { use: 'variable', name: event.currentTarget.value.trim() })
                        }
                      />
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {table.rows.slice(0, SAMPLE_ROWS).map((row, i) => (
              // Rows are samples of a file and have no other name.
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
      <p role="status">
        {recipients === null ? (
          <span class="bad">Say which column is the address.</span>
        ) : (
          <>
            <b>{plural(recipients.list.length, 'recipient')}</b>
            {table.rows.length > SAMPLE_ROWS && (
              <span class="muted"> · the first {SAMPLE_ROWS} rows are shown</span>
            )}
          </>
        )}
      </p>
      {recipients !== null && recipients.bad.length > 0 && (
        <Notice tone="warn">
          {plural(recipients.bad.length, 'row')} without a usable address{' '}
          {recipients.bad.length === 1 ? 'is' : 'are'} left out: row{' '}
          {recipients.bad
            .slice(0, 3)
            .map(
              ({ row, cell }) =>
                `${formatNumber(row)} (${cell === '' ? 'empty' : `“${cell.slice(0, 30)}”`})`,
            )
            .join(', ')}
          {recipients.bad.length > 3 && ' and others'}.
        </Notice>
      )}
    </>
  );
}
