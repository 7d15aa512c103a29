/** The reader of lists: real files are read exactly, or refused with place and remedy. */
import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { parseCountry } from '../../src/lists/countries.ts';
import { openList, type ListOptions } from '../../src/lists/list.ts';
import { ListError } from '../../src/lists/problem.ts';
import type { ListRow } from '../../src/lists/recipients.ts';
import { rejectedCells, writeCsv } from '../../src/lists/write-csv.ts';

const OPTIONS: ListOptions = {
  kind: 'PHONE',
  country: null,
  toColumn: null,
  map: {},
  encoding: null,
  separator: null,
  format: null,
};

const bytesOf = (content: string | Uint8Array) =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

async function* inPieces(content: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = bytesOf(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readRows(
  content: string | Uint8Array,
  options: Partial<ListOptions> = {},
  size = 65_536,
): Promise<ListRow[]> {
  const list = await openList(inPieces(content, size), { ...OPTIONS, ...options });
  if (list.columnProblem !== null) throw new ListError(list.columnProblem);
  const rows: ListRow[] = [];
  for await (const some of list.rows()) rows.push(...some);
  return rows;
}

/** Recipients in short: address and variables, or place and reason. */
const brief = (rows: readonly ListRow[]) =>
  rows.map(({ recipient, problem, line, row }) =>
    recipient === null
      ? `${line}/${row} ${problem?.column ?? '-'}: ${problem?.reason ?? ''}`
      : [recipient.address, ...Object.entries(recipient.variables ?? {}).flat()].join(' '),
  );

const read = async (...args: Parameters<typeof readRows>) => brief(await readRows(...args));

async function reasonOf(
  content: string | Uint8Array,
  options: Partial<ListOptions> = {},
): Promise<string> {
  try {
    await readRows(content, options);
  } catch (error) {
    if (error instanceof ListError) return `${error.message} [${error.problem.cure ?? ''}]`;
    throw error;
  }
  return 'was read';
}

const ADA = '+15005560001';
const BOB = '+15005560002';

describe('rows', () => {
  it.each([
    ['CRLF then LF', `phone,name\r\n${ADA},Ada\n${BOB},Bob\n`],
    ['LF then CRLF', `phone,name\n${ADA},Ada\r\n${BOB},Bob\r\n`],
    ['CR alone', `phone,name\r${ADA},Ada\r${BOB},Bob`],
    ['CR, LF and CRLF', `phone,name\r${ADA},Ada\n${BOB},Bob\r\n`],
    ['a byte order mark', `\ufeffphone,name\n${ADA},Ada\n${BOB},Bob`],
    ['empty rows', `\n\nphone,name\n\n${ADA},Ada\r\n,\n${BOB},Bob\n\n\n`],
    ['quotes, and blanks around them', `"phone" , name\n "${ADA}" ,"Ada"\t\n${BOB}, Bob `],
    ['semicolons', `phone;name\n${ADA};Ada\n${BOB};Bob\n`],
    ['tabs', `phone\tname\n${ADA}\tAda\n${BOB}\tBob\n`],
    ['vertical bars', `phone|name\n${ADA}|Ada\n${BOB}|Bob\n`],
    ['a word on its separator', `sep=;\r\nphone;name\r\n${ADA};Ada\r\n${BOB};Bob\r\n`],
  ])('are read with %s, however the bytes come', async (_, text) => {
    for (const size of [1, 2, 3, 7, 65_536])
      expect(await read(text, {}, size)).toEqual([`${ADA} name Ada`, `${BOB} name Bob`]);
  });

  it('have one separator, that of the first row', async () => {
    expect(await read(`phone;amount;name\n${ADA};12,50;Anna\n`)).toEqual([
      `${ADA} amount 12,50 name Anna`,
    ]);
    expect(await read(`phone;"a, b, c, d"\n${ADA};x\n`)).toEqual([`${ADA} a_b_c_d x`]);
    expect(await reasonOf(`phone;name, all\n${ADA};x\n`)).toMatch(
      /line 1: .*commas or by semicolons.*\[separator\]/,
    );
    expect(await read(`phone;name, all\n${ADA};x\n`, { separator: ';' })).toEqual([
      `${ADA} name_all x`,
    ]);
  });

  it('have as many cells as the first one', async () => {
    expect(
      await read(`phone,name,code\n${ADA},Doe, Jane,4711\n${BOB},Bob\n${BOB},Bob,1\n`),
    ).toEqual([
      '2/2 -: It has 4 cells, and the first row has 3. Write a cell with a separator in it in quotation marks.',
      '3/3 -: It has 2 cells, and the first row has 3. Write a cell with a separator in it in quotation marks.',
      `${BOB} name Bob code 1`,
    ]);
  });

  it('are named by the line of the file and the row of a spreadsheet', async () => {
    const text = `\r\nphone,name\r\n${ADA},"Ada\r\nLovelace\r\n"\r\nx,Bob\n`;
    for (const size of [1, 5, 65_536]) {
      const rows = await readRows(text, {}, size);
      expect(rows.map(({ line, row }) => [line, row])).toEqual([
        [3, 3],
        [6, 4],
      ]);
    }
    const [row] = await readRows(`sep=,\nphone\nx\n`);
    expect([row?.line, row?.row]).toEqual([3, 2]);
  });

  it('come back the same as another reader of CSV reads them, by seed', async () => {
    const cell = fc.oneof(fc.string(), fc.stringMatching(/^[a ,;"\n\r|\t]{0,8}$/), fc.constant(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 40 }),
        async (cells, separator, end, size) => {
          const plain = cells.map((row) =>
            row.map((each) => each.replaceAll(/[\0\ufffd\u0080-\u009f]/g, '').trim()),
          );
          const quoted = plain.map((row) =>
            row.map((each) => `"${each.replaceAll('"', '""')}"`).join(separator),
          );
          const text =
            ['phone', ...'ab'].map((n) => n).join(separator) +
            end +
            quoted.map((row) => `${ADA}${separator}${row}${end}`).join('');
          const expected: string[][] = parse(text, {
            delimiter: separator,
            record_delimiter: ['\r\n', '\n', '\r'],
            from: 2,
          });
          const rows = await readRows(text, { separator }, size);
          expect(rows.map((row) => row.cells)).toEqual(expected);
        },
      ),
      { numRuns: 300, seed: 20_261_126 },
    );
  });

  it('are never lost nor made, whatever is damaged, by seed', async () => {
    const text = `phone,name\r\n${ADA},"Ada"\n${BOB},Bob\r+15005560003,"C, ""D"""\n`;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: text.length - 1 }),
        fc.constantFrom('', '"', ',', ';', '\n', '\r', '\0', '\u202a', 'x', '0', '+', ' '),
        async (at, put) => {
          const damaged = text.slice(0, at) + put + text.slice(at + 1);
          const rows = await readRows(damaged).catch((error: unknown) => {
            if (error instanceof ListError) return null;
            throw error;
          });
          // Lines that have anything but separators are rows: read or rejected, and one of them is the header or none is.
          if (rows === null) return;
          const lines = damaged
            .split(/\r\n|\n|\r/)
            .filter((line) => line.replaceAll(/[,\s]/g, '') !== '').length;
          const known = rows.length + (rows[0]?.row === 1 ? 0 : 1);
          const joined = rows.reduce(
            (sum, { cells }) => sum + cells.join('').split(/\r\n|\n|\r/).length - 1,
            0,
          );
          expect(known + joined).toBe(lines);
          for (const { recipient } of rows)
            if (recipient !== null) expect(recipient.address).toMatch(/^\+1\d{10}$/);
        },
      ),
      { numRuns: 2_000, seed: 4_711 },
    );
  });
});

