/** Events, batches and sinks for the tests of sinks to message brokers. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { DeliveryResult, EncodedEvent, EventBatch, Target } from '../../src/events/sink.ts';

/** Fields that sinks to brokers ignore. */
export const TARGET: Target = { url: 'sink:events', secrets: [], authToken: null };

export const DELIVERED: DeliveryResult = {
  kind: 'delivered',
  status: null,
  detail: null,
  retryAfterMs: null,
};

/** A failure whose words match. */
export function failure(detail: unknown): unknown {
  return { kind: 'failed', status: null, retryAfterMs: null, detail };
}

/** An event numbered `n` of a key. */
export function event(n: number, key: string, changes: Partial<EncodedEvent> = {}): EncodedEvent {
  const id = `evt_${key}_${n}`;
  const type = 'com.fanfare.message.delivered';
  const json = JSON.stringify({ specversion: '1.0', id, type, source: '/v1', data: { key, n } });
  return { id, type, key, json, ...changes };
}

/** Events of alternating keys: a0, b0, a1, b1, … */
export function alternatingEvents(keys: readonly string[], count: number): EncodedEvent[] {
  return Array.from({ length: count }, (_, n) => keys.map((key) => event(n, key))).flat();
}

export function batchOf(events: readonly EncodedEvent[]): EventBatch {
  return { id: 'batch_1', at: new Date(), events };
}

/** The numbers of each key's events, in the order of `jsons`. */
export function numbersByKey(jsons: readonly string[]): Record<string, number[]> {
  const numbers: Record<string, number[]> = {};
  for (const json of jsons) {
    const { data } = JSON.parse(json) as { data: { key: string; n: number } };
    (numbers[data.key] ??= []).push(data.n);
  }
  return numbers;
}

/** The output of a program that imports `file` of `src/events` as `./sink.js`, without installed packages. */
export async function runWithoutPackages(file: string, program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-bare-'));
  try {
    const input = fileURLToPath(new URL(`../../src/events/${file}`, import.meta.url));
    const bundle = await rolldown({ input, platform: 'node', external: /^[^./\0]/ });
    await bundle.write({ file: join(folder, 'sink.js'), codeSplitting: false });
    await bundle.close();
    return execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: folder,
      encoding: 'utf8',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
