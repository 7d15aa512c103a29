/** Lists on the command line: real files are sent, or refused with place and remedy, and no opt-out is lost. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './support/command-host.ts';
import { launchFanfare, SID, TOKEN, type Fanfare } from './support/fanfare.ts';

const PROGRAM = fileURLToPath(new URL('../bin/fanfare.cjs', import.meta.url));
const ADA = '+15005560001';
const BOB = '+15005560002';

let fanfare: Fanfare;
let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  fanfare = await launchFanfare();
  folder = await mkdtemp(join(tmpdir(), 'fanfare-lists-'));
  env = { FANFARE_BASE_URL: fanfare.url, FANFARE_ACCOUNT_SID: SID, FANFARE_AUTH_TOKEN: TOKEN };
});
afterAll(async () => {
  await fanfare?.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => runCommand(args, env, folder);

async function makeFile(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return name;
}

async function pipe(input: string, ...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  child.stdin.on('error', () => undefined).end(input);
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

/** What a sent list has become: address and text of each message, in the order of the list. */
async function textsOf(out: string): Promise<string[]> {
  const id = /comms_operation_\w{26}/.exec(out)?.[0] ?? '';
  const { body } = await fanfare.get(`/v1/Messages?operationId=${id}`);
  const texts: string[] = [];
  for (const { id: message, to } of body['messages'].toReversed()) {
    const { body: whole } = await fanfare.get(`/v1/Messages/${message}`);
    texts.push(`${to[0].address} ${whole['content']['text']}`);
  }
  return texts;
}

it('reads words from a file as UTF-8 or UTF-16, and refuses other bytes', async () => {
  const send = (file: string) => run('send', ADA, '--text-file', file);
  const words = 'Grüße, 停止\n';
  const utf16 = Buffer.from(`\ufeff${words}`, 'utf16le');
  for (const content of [
    Buffer.from(words),
    Buffer.from(`\ufeff${words}`),
    utf16,
    Buffer.from(utf16).swap16(),
  ]) {
    const { code, out } = await send(await makeFile('words.txt', content));
    expect(code).toBe(0);
    expect(await textsOf(out)).toEqual([`${ADA} Grüße, 停止`]);
  }
  const latin1 = await send(await makeFile('words.txt', Buffer.from('Grüße', 'latin1')));
  expect(latin1).toMatchObject({ code: 2, err: 'words.txt is not UTF-8. Save it as UTF-8.\n' });
  const cut = await send(await makeFile('words.txt', utf16.subarray(0, -1)));
  expect(cut).toMatchObject({ code: 2, err: 'words.txt is not UTF-16LE. Save it as UTF-8.\n' });
});

const SEND = ['send', '--text', 'Hi {{ name }}', '--file'] as const;

