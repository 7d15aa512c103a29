/**
 * `prepack` of a package lays down the licence, which its tarball needs beside its own files; `postpack` (`--remove`) takes it away.
 *
 * Usage: `node tools/pack.mjs server|client [--remove]`
 */
import { cp, rm } from 'node:fs/promises';

const ROOT = new URL('../', import.meta.url);
const [name, flag] = process.argv.slice(2);
const licence = new URL(`${name}/LICENSE`, ROOT);

if (flag === '--remove') await rm(licence, { force: true });
else await cp(new URL('LICENSE', ROOT), licence);