describe('files that cannot be read', () => {
  const file = (...bytes: number[]) => Uint8Array.from([...bytes, ...bytesOf(' and more')]);
  it.each([
    ['nothing', '', /It is empty/],
    ['blanks', ' \n\n', /It is empty/],
    ['only separators', ',,\n,,\n', /It is empty/],
    ['only a header', 'phone,name\n', /no rows below the first one, "phone", "name"/],
    [
      'a quote in a cell',
      `phone,name\n${ADA},Ada "the Ace" L\n`,
      /^line 2: column 2: a quotation mark stands inside/,
    ],
    ['text behind a quote', `phone,name\n${ADA},"Ada" L\n`, /^line 2: column 2: text follows/],
    [
      'a quote that is not closed',
      `phone,name\n${ADA},"Ada\n${BOB},Bob\n`,
      /^line 2: column 2: .* not closed/,
    ],
    [
      'an .xlsx',
      'PK\x03\x04....[Content_Types].xml',
      /Excel workbook \(\.xlsx\): save the sheet as CSV/,
    ],
    ['an .ods', 'PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet', /\.ods/],
    ['a .zip', 'PK\x03\x04....people.csv', /ZIP archive/],
    ['an .xls', file(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1), /Excel workbook \(\.xls\)/],
    ['a PDF', '%PDF-1.7', /PDF/],
    ['a gzip', file(0x1f, 0x8b, 8), /gzip/],
    ['a page', '\n<!DOCTYPE html><table>', /HTML/],
    ['an XML sheet', '<?xml version="1.0"?><Workbook>', /XML/],
    ['NUL bytes', `phone\n${ADA}\n+1500\0\n`, /^line 3: There is a NUL byte/],
    ['UTF-32', file(0xff, 0xfe, 0, 0, 0x70, 0, 0, 0), /UTF-32/],
    [
      'UTF-16 without a mark',
      Uint8Array.from(Buffer.from(`phone\n${ADA}\n`, 'utf16le')),
      /looks like UTF-16LE .*\[encoding\]/,
    ],
    ['an array of JSON', `[{"phone": "${ADA}"}]`, /JSON array/],
    [
      'two columns of one name',
      `phone,name,phone\n${ADA},x,${BOB}\n`,
      /columns 1 and 3 are both called "phone"/,
    ],
    [
      'two columns of one variable',
      `phone,First name,first-name\n${ADA},x,y\n`,
      /"First name" and "first-name" both become the variable "first_name"/,
    ],
    [
      'two columns of addresses',
      `phone,mobile\n${ADA},${BOB}\n`,
      /More than one column has addresses: "phone", "mobile"/,
    ],
    [
      'no column of addresses',
      'name,city\nAda,Rome\n',
      /No column has addresses. The columns are "name", "city"/,
    ],
    [
      'cohorts',
      'cohortId,city\ncmp_cohort_1,Rome\n',
      /Recipients by cohort are not supported; send addresses/,
    ],
  ])('%s', async (_, content, reason) => {
    expect(await reasonOf(content)).toMatch(reason);
  });

  it('with rows that are too long', async () => {
    expect(await reasonOf(`phone,name\n${ADA},"${'x\n'.repeat(600_000)}`)).toMatch(
      /^line 2: the row is longer than/,
    );
    const long = `phone,name\n${ADA},${'x'.repeat(1_100_000)}\n`;
    for (const size of [65_536, 2_000_000])
      await expect(readRows(long, {}, size)).rejects.toThrow('line 2: the row is longer than');
  });
});

