/**
 * One PostgreSQL for all test files, and in it a migrated template: every server gets a database of its own, a copy of it. The
 * embedded one, in memory and without fsync, since what it has is thrown away; or with TEST_DATABASE_URL another (15 or later), as
 * a role that may create databases. Tests of what survives a crash of PostgreSQL start engines of their own.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/store/embedded.ts';
import { openStore } from '../../src/store/store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    templateDatabase: string;
  }
}

const FORGETFUL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const MEMORY = '/dev/shm';
const MEMORY_BYTES_MIN = 4 * 2 ** 30;

/** Projects that need no database. */
const WITHOUT = new Set(['unit', 'brokers']);

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (project.vitest.projects.every(({ name }) => WITHOUT.has(name))) return async () => undefined;
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) {
    const dropTemplate = await provideTemplate(project, given);
    return dropTemplate;
  }
  const folder = await mkdtemp(join(await findRoom(), 'fanfare-test-'));
  const engine = await startEmbedded({ dataDir: join(folder, 'data'), settings: FORGETFUL });
  await provideTemplate(project, engine.url);
  return async () => {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** Memory where the system has it as a folder with room, else the disk. */
async function findRoom(): Promise<string> {
  const room = await statfs(MEMORY).catch(() => null);
  return room !== null && room.bavail * room.bsize >= MEMORY_BYTES_MIN ? MEMORY : tmpdir();
}

async function provideTemplate(project: TestProject, url: string): Promise<() => Promise<void>> {
  const name = `template_${randomUUID().replaceAll('-', '')}`;
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`create database ${name}`);
  const templateUrl = Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const store = await openStore({ url: templateUrl, connectionsMax: 1, name: 'template' });
  await store.close();
  project.provide('databaseUrl', url);
  project.provide('templateDatabase', name);
  return () => run(`drop database ${name} with (force)`);
}
