/** Programs in the documents run as they stand there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchFanfare, SID, TOKEN, type Fanfare } from '../../server/test/support/fanfare.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let fanfare: Fanfare;
let folder: string;
beforeAll(async () => {
  fanfare = await launchFanfare();
  folder = await mkdtemp(join(tmpdir(), 'fanfare-docs-'));
  await mkdir(join(folder, 'node_modules/@fanfare'), { recursive: true });
  // By its own name, and by that of an alias.
  for (const name of ['@fanfare/client', 'twilio-comms'])
    await symlink(join(ROOT, 'client'), join(folder, 'node_modules', name));
});
afterAll(async () => {
  await fanfare.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The blocks of a language, in their order. */
async function readBlocks(file: string, language: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block,
  );
}

async function runProgram(source: string, ...flags: string[]) {
  const file = join(folder, `${crypto.randomUUID()}.mjs`);
  await writeFile(file, source);
  const child = spawn(process.execPath, [...flags, file], {
    env: {
      PATH: process.env['PATH'] ?? '',
      FANFARE_BASE_URL: fanfare.url,
      FANFARE_ACCOUNT_SID: SID,
      FANFARE_AUTH_TOKEN: TOKEN,
    },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

it('the quick start gets to a delivered message', async () => {
  const blocks = await readBlocks('docs/quick-start.md', 'js');
  const { code, out, err } = await runProgram(blocks.join('\n'));
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/COMPLETED delivered: 1 of 1\n\+15005550123 DELIVERED\n$/);
});

it('the guide to testing has a test that passes', async () => {
  const blocks = await readBlocks('docs/testing.md', 'js');
  const { code, out } = await runProgram(blocks.join('\n'), '--test');
  expect([code, out]).toEqual([0, expect.stringContaining('pass 1')]);
});

it('the page of the client shows what compiles', async () => {
  const blocks = await readBlocks('client/README.md', 'ts');
  await writeFile(join(folder, 'readme.mts'), blocks.join('\n'));
  const args = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2022';
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, ...args.split(' '), 'readme.mts'], { cwd: folder });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  await once(child, 'close');
  expect([child.exitCode, out]).toEqual([0, '']);
});

it('the page of the client shows what works', async () => {
  const [first = '', lists = ''] = await readBlocks('client/README.md', 'ts');
  const program = first
    .replace(/new TwilioClient\([\s\S]*?\}\);/, 'new TwilioClient();')
    .replace('@fanfare/client', 'twilio-comms');
  const { code, out, err } = await runProgram(`${program}\n${lists}`);
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('COMPLETED 1');
});
