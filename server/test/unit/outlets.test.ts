/** Where text leaves: whatever others have written, each outlet gets text of its own kind. The table is in docs/security.md. */
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { printable, renderFields, renderTable } from '../../src/cli/output.ts';
import { Screen } from '../../src/cli/progress.ts';
import {
  findHeaderValueProblem,
  findLineProblem,
  LINE_PATTERN,
} from '../../src/domain/email-headers.ts';
import { parseTemplate, renderTemplate } from '../../src/domain/liquid.ts';
import { findUnstorable, keepable } from '../../src/domain/storable.ts';
import { createLogger } from '../../src/lib/log.ts';
import { escapeControls } from '../../src/lib/printable.ts';
import { writeCsv } from '../../src/lists/write-csv.ts';
import { runs } from '../support/runs.ts';

/** What terminals, lines and spreadsheets take for more than text. */
const HOSTILE = [
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\r',
  '\n',
  '\t',
  '\0',
  '\u007f',
  '\b',
  '\u001b[1m',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\ud800',
  '\udc00',
  '=',
  '+',
  '-',
  '@',
  ';',
  ',',
  '|',
  '"',
  "'",
  '<',
  '>',
  '&',
  'a',
  '1',
  'é',
  '😀',
  '\u200f',
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const RAW = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
// oxlint-disable-next-line no-control-regex
const OURS = /\u001b\[(?:[0-9]|2[0-9]|3[0-9])m/g;

describe('a terminal', () => {
  it(
    'gets a value of others as one line without a raw control character',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(hostile, hostile, (first, second) => {
          const columns = [0, 1].map((i) => ({
            head: `C${i}`,
            cell: (row: string[]) => row[i] ?? '',
          }));
          const table = printable(renderTable(columns, [[first, second]]));
          const fields = printable(
            renderFields([
              ['name', first],
              ['other', second],
            ]),
          );
          for (const text of [table, fields]) {
            const lines = text.replace(OURS, '').split('\n');
            expect(lines).toHaveLength(2);
            expect(lines.filter((each) => RAW.test(each))).toEqual([]);
          }
        }),
        { numRuns: runs(200, 20_000) },
      );
    },
  );

  it(
    'gets all other text without control sequences, and JSON with the same values',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(hostile, (text) => {
          const shown = printable(`\u001b[31m${text}\u001b[39m\n`);
          expect(RAW.test(shown.replace(OURS, '').replaceAll('\n', ''))).toBe(false);
          expect(JSON.parse(printable(JSON.stringify({ text }, null, 2)))).toEqual({ text });
        }),
        { numRuns: runs(200, 20_000) },
      );
    },
  );

  it(
    'is drawn over as often as lines were drawn, whatever stands in them',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(hostile, fc.boolean(), (text, isTTY) => {
          let written = '';
          const stream = { isTTY, columns: 1_000, write: (part: string) => (written += part) };
          const screen = new Screen(stream as unknown as NodeJS.WriteStream);
          const title = text.replaceAll('\n', '');
          screen.draw([title, 'second'], `${title}\n`, false);
          screen.draw([title, 'second'], title, true);
          const rest = written.replaceAll('\u001b[2A\r', '').replaceAll('\u001b[J', '');
          expect(
            rest
              .replace(OURS, '')
              .split('\n')
              .filter((each) => RAW.test(each)),
          ).toEqual([]);
        }),
        { numRuns: runs(200, 20_000) },
      );
    },
  );

  it('is written to in one place', () => {
    const folder = fileURLToPath(new URL('../../src/cli/', import.meta.url));
    const found = readdirSync(folder)
      .filter((file) => file !== 'output.ts')
      .filter((file) =>
        /process\.std(out|err)\.write|console\./.test(readFileSync(folder + file, 'utf8')),
      );
    expect(found).toEqual([]);
  });

  it('is not needed for fields whose input refuses exactly the escaped characters', () => {
    const all = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));
    const refused = all.filter((char) => findLineProblem(char) !== null);
    expect(refused).toEqual(all.filter((char) => escapeControls(char) !== char));
    expect(refused).toContain('\u009b');
    // Halves of surrogate pairs are refused wherever they stand.
    const line = new RegExp(LINE_PATTERN, 'u');
    expect(all.filter((char) => char.isWellFormed() && !line.test(char))).toEqual(
      refused.filter((char) => char.isWellFormed()),
    );
  });
});