describe('send', () => {
  it.each([
    ['mixed line ends', `phone,name\r\n${ADA},Ada\n${BOB},Bob\r\n`, []],
    [
      'a comma in a cell between semicolons',
      `name;amount;phone\nAda;12,50;${ADA}\nBob;1;${BOB}`,
      [],
    ],
    ['UTF-16', Buffer.from(`\ufeffphone\tname\r\n${ADA}\tAda\r\n${BOB}\tBob\r\n`, 'utf16le'), []],
    [
      'national numbers',
      'Mobile phone,name\n(500) 556-0001,Ada\n1 500 556 0002,Bob\n',
      ['--country-code', 'US'],
    ],
    ['invisible characters', `phone,name\n\u202a${ADA}\u202c,Ada\n${BOB}\u200b,Bob\n`, []],
  ])('reads a list with %s', async (_, content, flags) => {
    const sent = await run(...SEND, await makeFile('people.csv', content), ...flags);
    expect([sent.code, sent.err]).toEqual([0, '']);
    expect(await textsOf(sent.out)).toEqual([`${ADA} Hi Ada`, `${BOB} Hi Bob`]);
  });

  it('reads another encoding when asked, and never sends a letter that is none', async () => {
    const file = await makeFile(
      'latin.csv',
      Buffer.from(`phone,name\n${ADA},M\xfcller \x80\n`, 'latin1'),
    );
    const refused = await run(...SEND, file);
    expect([refused.code, refused.out, refused.err]).toEqual([
      2,
      '',
      expect.stringMatching(
        /^latin\.csv, line 2: The bytes are not UTF-8\. .*--encoding windows-1252/,
      ),
    ]);
    const sent = await run(...SEND, file, '--encoding', 'windows-1252');
    expect(await textsOf(sent.out)).toEqual([`${ADA} Hi Müller €`]);
    expect((await run(...SEND, file, '--encoding', 'klingon')).err).toMatch(
      /Use an encoding such as/,
    );
  });

  it.each([
    [
      'an Excel workbook',
      Buffer.from('PK\x03\x04 [Content_Types].xml \x00\x01'),
      /^x\.csv: This is an Excel workbook \(\.xlsx\): save the sheet as CSV/,
    ],
    [
      'a quote in a cell',
      `phone,name\n${ADA},A "da" x\n`,
      /^x\.csv, line 2: column 2: a quotation mark/,
    ],
    [
      'columns of one name',
      `phone,phone\n${ADA},${BOB}\n`,
      /^x\.csv, line 1: columns 1 and 2 are both called "phone"/,
    ],
    [
      'variables of one name',
      `phone,a b,a-b\n${ADA},1,2\n`,
      /^x\.csv: Columns "a b" and "a-b" both become/,
    ],
    ['no rows', 'phone,name\n', /^x\.csv: There are no rows below the first one/],
    ['nothing', '', /^x\.csv: It is empty/],
    [
      'too many cells',
      `phone,name\n${ADA},Doe, Jane\n`,
      /^x\.csv, line 2: It has 3 cells, and the first row has 2/,
    ],
    [
      'a shortened number',
      'phone,name\n4.91512E+11,Ada\n',
      /^x\.csv, line 2, column "phone": "4\.91512E\+11" was shortened/,
    ],
  ])('refuses %s with place and cure', async (_, content, words) => {
    const { code, out, err } = await run(...SEND, await makeFile('x.csv', content));
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(words)]);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('accepts numbers without a header row, and refuses an empty list', async () => {
    const sent = await pipe(ADA, 'send', '--text', 'Hi', '--file', '-');
    expect([sent.code, sent.out]).toEqual([0, expect.stringMatching(/ 1 recipient\n$/)]);
    for (const nothing of ['', '\n\n', 'phone\n']) {
      const refused = await pipe(nothing, 'send', '--text', 'Hi', '--file', '-', '--json');
      expect([refused.code, refused.out]).toEqual([2, '']);
    }
    const skipped = await pipe(
      'phone\nx\n',
      'send',
      '--text',
      'Hi',
      '--file',
      '-',
      '--skip-invalid',
    );
    expect([skipped.code, skipped.err]).toEqual([
      2,
      expect.stringContaining('There are no recipients.'),
    ]);
  });

  it('reads a pipe that has a name', async () => {
    const fifo = join(folder, 'pipe.csv');
    execFileSync('mkfifo', [fifo]);
    const written = writeFile(fifo, `phone\n${ADA}\n`);
    const { code, out, err } = await run('send', '--text', 'Hi', '--file', fifo);
    await written;
    expect([code, out, err]).toEqual([
      0,
      expect.stringMatching(/ 1 recipient\n$/),
      expect.any(String),
    ]);
  });

  it('writes rejected rows to a file, with row, line, column and reason', async () => {
    const file = await makeFile(
      'bad.csv',
      `phone,name\n${ADA},"A\nda"\n"0171 1",Bob\n${BOB},Cy,x\n`,
    );
    const refused = await run(...SEND, file, '--reject-file', 'rejected.csv');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(
      'bad.csv, line 4, row 3, column "phone": "0171 1" has no country code',
    );
    expect((await readFile(join(folder, 'rejected.csv'), 'utf8')).split('\r\n')).toEqual([
      'row,line,column,reason,content',
      expect.stringMatching(/^3,4,phone,.*"0171 1,Bob"$/),
      expect.stringMatching(/^4,5,,.*It has 3 cells.*"'\+15005560002,Cy,x"$/),
      '',
    ]);
    const sent = await run(...SEND, file, '--reject-file', 'rejected.csv', '--skip-invalid');
    expect([sent.code, sent.out]).toEqual([0, expect.stringMatching(/ 1 recipient\n$/)]);
    const piped = await pipe(
      `phone\n${ADA}\nx\n`,
      'send',
      '--text',
      'Hi',
      '--file',
      '-',
      '--skip-invalid',
      '--reject-file',
      'piped.csv',
    );
    expect(piped.code).toBe(0);
    expect(await readFile(join(folder, 'piped.csv'), 'utf8')).toMatch(/\r\n3,3,phone,.*,x\r\n$/);
    expect((await run(...SEND, file, '--reject-file', file)).err).toMatch(
      /would overwrite the list/,
    );
  });

  it('gives no value for an empty cell, and says so', async () => {
    const file = await makeFile('empty.csv', `phone,name\n${ADA},\n${BOB},Bob\n`);
    const refused = await run(...SEND, file);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(
        /^empty\.csv, line 2, variables\.name: The variable "name" is missing/m,
      ),
    ]);
    const sent = await run('send', '--text', "Hi {{ name | default: 'you' }}", '--file', file);
    expect(await textsOf(sent.out)).toEqual([`${ADA} Hi you`, `${BOB} Hi Bob`]);
    expect(sent.err).toContain(
      '"name" has no value in 1 row. The template must have a default for it.',
    );
  });

  it('sends a file once, however often the same command runs', async () => {
    const file = await makeFile('once.csv', `phone\n${ADA}\n${BOB}\n`);
    const args = ['send', '--text', 'Hi', '--file', file];
    const first = await run(...args);
    const again = await run(...args);
    expect([again.code, again.out, again.err]).toEqual([
      0,
      first.out,
      expect.stringContaining('This was accepted before, and is not sent again.'),
    ]);
    const others = [
      await run(...args, '--key', crypto.randomUUID()),
      await run(...args, '--dedupe'),
      await run('send', '--text', 'Ho', '--file', file),
      await run('send', '--text', 'Hi', '--file', await makeFile('other.csv', `phone\n${ADA}\n`)),
    ];
    expect(new Set([first, ...others].map(({ out }) => out)).size).toBe(5);
    const later = [...args, '--schedule', '5d', '--expire', '6d'];
    expect((await run(...later)).code).toBe(0);
    const refused = await run(...later);
    expect([refused.code, refused.out, refused.err]).toEqual([
      1,
      '',
      expect.stringMatching(/sent this file already.*5d and 6d counts? from now.*--key/),
    ]);
    await run(...args, '--key', 'mine');
    const mine = await run('send', '--text', 'Ho', '--file', file, '--key', 'mine');
    expect([mine.code, mine.err]).toEqual([1, expect.stringContaining('"mine" was used')]);
  });

  it('tries a pipe again with the printed options, with any form of times', async () => {
    const args = ['send', '--text', 'Hi', '--file', '-', '--schedule', '5d', '--expire', '6d'];
    const first = await pipe(`phone\n${ADA}\n`, ...args);
    const [, resume = ''] = /add (.*) to the same command/.exec(first.err) ?? [];
    expect(resume).toMatch(/^--key \S+ --schedule \S+Z --expire \S+Z$/);
    const again = await pipe(`phone\n${ADA}\n`, ...args, ...resume.split(' '));
    expect([again.code, again.out]).toEqual([0, first.out]);
  });

  it('names rows behind others that are left out, as the server refuses them', async () => {
    const rows = Array.from({ length: 7_000 }, (_, i) =>
      i % 7 === 3 ? 'x,' : `+150055${String(60_000 + i)},${i === 6_500 ? '' : i}`,
    );
    const file = await makeFile('holes.csv', `phone,n\n${rows.join('\n')}\n`);
    const args = ['--file', file, '--text', 'Hi {{ n }}', '--skip-invalid'];
    for (const more of [[], ['--dry-run']]) {
      const { code, err } = await run('send', ...args, ...more);
      expect([code, err]).toEqual([
        1,
        expect.stringContaining(
          'holes.csv, line 6502, variables.n: The variable "n" is missing for holes.csv, line 6502.',
        ),
      ]);
      expect(err).toContain('Nothing was sent.');
    }
  });
});

