/**
 * `prepack` of a package lays down what its tarball needs beside its own files: the licence, and in the server's the client, where npm
 * looks for what is bundled. `postpack` (`--remove`) takes it away again, since the workspace has its own.
 *
 * Usage: `node tools/pack.mjs server|client [--remove]`
 */
import { cp, mkdir, rm } from 'node:fs/promises';

const ROOT = new URL('../', import.meta.url);
const [name, flag] = process.argv.slice(2);
const folder = new URL(`${name}/`, ROOT);
const licence = new URL('LICENSE', folder);
const modules = new URL('node_modules/', folder);
const bundled = new URL('@fanfare/client/', modules);

await rm(licence, { force: true });
// The server has no packages of its own there: the workspace's lie above.
if (name === 'server') await rm(modules, { recursive: true, force: true });
if (flag !== '--remove') {
  await cp(new URL('LICENSE', ROOT), licence);
  if (name === 'server') {
    await mkdir(bundled, { recursive: true });
    for (const each of ['package.json', 'README.md', 'dist'])
      await cp(new URL(`client/${each}`, ROOT), new URL(each, bundled), {
        recursive: true,
        filter: (path) => !path.endsWith('.tsbuildinfo'),
      });
  }
}
