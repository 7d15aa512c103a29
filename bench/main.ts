/**
 * `npm run bench`: Fanfare beside a floor and beside peers, as ratios. Compared parts alternate in one run, so that
 * a noisy machine is noisy for all; medians are compared.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../server/src/engine/embedded.ts';
import { MESSAGES, print, show } from './measure.ts';
import { benchCalm } from './calm.ts';
import { benchEvents } from './events.ts';
import { openFloor } from './floor.ts';
import { benchLists } from './lists.ts';
import { HOSTILE_KINDS } from './hostile-kinds.ts';
import { benchMillion } from './million.ts';
import { benchNeighbours } from './neighbours.ts';
import { benchNodes } from './nodes.ts';
import { benchOperations } from './operations.ts';
import { benchRateLimits } from './rate-limits.ts';
import { benchPeers } from './peers.ts';
import { startServer } from './server.ts';
import { benchSmall } from './small.ts';
import { benchReceipts } from './receipts.ts';
import { benchStart } from './start.ts';
import { benchSmpp } from './smpp.ts';
import { benchTables } from './tables.ts';
import { benchAccept, benchEndToEnd, benchMemory, benchReads } from './whole.ts';

const PARTS = {
  start: 'what a start and a command cost, beside node -e 0',
  accept: 'accepting requests, beside the bare SQL of the same writes',
  'end-to-end': 'from the request to the last receipt, beside the same',
  events: 'end to end with a subscriber to everything, beside without',
  read: 'reading an operation while it runs, beside a bare select of its row',
  memory: 'what memory does over many messages (--messages)',
  'rate-limits': 'what senders with a throughput achieve of it',
  lists: 'reading a list of a million rows, beside csv-parse on the same bytes',
  smpp: 'one SMPP session beside npm smpp',
  receipts: 'what receipts cost over SMPP, with a window of 50',
  small:
    'requests of one message, beside a bare Fastify, and BullMQ where redis-server is installed',
  calm: 'a request of one message, alone and beside large operations and paced messages',
  operations: 'the same messages as 1, 100 and 10,000 operations',
  million: 'one operation of a million recipients (--recipients)',
  neighbours: 'what one account can do to another, beside the other alone',
  nodes: '1, 2 and 4 nodes on one database',
  peers: 'beside BullMQ, pg-boss and Kannel, where redis-server and bearerbox are installed',
  tables: 'empty tables beside full ones (--rows, in millions)',
} as const;
type Part = keyof typeof PARTS;

const HELP = `npm run bench -- [--only PART,…] [--messages N] [--rows MILLIONS,…]

Parts (all, unless --only names some):
${Object.entries(PARTS)
  .map(([name, about]) => `  ${name.padEnd(12)}${about}`)
  .join('\n')}

--messages  messages of the memory run (200000)
--recipients  recipients of the part million (1000000)
--rows      sizes of the full tables, in millions of messages (1)
--hostile   what misbehaves beside neighbours, may be repeated: ${Object.keys(HOSTILE_KINDS).join(', ')} (all)
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    messages: { type: 'string', default: '200000' },
    recipients: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '1' },
    hostile: { type: 'string', multiple: true, default: Object.keys(HOSTILE_KINDS) },
    help: { type: 'boolean', default: false },
  },
});
const wanted = new Set(values.only.split(','));
const unknown = [...wanted].filter((part) => !(part in PARTS));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`There is no part "${unknown.join('", "')}".\n\n`);
  process.stdout.write(HELP);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const wants = (...parts: readonly Part[]) => parts.some((part) => wanted.has(part));

/** Runs something in a folder that is removed afterwards. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-bench-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs something with a PostgreSQL of its own, that no other part has written to. */
const withEngine = (work: (url: string, folder: string) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    const engine = await startEmbedded({ dataDir: join(folder, 'data') });
    try {
      await work(engine.url, folder);
    } finally {
      await engine.stop();
    }
  });

/** The parts that one server is enough for. */
async function benchOneServer(url: string, folder: string): Promise<void> {
  const server = await startServer(url, folder);
  try {
    const floor = await openFloor(url);
    if (wants('accept')) await benchAccept(floor, server);
    if (wants('end-to-end')) await benchEndToEnd(floor, server);
    await floor.close();
    if (wants('events')) await benchEvents(server);
    if (wants('read')) await benchReads(server, url);
    if (wants('memory')) await benchMemory(server, Number(values.messages));
    if (wants('small')) await benchSmall(server, url, folder);
    if (wants('operations')) await benchOperations(server, url);
  } finally {
    await server.stop();
  }
}

/** How fast an SMPP session submits, beside npm `smpp`. Needs no server and no database. */
async function benchSubmit(): Promise<void> {
  const { theirs, ours } = await benchSmpp();
  print(
    `smpp         npm   ${show(Math.round(theirs)).padStart(8)}/s   fanfare ${show(Math.round(ours)).padStart(8)}/s   ratio ${(ours / theirs).toFixed(2)}`,
  );
}

print(
  `Node ${process.version}, embedded PostgreSQL, ${show(MESSAGES)} messages an operation unless said\n`,
);
if (wants('start')) await withFolder(benchStart);
if (wants('lists')) await withFolder(benchLists);
if (wants('smpp')) await benchSubmit();
if (wants('accept', 'end-to-end', 'events', 'read', 'memory', 'small', 'operations'))
  await withEngine(benchOneServer);
if (wants('receipts')) await withEngine(benchReceipts);
if (wants('calm')) await withEngine(benchCalm);
if (wants('rate-limits')) await withEngine((url, folder) => benchRateLimits(url, folder, print));
if (wants('neighbours'))
  await withEngine((url, folder) => benchNeighbours(url, folder, values.hostile));
if (wants('million'))
  await withEngine((url, folder) => benchMillion(url, folder, Number(values.recipients)));
if (wants('nodes')) await withEngine(benchNodes);
if (wants('peers')) await withEngine(benchPeers);
if (wants('tables'))
  await withEngine((url, folder) =>
    benchTables(
      url,
      folder,
      values.rows.split(',').map((each) => Math.round(Number(each) * 1_000_000)),
    ),
  );
