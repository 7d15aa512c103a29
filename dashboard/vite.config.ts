/** Builds the dashboard into the server's package: a few small files with hashes in their names, compressed beside them. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const FOLDER = fileURLToPath(new URL('../server/dist/dashboard', import.meta.url));

/** What the server sends to browsers that take it compressed, and the font's licence. From the files as they are written. */
const compress: Plugin = {
  name: 'compress',
  closeBundle() {
    const licence = import.meta.resolve('@fontsource-variable/public-sans/LICENSE');
    copyFileSync(fileURLToPath(licence), join(FOLDER, 'assets/font-license.txt'));
    for (const name of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(js|css|html|svg)$/.test(name)) continue;
      const bytes = readFileSync(join(FOLDER, name));
      writeFileSync(join(FOLDER, `${name}.br`), brotliCompressSync(bytes));
      writeFileSync(join(FOLDER, `${name}.gz`), gzipSync(bytes));
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that it also works below a path of a proxy.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: FOLDER,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [compress],
});
