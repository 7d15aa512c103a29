/**
 * `fanfare demo`: a server of its own in a temporary folder, a CSV of 10,000 people, one request, and the Operation
 * watched until every receipt is in. Everything goes through the API, as a program of a user would.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse';
import { startApp, type App } from '../app.ts';
import { loadConfig } from '../config/config.ts';
import { createLogger } from '../lib/log.ts';
import { drawProgress, drawSummary, type Stats } from './progress.ts';

const ROWS = 10_000;
const POLL_MS = 100;
/** Nobody waits longer for a demo. */
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

interface OperationAnswer {
  readonly status: string;
  readonly stats: Stats;
}

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

/** Only what the demo sets, whatever the surroundings say. A carrier with some failures, as they are. */
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

/** Numbers of the range that is kept for tests, beyond those the simulator treats specially. */
function composeCsv(): string {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const name = NAMES[i % NAMES.length] ?? '';
    const city = CITIES[i % CITIES.length] ?? '';
    return `${name},${city},+1500556${String(i).padStart(4, '0')}`;
  });
  return `name,city,phone\n${rows.join('\n')}\n`;
}

async function readRecipients(csv: string): Promise<object[]> {
  const recipients: object[] = [];
  const rows = createReadStream(csv).pipe(parse({ columns: true, bom: true, trim: true }));
  for await (const row of rows) {
    const { name, city, phone } = row as { name: string; city: string; phone: string };
    recipients.push({ address: phone, channel: 'PHONE', variables: { name, city } });
  }
  return recipients;
}

async function sendAndWatch(app: App, csv: string): Promise<void> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${app.account.sid}:${app.account.token}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  const to = await readRecipients(csv);
  print(`  read ${to.length.toLocaleString('en')} recipients from people.csv`);
  const startedAt = performance.now();
  const accepted = await fetch(`${app.url}/v1/Messages`, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      to,
      content: {
        text: "Hello {{ name }}, {{ city }}'s tickets go on sale at {{ time | default: 'noon' }}.",
      },
      tags: { campaign: 'demo' },
    }),
  });
  const { operationId, operationLocation } = (await accepted.json()) as Record<string, string>;
  if (accepted.status !== 202 || operationLocation === undefined)
    throw new Error(`The request was answered with ${accepted.status}.`);
  print(`  ${accepted.status} after ${seconds(startedAt)} s: ${operationId}\n`);
  for (;;) {
    const answer = await fetch(operationLocation, { headers });
    const operation = (await answer.json()) as OperationAnswer;
    const settled = isSettled(operation);
    drawProgress(operation.status, operation.stats, performance.now() - startedAt, settled);
    if (settled) {
      const tookMs = performance.now() - startedAt;
      print(drawSummary(operation.status, operation.stats, tookMs));
      return;
    }
    if (performance.now() - startedAt > TIMEOUT_MS) throw new Error('The demo took too long.');
    await sleep(POLL_MS);
  }
}

/** COMPLETED says that all were handed over; a demo waits for the receipts too. */
function isSettled({ status, stats }: OperationAnswer): boolean {
  return status === 'COMPLETED' && stats.sent === 0;
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(2);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