describe('a spreadsheet', () => {
  it(
    'gets cells that are text, whichever separator it splits by, and those that were written',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(hostile, hostile), { minLength: 1, maxLength: 5 }),
          (rows) => {
            const text = writeCsv(rows);
            const read = parse(text, { record_delimiter: '\r\n' }) as string[][];
            // An apostrophe is all that is ever added.
            const bare = (cell: string) => cell.toWellFormed().replaceAll("'", '');
            expect(read.map((row) => row.map(bare))).toEqual(rows.map((row) => row.map(bare)));
            for (const cell of read.flat())
              for (const part of cell.split(/[;\t|]/))
                expect(part).not.toMatch(/^(=|@|[+-](?!\d+$))/);
          },
        ),
        { numRuns: runs(200, 20_000) },
      );
    },
  );
});

describe('a header', () => {
  it('has no line break or control character, or is refused', { tags: ['property'] }, () => {
    fc.assert(
      fc.property(hostile, (text) => {
        // oxlint-disable-next-line no-control-regex
        if (/[\0-\u0008\u000a-\u001f\u007f]/.test(text))
          expect(findHeaderValueProblem(text)).not.toBeNull();
        if (findLineProblem(text) === null) expect(RAW.test(text)).toBe(false);
      }),
      { numRuns: runs(200, 20_000) },
    );
  });
});

describe('HTML', () => {
  it(
    'gets values of others as text, where the template of an e-mail says so',
    { tags: ['property'] },
    () => {
      const parsed = parseTemplate('<p title="{{ value | escape }}">');
      expect(parsed.ok).toBe(true);
      if (!parsed.ok) return;
      fc.assert(
        fc.property(hostile, (value) => {
          const options = { requireVariables: false, lengthMax: 10_000 };
          const result = renderTemplate(parsed.template, { value }, new Date(0), options);
          // What no database keeps is refused, and nothing else.
          expect(result.ok).toBe(!value.includes('\0') && value.isWellFormed());
          if (!result.ok) return;
          const inner = result.text.slice('<p title="'.length, -'">'.length);
          expect(inner).not.toMatch(/[<>"']|&(?!(amp|lt|gt|#34|#39);)/);
        }),
        { numRuns: runs(200, 20_000) },
      );
    },
  );
});

describe('the log', () => {
  it('is one line of JSON for each entry, without a raw control character', () => {
    const texts = fc.sample(hostile, 200);
    const file = join(mkdtempSync(join(tmpdir(), 'fanfare-log-')), 'log');
    const fd = openSync(file, 'w');
    const log = createLogger('info', fd);
    for (const text of texts) log.info({ reason: text, err: new Error(text) }, text);
    closeSync(fd);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    rmSync(dirname(file), { recursive: true });
    expect(lines.map((each) => (JSON.parse(each) as { msg: string }).msg.toWellFormed())).toEqual(
      texts.map((each) => each.toWellFormed()),
    );
    expect(lines.filter((each) => RAW.test(each))).toEqual([]);
  });
});

describe('PostgreSQL', () => {
  it(
    'gets neither NUL nor lone surrogates: refused from clients, removed from texts of peers',
    { tags: ['property'] },
    () => {
      fc.assert(
        fc.property(hostile, (text) => {
          const isBad = text.includes('\0') || !text.isWellFormed();
          expect(findUnstorable({ text }, '$')).toEqual(isBad ? ['$.text'] : []);
          const kept = keepable(text, 100);
          expect([kept.includes('\0'), kept.isWellFormed()]).toEqual([false, true]);
        }),
        { numRuns: runs(200, 20_000) },
      );
    },
  );
});
