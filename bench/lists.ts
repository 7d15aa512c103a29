/** Reading a list of a million rows, beside csv-parse that only splits the same bytes into cells. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { openList } from '../server/src/lists/list.ts';
import { median, print, show } from './measure.ts';

const ROWS = 1_000_000;
const ROUNDS = 3;
const PIECE_BYTES = 262_144;

export async function benchLists(folder: string): Promise<void> {
  const path = join(folder, 'people.csv');
  const bytes = await writeList(path);
  const [theirs, ours]: [number[], number[]] = [[], []];
  let memory = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs.push(await time(() => splitOnly(path)));
    ours.push(await time(async () => (memory = Math.max(memory, await readAll(path)))));
  }
  const [a, b] = [median(theirs), median(ours)];
  print(
    `lists        ${show(ROWS)} rows, ${Math.round(bytes / 1e6)} MB   csv-parse ${(a / 1e3).toFixed(1)} s   fanfare ${(b / 1e3).toFixed(1)} s   ratio ${(b / a).toFixed(2)}   memory ${Math.round(memory / 1e6)} MB`,
  );
}

async function writeList(path: string): Promise<number> {
  const file = await open(path, 'w');
  await file.write('phone,first name,city,code\r\n');
  for (let first = 0; first < ROWS; first += 10_000) {
    let text = '';
    for (let i = first; i < first + 10_000; i += 1)
      text += `+1500${2_000_000 + i},Ada ${i},${i % 7 === 0 ? '"Rio, de Janeiro"' : 'Lisbon'},${i * 7}\r\n`;
    await file.write(text);
  }
  const { size } = await file.stat();
  await file.close();
  return size;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function splitOnly(path: string): Promise<void> {
  let count = 0;
  const parser = createReadStream(path, { highWaterMark: PIECE_BYTES }).pipe(
    parse({ record_delimiter: ['\r\n', '\n', '\r'], on_record: () => ((count += 1), null) }),
  );
  await finished(parser.resume());
  if (count !== ROWS + 1) throw new Error(`csv-parse read ${count} rows.`);
}

/** Resolves with the most memory that was in use, in bytes. */
async function readAll(path: string): Promise<number> {
  const list = await openList(createReadStream(path, { highWaterMark: PIECE_BYTES }), {
    kind: 'PHONE',
    country: null,
    toColumn: null,
    map: {},
    encoding: null,
    separator: null,
    format: null,
  });
  let [count, most] = [0, 0];
  for await (const rows of list.rows()) {
    count += rows.filter(({ recipient }) => recipient !== null).length;
    most = Math.max(most, process.memoryUsage().heapUsed);
  }
  if (count !== ROWS) throw new Error(`${count} rows were read.`);
  return most;
}