describe('encodings', () => {
  const bytes = (text: string, encoding: BufferEncoding) =>
    Uint8Array.from(Buffer.from(text, encoding));
  const text = `phone,name\n${ADA},Müller\n`;
  const swapped = (given: Uint8Array) => Uint8Array.from(given, (_, i) => given[i ^ 1] ?? 0);
  it.each([
    ['UTF-8', bytes(text, 'utf8'), null],
    ['UTF-8 with a mark', bytes(`\ufeff${text}`, 'utf8'), null],
    ['UTF-16 LE', bytes(`\ufeff${text}`, 'utf16le'), null],
    ['UTF-16 BE', swapped(bytes(`\ufeff${text}`, 'utf16le')), null],
    ['UTF-16 LE as asked', bytes(text, 'utf16le'), 'utf-16le'],
    ['Windows-1252', bytes(text, 'latin1'), 'windows-1252'],
  ])('%s is read, however the bytes come', async (_, content, encoding) => {
    for (const size of [1, 3, 65_536])
      expect(await read(content, { encoding }, size)).toEqual([`${ADA} name Müller`]);
  });

  it('of Windows are read with their own signs', async () => {
    const euro = bytes(`phone,name\n${ADA},\x80 \x93Ada\x94\n`, 'latin1');
    expect(await read(euro, { encoding: 'windows-1252' })).toEqual([`${ADA} name € “Ada”`]);
    expect(await read(euro, { encoding: 'windows-1252' }, 1)).toEqual([`${ADA} name € “Ada”`]);
  });

  it('are refused with the line where the bytes do not fit', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const wrong = bytes(['phone,name', `${ADA},Ada`, `${BOB},M\xfcller`, ''].join(end), 'latin1');
      expect(await reasonOf(wrong)).toBe('line 3: The bytes are not UTF-8. [encoding]');
      for (const size of [1, 2, 5, 31])
        await expect(readRows(wrong, {}, size)).rejects.toThrow('line 3: The bytes are not UTF-8');
    }
    const long = bytes(`phone,name\n${`${ADA},Ünal\n`.repeat(20_000)}`, 'utf8');
    long[long.length - 3] = 0xff;
    await expect(readRows(long, {}, 1_000)).rejects.toThrow('line 20001: The bytes are not UTF-8');
    expect(await reasonOf(bytes(`\ufeff${text}`, 'utf8'), { encoding: 'windows-1252' })).toMatch(
      /byte order mark of UTF-8/,
    );
  });

  it('are refused where they are UTF-8 and another one was chosen', async () => {
    const rows = (name: string, before = 0) =>
      bytes(`phone,name\n${`${BOB},Bob\n`.repeat(before)}${ADA},${name}\n`, 'utf8');
    const japanese = '\u65e5\u672c\u8a9e\u306e\u540d\u524d\u306f\u5c71\u7530\u3055\u3093';
    for (const [content, encoding, line] of [
      [rows('M\u00fcller'), 'windows-1252', 2],
      [rows('M\u00fcller', 1_000), 'windows-1252', 1_002],
      [rows('\u{1f600}'), 'iso-8859-15', 2],
      [rows('\u041f\u0451\u0442\u0440'), 'windows-1251', 2],
      [rows(japanese), 'shift_jis', 2],
      [rows(japanese), 'gb18030', 2],
    ] as const)
      for (const size of [1, 7, 65_536])
        await expect(readRows(content, { encoding }, size)).rejects.toThrow(
          `line ${line}: The bytes are UTF-8, but ${encoding} was chosen`,
        );
    // ASCII is the same in all of them; letters of their own are no UTF-8.
    expect(await read(rows('Ada'), { encoding: 'windows-1252' })).toEqual([`${ADA} name Ada`]);
    const own = [
      ['windows-1251', [0xcf, 0xa8, 0xd2, 0xd0], '\u041f\u0401\u0422\u0420'],
      ['shift_jis', [0x93, 0xfa, 0x96, 0x7b], '\u65e5\u672c'],
      // Two bytes that would be one letter of UTF-8.
      ['gb18030', [0xc4, 0xa3], '\u6a21'],
    ] as const;
    for (const [encoding, letters, name] of own) {
      const content = Uint8Array.from([...bytes(`phone,name\n${ADA},`, 'utf8'), ...letters]);
      for (const size of [1, 65_536])
        expect(await read(content, { encoding }, size)).toEqual([`${ADA} name ${name}`]);
    }
  });

  it('never put a lost letter into a message', async () => {
    expect(await read(`phone,name\n${ADA},M\ufffdller\n${BOB},Bob\n`)).toEqual([
      expect.stringMatching(/^2\/2 name: A letter was lost/),
      `${BOB} name Bob`,
    ]);
    expect(
      await read(bytes(`phone,name\n${ADA},a\x81b\n`, 'latin1'), { encoding: 'windows-1252' }),
    ).toEqual([expect.stringMatching(/^2\/2 name: A letter was lost/)]);
    // ISO 2022-JP, which is ASCII with escapes, and what a database uses between fields.
    for (const name of ['\x1b$B;3ED\x1b(B', 'a\x1fb', 'a\x7fb'])
      expect(await read(`phone,name\n${ADA},${name}\n${BOB},a\tb\n`)).toEqual([
        expect.stringMatching(/^2\/2 name: A letter was lost/),
        `${BOB} name a\tb`,
      ]);
  });
});

