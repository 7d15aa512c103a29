/**
 * One PostgreSQL for all test files, with a migrated template: every server gets a database of its own, a copy of it. It
 * is the embedded one, in memory and without fsync, because its data is disposable; or with TEST_DATABASE_URL another
 * (15 or later), with a role that may create databases. Tests of crashes of PostgreSQL start engines of their own.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/engine/embedded.ts';
import { openStore } from '../../src/store/store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    templateDatabase: string;
  }
}

/** Databases of tests are short-lived and many: a vacuum that looked at each every few seconds would find nothing to do. */
const FORGETFUL = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum_naptime: '300s',
};
const MEMORY = '/dev/shm';
const MEMORY_BYTES_MIN = 4 * 2 ** 30;

/** Projects that need no database. */
const WITHOUT = new Set(['unit', 'brokers']);

interface Engine {
  readonly url: string;
  readonly template: string;
  stop(): Promise<void>;
}

/** Vitest runs this for each project, in one process: all projects share the first engine. */
const shared = globalThis as { fanfareTestEngine?: { starting: Promise<Engine>; users: number } };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (WITHOUT.has(project.name)) return async () => undefined;
  if (project.vitest.projects.every(({ name }) => WITHOUT.has(name))) return async () => undefined;
  const engine = (shared.fanfareTestEngine ??= { starting: start(), users: 0 });
  engine.users += 1;
  const { url, template, stop } = await engine.starting;
  project.provide('databaseUrl', url);
  project.provide('templateDatabase', template);
  return async () => {
    engine.users -= 1;
    if (engine.users === 0) await stop();
  };
}

async function start(): Promise<Engine> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) {
    const template = await makeTemplate(given);
    return {
      url: given,
      template,
      stop: () => run(given, `drop database ${template} with (force)`),
    };
  }
  const folder = await mkdtemp(join(await findRoom(), 'fanfare-test-'));
  const engine = await startEmbedded({ dataDir: join(folder, 'data'), settings: FORGETFUL });
  return {
    url: engine.tcpUrl,
    template: await makeTemplate(engine.tcpUrl),
    async stop() {
      await engine.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Memory where the system has it as a folder with room, else the disk. */
async function findRoom(): Promise<string> {
  const room = await statfs(MEMORY).catch(() => null);
  return room !== null && room.bavail * room.bsize >= MEMORY_BYTES_MIN ? MEMORY : tmpdir();
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** A migrated database to copy; resolves with its name. */
async function makeTemplate(url: string): Promise<string> {
  const name = `template_${randomUUID().replaceAll('-', '')}`;
  await run(url, `create database ${name}`);
  const templateUrl = Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const store = await openStore({ url: templateUrl, connectionsMax: 1, name: 'template' });
  await store.close();
  return name;
}
