/**
 * `fanfare demo`: a server of its own in a temporary folder, a CSV of 10,000 people, one request, and the Operation
 * watched until every receipt is in. Everything goes through the API, as a program of a user would.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FanfareClient, type AddressRecipient, type Operation } from '@fanfare/client';
import { parse } from 'csv-parse';
import { startApp, type App } from '../app.ts';
import { loadConfig } from '../config/config.ts';
import { createLogger } from '../lib/log.ts';
import { number, print } from './output.ts';
import { ProgressView } from './watch.ts';

const ROWS = 10_000;
/** The demo ends after this time at the latest. */
const TIMEOUT_MS = 120_000;

const NAMES = [
  'Ada',
  'Alan',
  'Grace',
  'Edsger',
  'Barbara',
  'Donald',
  'Katherine',
  'Dennis',
  'Radia',
  'Ken',
];
const CITIES = ['Lisbon', 'Oslo', 'Nairobi', 'Lima', 'Osaka', 'Tallinn', 'Dublin'];

export async function runDemo(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-demo-'));
  let app: App | null = null;
  const stop = async () => {
    await app?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const onSignal = () => void stop().finally(() => process.exit(130));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const csv = join(folder, 'people.csv');
    await writeFile(csv, composeCsv());
    app = await startApp(demoConfig(folder), createLogger('warn'));
    print(`Fanfare demo at ${app.url}, in ${folder}\n`);
    await sendAndWatch(app, csv);
  } finally {
    await stop();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** The demo's own settings, regardless of the environment. A carrier with some failures, as real ones have. */
function demoConfig(folder: string) {
  return loadConfig(
    null,
    {},
    {
      port: 0,
      dataDir: join(folder, 'data'),
      carriers: {
        simulator: {
          answerDelayMs: { min: 1, max: 20 },
          receiptDelayMs: { min: 20, max: 400 },
          failureRate: 0.01,
          undeliveredRate: 0.02,
          readRate: 0.25,
        },
      },
    },
  );
}

/** Numbers of the range reserved for tests, without the special numbers of the simulator. */
function composeCsv(): string {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const name = NAMES[i % NAMES.length] ?? '';
    const city = CITIES[i % CITIES.length] ?? '';
    return `${name},${city},+1500556${String(i).padStart(4, '0')}`;
  });
  return `name,city,phone\n${rows.join('\n')}\n`;
}

async function* readRecipients(csv: string): AsyncGenerator<AddressRecipient> {
  const rows = createReadStream(csv).pipe(parse({ columns: true, bom: true, trim: true }));
  for await (const row of rows) {
    const { name, city, phone } = row as { name: string; city: string; phone: string };
    yield { address: phone, channel: 'PHONE', variables: { name, city } };
  }
}

async function sendAndWatch(app: App, csv: string): Promise<void> {
  const { sid, token } = app.account;
  const client = new FanfareClient({
    baseUrl: app.url,
    accountId: sid,
    authToken: token ?? undefined,
  });
  const to: AddressRecipient[] = [];
  for await (const row of readRecipients(csv)) to.push(row);
  print(`  read ${number(ROWS)} recipients from people.csv`);
  const startedAt = performance.now();
  const { operationId } = await client.messages.send({
    to,
    content: {
      text: "Hello {{ name }}, {{ city }}'s tickets go on sale at {{ time | default: 'noon' }}.",
    },
    tags: { campaign: 'demo' },
    dryRun: false,
  });
  print(`  accepted after ${seconds(startedAt)} s\n`);
  const view = new ProgressView(process.stdout);
  let last: Operation | null = null;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for await (const operation of client.messages.watchOperation(operationId, { signal }))
    view.update({ title: operationId, ...(last = operation) });
  view.end();
  if (last === null) throw new Error('The demo received no state of the operation.');
  const rows = Object.entries(last.stats).map(
    ([name, value]) => `    ${name.padEnd(14)}${number(value).padStart(8)}`,
  );
  const perSecond = number(
    Math.round((last.stats.total / (performance.now() - startedAt)) * 1_000),
  );
  print(`
${rows.join('\n')}

  ${number(ROWS)} messages, from the request to the last receipt: ${seconds(startedAt)} s (${perSecond} per second)`);
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(2);
}