describe('columns', () => {
  it.each([
    'phone',
    'Phone',
    'Phone Number',
    'PHONE_NO',
    'mobile',
    'Mobile phone',
    'Cell',
    'cell phone',
    'MSISDN',
    'Tel.',
    'Telefon',
    'Handynummer',
    'Handy-Nr.',
    'Téléphone',
    'Téléphone portable',
    'Teléfono móvil',
    'Celular',
    'Cellulare',
    'Telemóvel',
    'GSM',
    'Mobil',
    'Puhelin',
    'Номер телефона',
    'Телефон',
    '電話番号',
    '手机号',
    '휴대폰',
    'phone 1',
    'Phone 1 - Value',
    'number',
    'to',
  ])('"%s" has the numbers', async (name) => {
    expect(await read(`name,${name}\nAda,${ADA}\n`)).toEqual([`${ADA} name Ada`]);
  });

  it.each([
    'email',
    'E-Mail',
    'E-mail address',
    'Mail',
    'EMAIL_ADDRESS',
    'Correo electrónico',
    'Courriel',
    'E-Mail-Adresse',
    'メールアドレス',
    'почта',
  ])('"%s" has the mailboxes', async (name) => {
    expect(await read(`name,${name}\nAda,ada@example.org\n`, { kind: 'EMAIL' })).toEqual([
      'ada@example.org name Ada',
    ]);
  });

  it('are found by most of their cells where the name says nothing', async () => {
    const rows = Array.from(
      { length: 30 },
      (_, i) => `${i},${i === 4 ? 'none' : `+150055600${10 + i}`}`,
    );
    const result = await read(`customer,reach at\n${rows.join('\n')}\n`);
    expect(result).toHaveLength(30);
    expect(result[4]).toBe('6/6 reach at: "none" is not a number: "n" is not part of one.');
    // A name that may mean anything counts only with numbers below it.
    expect(await read(`address,reach at\nRome,${ADA}\n`)).toEqual([`${ADA} address Rome`]);
  });

  it('may have no names: the first row is then a row', async () => {
    expect(await read(ADA)).toEqual([ADA]);
    expect(await read(`${ADA}\n${BOB}\n`)).toEqual([ADA, BOB]);
    expect(await read(`${ADA};Ada\n${BOB};Bob\n`)).toEqual([
      `${ADA} column_2 Ada`,
      `${BOB} column_2 Bob`,
    ]);
    expect(await read('0171 1234567\n')).toEqual([
      expect.stringMatching(/^1\/1 column 1: "0171 1234567" has no country code/),
    ]);
    expect(await read(`O155512345\n${ADA}\n`)).toEqual([
      expect.stringMatching(/^1\/1 column 1: .*"O"/),
      ADA,
    ]);
  });

  it.each([
    ['Ada,+49 171 1234567 (mobile)', 'PHONE'],
    ['Ada,0171 1234567 privat', 'PHONE'],
    ['Ada,415-555-0101 ext. 5 or Bob', 'PHONE'],
    ['Ada,Mobile: +49 171/1234567', 'WHATSAPP'],
    ['Ada,Ada L. <ada@example.org>', 'EMAIL'],
    ['Ada,"ada@example.org, home"', 'EMAIL'],
  ] as const)('may have no names: %s is a row that is refused', async (first, kind) => {
    const second = kind === 'EMAIL' ? 'bob@example.org' : BOB;
    const [one, two] = await readRows(`${first}\nBob,${second}\nCy,${second}\n`, { kind });
    expect(one?.problem?.reason).toMatch(/is not|extension/);
    expect(two?.recipient).toMatchObject({ address: second });
  });

  it('have names with dates and years in them', async () => {
    expect(await read(`phone,visit 01/15/2026,sales 2025/26\n${ADA},a,b\n`)).toEqual([
      `${ADA} visit_01_15_2026 a sales_2025_26 b`,
    ]);
    for (const [day, variable] of [
      ['2026-01-01', '2026_01_01'],
      ['31.01.2026', '31_01_2026'],
      ['1/31/26', '1_31_26'],
      ['2026-01-01 10:00', '2026_01_01_10_00'],
      ['2026-01-01T10:00:00Z', '2026_01_01t10_00_00z'],
    ] as const)
      expect(await read(`phone,${day}\n${ADA},5\n`)).toEqual([`${ADA} ${variable} 5`]);
    // Alone it is nobody's number.
    expect(await read('10-12-2026\n10-12-2027\n', { country: parseCountry('NO') })).toEqual([
      expect.stringContaining('"10-12-2026" is a date'),
      expect.stringContaining('"10-12-2027" is a date'),
    ]);
  });

  it('are chosen, and their variables named, as asked', async () => {
    const text = `phone,mobile,Home town\n${ADA},${BOB},Rome\n`;
    expect(await read(text, { toColumn: 'mobile', map: { city: 'Home town' } })).toEqual([
      `${BOB} phone ${ADA} city Rome`,
    ]);
    expect(await reasonOf(text, { toColumn: 'x' })).toMatch(
      /There is no column "x"; there are "phone", "mobile"/,
    );
    expect(await reasonOf(text, { toColumn: 'phone', map: { mobile: 'Home town' } })).toMatch(
      /both become the variable "mobile"/,
    );
  });

  it('without a name have no values', async () => {
    expect(await read(`phone,name,\n${ADA},Ada,\n${BOB},Bob,x\n`)).toEqual([
      `${ADA} name Ada`,
      '3/3 -: Cell 3 has a value, but its column has no name in the first row.',
    ]);
  });

  it('give no value where a cell is empty, and that is counted', async () => {
    const list = await openList(
      inPieces(`phone,name,city\n${ADA},,Rome\n${BOB}," ",\n,\n,,\n`, 99),
      OPTIONS,
    );
    const rows: ListRow[] = [];
    for await (const some of list.rows()) rows.push(...some);
    expect(brief(rows)).toEqual(
      [`${ADA} city Rome`, BOB, expect.stringMatching(/It has 2 cells/)].slice(0, 2),
    );
    expect([...list.counts.missing]).toEqual([
      ['name', 2],
      ['city', 1],
    ]);
    expect(list.counts.emptyRows).toBe(2);
  });
});

