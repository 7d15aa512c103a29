/**
 * SMPP: how fast one session submits with a window of 50, beside npm `smpp` as people use it, to the same SMSC. Rounds
 * of both alternate; medians are compared.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Submission } from '../server/src/carriers/carrier.ts';
import { SMPP_DEFAULTS } from '../server/src/carriers/smpp/options.ts';
import { createSmppCarrier } from '../server/src/carriers/smpp/smpp.ts';
import { createLogger } from '../server/src/lib/log.ts';

const ROUNDS = 7;
/** Messages of one round. */
const MESSAGES = 20_000;
const WINDOW = 50;
const TEXT = 'Hello Ada, your order is on its way. [€ 5]';

/** As much of npm `smpp` as is used here; it has no types. */
interface TheirSession {
  on(event: string, listener: (error: Error) => void): void;
  bind_transceiver(fields: object, done: (pdu: { command_status: number }) => void): void;
  submit_sm(fields: object, done: (pdu: { command_status: number }) => void): void;
  close(done: () => void): void;
}
interface TheirModule {
  connect(options: { url: string }, onConnect: () => void): TheirSession;
}

/** Sends one message; rejects when it was not taken. */
type Send = (index: number) => Promise<void>;

/** One client, connected. */
interface Client {
  readonly send: Send;
  close(): Promise<void>;
}

async function connectTheirs(port: number): Promise<Client> {
  const theirs = createRequire(import.meta.url)('smpp') as TheirModule;
  const session = await new Promise<TheirSession>((resolve) => {
    const made = theirs.connect({ url: `smpp://127.0.0.1:${port}` }, () => resolve(made));
    made.on('error', (error) => {
      throw error;
    });
  });
  await new Promise((resolve) =>
    session.bind_transceiver({ system_id: 'a', password: 'b' }, resolve),
  );
  return {
    send: (index) =>
      new Promise((resolve, reject) =>
        session.submit_sm(
          {
            source_addr_ton: 1,
            source_addr_npi: 1,
            source_addr: '15005550100',
            dest_addr_ton: 1,
            dest_addr_npi: 1,
            destination_addr: `1500556${String(index % 10_000).padStart(4, '0')}`,
            registered_delivery: 1,
            short_message: TEXT,
          },
          ({ command_status: status }) =>
            status === 0 ? resolve() : reject(new Error(`Status ${status}`)),
        ),
      ),
    close: () => new Promise((resolve) => session.close(resolve)),
  };
}

async function connectOurs(port: number): Promise<Client> {
  const carrier = createSmppCarrier({
    ...SMPP_DEFAULTS,
    name: 'bench',
    host: '127.0.0.1',
    port,
    systemId: 'a',
    password: 'b',
    windowPerBind: WINDOW,
    logger: createLogger('silent'),
    random: Math.random,
    onDamage: () => undefined,
  });
  await carrier.start(async () => undefined);
  while (carrier.state?.().connected !== 1) await sleep(5);
  const submission: Submission = {
    reference: '2s-0192f0a0aaaa2bcd9e0123456789c012',
    channel: 'SMS',
    from: '+15005550100',
    to: '',
    text: TEXT,
    mediaUrls: [],
    rich: null,
    email: null,
    expireAt: null,
  };
  return {
    async send(index) {
      const to = `+1500556${String(index % 10_000).padStart(4, '0')}`;
      const result = await carrier.send({ ...submission, to });
      if (result.kind !== 'accepted') throw new Error(`Not accepted: ${JSON.stringify(result)}`);
    },
    close: () => carrier.stop(),
  };
}

/** Milliseconds for a round: as many chains of sends as the window is wide. */
async function measure({ send }: Client): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  const chain = async (): Promise<void> => {
    while (next < MESSAGES) {
      next += 1;
      await send(next);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, chain));
  return performance.now() - startedAt;
}

/** The SMSC of the benchmarks, in a process of its own. */
export async function startSmsc(
  receipts: 'receipts' | 'none',
): Promise<{ port: number; stop(): Promise<void> }> {
  const program = fileURLToPath(new URL('smsc.js', import.meta.url));
  const child = spawn(process.execPath, [program, receipts], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(line.toString()),
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Messages per second of npm `smpp` and of ours: medians. */
export async function benchSmpp(): Promise<{ theirs: number; ours: number }> {
  const { port, stop } = await startSmsc('none');
  try {
    const clients = [await connectTheirs(port), await connectOurs(port)] as const;
    const rates: [number[], number[]] = [[], []];
    for (let round = -1; round < ROUNDS; round += 1)
      for (const [i, client] of clients.entries()) {
        const tookMs = await measure(client);
        if (round >= 0) rates[i]?.push((MESSAGES / tookMs) * 1000);
      }
    for (const client of clients) await client.close();
    const [theirs, ours] = rates.map(
      (each) => each.toSorted((a, b) => a - b)[Math.floor(each.length / 2)] ?? NaN,
    ) as [number, number];
    return { theirs, ours };
  } finally {
    await stop();
  }
}
