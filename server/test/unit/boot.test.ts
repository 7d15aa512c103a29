/**
 * The start of the program: stack traces that name the sources, and stored compiled code that is not used if it is
 * damaged.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/program', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfare-boot-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** Lays down the real first file, and this source as the command line. */
async function makeProgram(source: string): Promise<string> {
  const program = join(folder, 'program');
  for (const name of ['boot.cjs', 'rolldown-runtime.cjs'])
    await cp(join(PROGRAM, name), join(program, name));
  await writeFile(join(folder, 'main.ts'), source);
  const bundle = await rolldown({ input: join(folder, 'main.ts'), platform: 'node' });
  await bundle.write({
    file: join(program, 'main.cjs'),
    format: 'cjs',
    sourcemap: true,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  });
  await bundle.close();
  return join(program, 'boot.cjs');
}

const run = (boot: string, ...args: string[]) =>
  execFileSync(process.execPath, [boot, ...args], { encoding: 'utf8', cwd: folder });

/** The one file of compiled code. */
async function findKept(): Promise<string> {
  const compiled = join(folder, 'program', 'compiled');
  const [file = '', ...others] = await readdir(compiled);
  expect([file, others]).toEqual([expect.stringMatching(/^main-\d+\.bin$/), []]);
  return join(compiled, file);
}

describe('a stack', () => {
  it('names the file, line and function that were written', async () => {
    const boot = await makeProgram(`
      function sink(depth: number): never {
        if (depth > 0) return sink(depth - 1);
        throw new TypeError('down');
      }
      sink(1);`);
    const { stderr, status } = spawnSync(process.execPath, [boot], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect(status).toBe(1);
    expect(stderr).toContain('TypeError: down\n    at sink (main.ts:4:');
    expect(stderr).toContain('    at sink (main.ts:3:');
    expect(stderr).toContain('main.ts:6:');
  });

  it('is there for errors without a message, and with a damaged map', async () => {
    const boot = await makeProgram(`
      const odd = new Error('odd');
      Object.defineProperty(odd, 'toString', { value: () => { throw new Error('never'); } });
      console.log(odd.stack);`);
    await writeFile(join(folder, 'program', 'main.cjs.map'), '{');
    expect(run(boot)).toMatch(/^Error\n {4}at .*main\.cjs:\d+:\d+/);
  });
});

describe('compiled code', () => {
  const SOURCE = `
    export const words = (name: string) => 'Hello ' + name;
    console.log(words(process.argv[2] ?? ''));`;

  it('is kept with the first start, and left as it is by the next', async () => {
    const boot = await makeProgram(SOURCE);
    expect(run(boot, 'Ada')).toBe('Hello Ada\n');
    const kept = await readFile(await findKept());
    expect(run(boot, 'Bob')).toBe('Hello Bob\n');
    expect((await readFile(await findKept())).equals(kept)).toBe(true);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['empty', () => Buffer.alloc(0)],
    [
      'something else',
      () => Buffer.from('not compiled code at all, but longer than a checksum is'),
    ],
    ...Array.from({ length: 8 }, (_, i) => [
      `flipped in its part ${i}`,
      (bytes: Buffer) => {
        const damaged = Buffer.from(bytes);
        const at = Math.floor((bytes.length * (i + 0.5)) / 8);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        return damaged;
      },
    ]),
  ] as [string, (bytes: Buffer) => Buffer][])('that is %s is made anew', async (_, damage) => {
    const boot = await makeProgram(SOURCE);
    run(boot);
    const kept = await findKept();
    const whole = await readFile(kept);
    await writeFile(kept, damage(whole));
    expect(run(boot, 'Ada')).toBe('Hello Ada\n');
    expect((await readFile(kept)).length).toBe(whole.length);
    expect(run(boot, 'Bob')).toBe('Hello Bob\n');
  });

  it('of a file that has changed since is not used, though it is as long', async () => {
    const boot = await makeProgram(SOURCE);
    run(boot);
    const file = join(folder, 'program', 'main.cjs');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('Hello', 'Hallo'));
    await utimes(file, new Date(), new Date(Date.now() + 5_000));
    expect(run(boot, 'Ada')).toBe('Hallo Ada\n');
    expect(run(boot, 'Bob')).toBe('Hallo Bob\n');
  });
});