describe('opt-outs', () => {
  const options = { kind: 'ANY' } as const;
  it('are numbers and mailboxes, with or without a header row', async () => {
    expect(await read(`${ADA}\r\nada@example.org\n${BOB}\r`, options)).toEqual([
      ADA,
      'ada@example.org',
      BOB,
    ]);
    expect(
      await read(`Handy,Grund\n0171 1234567,x\n`, { ...options, country: parseCountry('DE') }),
    ).toEqual(['+491711234567 Grund x']);
  });

  it('are not lost to a header that is none, nor to a second column', async () => {
    expect(await reasonOf(`n/a\n${ADA}\n`, options)).toMatch(
      /The first row, "n\/a", has neither an address nor a usual name/,
    );
    expect(await reasonOf(`phone,email\n${ADA},ada@example.org\n`, options)).toMatch(
      /More than one column has addresses: "phone", "email"/,
    );
    expect(await reasonOf(`${ADA},${BOB}\n`, options)).toMatch(/More than one column/);
    expect(await reasonOf(`phone,also\n${ADA},${BOB}\n`, options)).toMatch(/More than one column/);
  });
});

describe('NDJSON', () => {
  it('has addresses, whole recipients and flat objects', async () => {
    const lines = [
      `"${ADA}"`,
      '{"phone": "+1 500 556 0002", "name": "Bob", "visits": 3, "none": null}',
      `{"address": "+1 (500) 556-0003", "channel": "PHONE", "variables": {"name": "Cy"}}`,
      '{"Phone": 1, "phone": 2}',
      '{"phone": "+15005560001", "phone": "+15005560002"}',
      '{"phone": "+15005560001", "x": {"a": 1, "a": 2}}',
      'x',
      '[1]',
      '{"name": "nobody"}',
      '{"profileId": "mem_profile_1", "memoryStoreId": "mem_store_1"}',
      `{"phone": "${BOB}", "profileId": "b"}`,
    ];
    const result = await read(`\ufeff${lines.join('\r\n')}\r\n`, { format: 'ndjson' });
    expect(result).toEqual([
      ADA,
      `${BOB} name Bob visits 3`,
      '+15005560003 name Cy',
      expect.stringMatching(/^4\/4 -: More than one column/),
      '5/5 phone: Two fields are called "phone".',
      '6/6 a: Two fields are called "a".',
      expect.stringMatching(/^7\/7 -: It is not JSON/),
      '8/8 -: It is neither an address nor an object.',
      expect.stringMatching(/^9\/9 -: No column has addresses/),
      '10/10 -: Recipients by profile are not supported; send addresses.',
      `${BOB} profileId b`,
    ]);
    expect(await read(`{"phone":"${ADA}"}`)).toEqual([ADA]);
  });

  it('has no number that was rounded', async () => {
    expect(await read(`{"phone":"${ADA}","n":9007199254740991,"price":1.5}`)).toEqual([
      `${ADA} n 9007199254740991 price 1.5`,
    ]);
    expect(await read(`{"phone":"${ADA}","order":12345678901234567890}`)).toEqual([
      `${ADA} order 12345678901234567890`,
    ]);
    // As written: prices keep their zeros.
    for (const price of ['12.50', '1.0', '1e2', '-0', '0.12345678901234567890'])
      expect(await read(`{"phone":"${ADA}","text":"1.50 \\" 2.50","price":${price}}`)).toEqual([
        `${ADA} text 1.50 " 2.50 price ${price}`,
      ]);
  });
});

it('writes rejected rows so that they can be read again', async () => {
  const rows = await readRows(`phone,name\nx,"Doe, ""J"""\n${ADA},a,b\n`);
  const text = writeCsv(rows.map((row) => rejectedCells(row, row.problem?.reason ?? '')));
  expect(text.split('\r\n')).toEqual([
    '2,2,phone,"""x"" is not a number: ""x"" is not part of one.","x,""Doe, """"J"""""""',
    `3,3,,"It has 3 cells, and the first row has 2. Write a cell with a separator in it in quotation marks.","${ADA},a,b"`.replace(
      `"${ADA}`,
      `"'${ADA}`,
    ),
    '',
  ]);
});
