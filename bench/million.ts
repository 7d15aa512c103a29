/**
 * One operation of a million recipients, from a streamed request: beside a plain COPY of the same rows, beside operations of
 * 10,000, its memory, a send of one recipient beside it, and the command line with a CSV file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFloor } from './floor.ts';
import {
  body,
  bodyFrom,
  expectExact,
  median,
  MESSAGES,
  percentile,
  print,
  rateOf,
  readJournal,
  sendAll,
  show,
  untilReached,
} from './measure.ts';
import { SID, startServer, TOKEN, type BenchServer } from './server.ts';

const ACCEPT_ROUNDS = 3;
const SENDER = '+15005550100';
/** Small sends beside a million, and alone; and the pause between two. */
const SMALL_SENDS = 60;
const SMALL_PAUSE_MS = 100;
const PART_ROWS = 2_000;

/** The lines of a streamed request, some at a time. */
function* compose(recipients: number, extra: object): Generator<Uint8Array> {
  const content = { text: 'Hello {{ name }}, your order is on its way.' };
  yield Buffer.from(`${JSON.stringify({ content, ...extra })}\n`);
  for (let first = 0; first < recipients; first += PART_ROWS) {
    let text = '';
    for (let i = first; i < Math.min(first + PART_ROWS, recipients); i += 1)
      text += `{"address":"+1500${5_560_000 + i}","channel":"PHONE","variables":{"name":"Ada ${i}"}}\n`;
    yield Buffer.from(text);
  }
}

const later = () => ({ schedule: { sendAt: [new Date(Date.now() + 86_400_000).toISOString()] } });

export async function benchMillion(
  databaseUrl: string,
  folder: string,
  recipients: number,
): Promise<void> {
  const journalFile = join(folder, 'million.journal');
  const server = await startServer(databaseUrl, folder, { journalFile });
  try {
    await benchAccept(server, databaseUrl, recipients);
    await benchEndToEnd(server, recipients);
    await benchSmall(server, journalFile, recipients);
    await benchCommand(server, folder, recipients);
    await expectExact(databaseUrl);
  } finally {
    await server.stop();
  }
}

const mb = (bytes: number) => Math.round(bytes / 2 ** 20);

async function benchAccept(
  server: BenchServer,
  databaseUrl: string,
  recipients: number,
): Promise<void> {
  const floor = await openFloor(databaseUrl);
  const floorMs: number[] = [];
  const serverMs: number[] = [];
  await server.stream(compose(MESSAGES, later()));
  const idle = await server.measureMemory();
  const memory: number[] = [];
  for (let round = 0; round < ACCEPT_ROUNDS; round += 1) {
    floorMs.push(await floor.copy(recipients));
    const sampling = sample(server, memory);
    const { location, tookMs } = await server.stream(compose(recipients, later()));
    await sampling.stop();
    serverMs.push(tookMs);
    await server.cancel(location);
    while (((await server.read(location)).stats['canceled'] ?? 0) < recipients) await sleep(100);
  }
  await floor.close();
  print(
    `million      accept: COPY ${show(rateOf(recipients, median(floorMs)))}/s   fanfare ${show(rateOf(recipients, median(serverMs)))}/s   ratio ${(median(floorMs) / median(serverMs)).toFixed(2)}`,
  );
  const quarter = Math.max(1, Math.floor(memory.length / 4));
  const quarters = [0, 1, 2, 3].map((i) =>
    mb(Math.max(...memory.slice(i * quarter, (i + 1) * quarter))),
  );
  print(
    `million      memory: ${mb(idle)} MB before; largest of each quarter: ${quarters.join(', ')} MB`,
  );
}

/** Takes samples of the memory until it is stopped. */
function sample(server: BenchServer, memory: number[]): { stop(): Promise<void> } {
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      memory.push(await server.measureMemory());
      await sleep(200);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await sampling;
    },
  };
}

async function benchEndToEnd(server: BenchServer, recipients: number): Promise<void> {
  const text = body();
  const operations = Math.ceil(recipients / MESSAGES);
  await sendAll(server, text, 1);
  const manyMs = await sendAll(server, text, operations);
  const startedAt = performance.now();
  const { location } = await server.stream(compose(recipients, {}));
  await untilReached(server, [location], 'delivered', recipients);
  const oneMs = performance.now() - startedAt;
  const [many, one] = [rateOf(operations * MESSAGES, manyMs), rateOf(recipients, oneMs)];
  print(
    `million      end to end: ${operations} operations of ${show(MESSAGES)} ${show(many)}/s   one operation ${show(one)}/s   ratio ${(one / many).toFixed(2)}`,
  );
}

async function benchSmall(
  server: BenchServer,
  journalFile: string,
  recipients: number,
): Promise<void> {
  const alone = await sendSmall(server, 15_009_000_000, () => false);
  const { location } = await server.stream(compose(recipients, {}));
  let isDone = false;
  const done = untilReached(server, [location], 'delivered', recipients).then(() => {
    isDone = true;
  });
  const beside = await sendSmall(server, 15_009_100_000, () => isDone);
  await done;
  const taken = new Map((await readJournal(journalFile)).map(({ to, at }) => [to, at]));
  const timesOf = (requested: ReadonlyMap<string, number>) =>
    [...requested].map(([to, at]) => (taken.get(to) ?? NaN) - at);
  const [a, b] = [timesOf(alone), timesOf(beside)];
  print(
    `million      one recipient: at the carrier after ${median(a)} ms alone, ${median(b)} ms beside (p99 ${percentile(b, 0.99)} ms)   ratio ${(median(b) / median(a)).toFixed(1)}`,
  );
}

/** When each number was requested. */
async function sendSmall(
  server: BenchServer,
  first: number,
  isOver: () => boolean,
): Promise<Map<string, number>> {
  const requested = new Map<string, number>();
  for (let i = 0; i < SMALL_SENDS && !isOver(); i += 1) {
    requested.set(`+${first + i}`, Date.now());
    await server.send(bodyFrom(SENDER, 1, first + i));
    await sleep(SMALL_PAUSE_MS);
  }
  await sleep(1_000);
  return requested;
}

async function benchCommand(
  server: BenchServer,
  folder: string,
  recipients: number,
): Promise<void> {
  const file = join(folder, 'million.csv');
  await pipeline(Readable.from(composeCsv(recipients)), createWriteStream(file));
  const program = createRequire(import.meta.url).resolve('fanfare/bin/fanfare.cjs');
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [program, 'send', '--file', file, '--text', 'Hello {{ name }}', '--schedule', '1d'],
    {
      env: {
        ...process.env,
        FANFARE_BASE_URL: server.url,
        FANFARE_ACCOUNT_SID: SID,
        FANFARE_AUTH_TOKEN: TOKEN,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`fanfare send ended with code ${code}.`);
  const tookS = (performance.now() - startedAt) / 1_000;
  print(
    `million      command line: a CSV of ${show(recipients)} rows read, checked and sent in ${tookS.toFixed(1)} s`,
  );
}

function* composeCsv(recipients: number): Generator<string> {
  yield 'phone,name\n';
  for (let first = 0; first < recipients; first += PART_ROWS) {
    let text = '';
    for (let i = first; i < Math.min(first + PART_ROWS, recipients); i += 1)
      text += `+1500${5_560_000 + i},Ada ${i}\n`;
    yield text;
  }
}