describe('suppressions import', () => {
  const listed = async () => {
    const { out } = await run('suppressions', 'list', '--json', '--limit', '1000');
    return out
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).address as string);
  };

  it.each([
    [
      'mixed line ends',
      '+15005562001\r+15005562002\n+15005562003\r\n',
      [],
      ['+15005562001', '+15005562002', '+15005562003'],
    ],
    [
      'national numbers',
      'Handy\n0171 1234567\n(0171) 1234568\n',
      ['--country-code', '+49'],
      ['+491711234567', '+491711234568'],
    ],
    ['no header row', '+44 (0) 20 7946 0958', [], ['+442079460958']],
    [
      'mailboxes and numbers',
      'optout\nada@example.org\n+15005562004\n',
      [],
      ['ada@example.org', '+15005562004'],
    ],
  ])('takes every address of a list with %s', async (_, content, flags, expected) => {
    const { code, out } = await run(
      'suppressions',
      'import',
      await makeFile('stop.csv', content),
      ...flags,
    );
    expect([code, out]).toEqual([0, expect.stringContaining(`${expected.length} `)]);
    expect(await listed()).toEqual(expect.arrayContaining([...expected]));
  });

  it('imports readable rows, and fails with the names of the others', async () => {
    const file = await makeFile('stop.csv', 'phone\n+15005562101\n0171 1234567\n+15005562102\n');
    const { code, out, err } = await run(
      'suppressions',
      'import',
      file,
      '--reject-file',
      'left.csv',
    );
    expect([code, out]).toEqual([2, '2 addresses, 2 of them new\n']);
    expect(err).toMatch(
      /^stop\.csv, line 3, column "phone": "0171 1234567" has no country code.*--country-code/,
    );
    expect(err).toContain('1 address could not be read and was not added.');
    expect(await listed()).toEqual(expect.arrayContaining(['+15005562101', '+15005562102']));
    expect(await readFile(join(folder, 'left.csv'), 'utf8')).toMatch(/\r\n3,3,phone,/);
    expect((await run('suppressions', 'import', file, '--country-code', 'DE')).code).toBe(0);
  });

  it.each([
    ['a first row that is no header', 'n/a\n+15005562201\n', /The first row, "n\/a", has neither/],
    [
      'two columns of addresses',
      'phone,email\n+15005562202,a@example.org\n',
      /More than one column has addresses: "phone", "email"\. Set the column with --to-column/,
    ],
    ['nothing', '', /It is empty/],
  ])('refuses %s', async (_, content, words) => {
    const { code, out, err } = await run(
      'suppressions',
      'import',
      await makeFile('stop.csv', content),
    );
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(words)]);
  });

  it('adds and finds an address however it is written', async () => {
    expect((await run('suppressions', 'add', '+44 (0) 20 7946 0001')).out).toContain(
      '+442079460001',
    );
    expect((await run('suppressions', 'search', '\u202a+44 20 7946 0001')).out).toContain(
      '+442079460001',
    );
    expect((await run('suppressions', 'add', '020 7946 0001')).code).toBe(2);
  });
});
