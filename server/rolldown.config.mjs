/**
 * Bundles the program into `dist/program`: the command line and each thread is an entry, what they share lies in chunks, and the
 * packages that they use are in it, so that a start reads few files. CommonJS, since its compiled code can be kept
 * (`src/boot/compiled-code.ts`). Two folders deep like the sources, so that paths from a file to the package's root are the same in
 * both. What stays outside is resolved when it is needed: PostgreSQL's programs, the optional clients of message brokers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** pg finds out whether it runs on Cloudflare by making a `Response`, for which Node.js loads all of its `fetch`, in each thread. */
const withoutCloudflare = {
  name: 'without-cloudflare',
  transform: {
    filter: { id: /[/\\]pg[/\\]lib[/\\]stream\.js$/ },
    handler(code) {
      const head = 'function isCloudflareRuntime() {';
      if (!code.includes(head))
        this.error('pg/lib/stream.js has changed: look at this plugin again.');
      return { code: code.replace(head, `${head} return false;`), map: null };
    },
  },
};

/** prom-client loads OpenTelemetry for exemplars only, which are not used here. */
const withoutTelemetry = {
  name: 'without-telemetry',
  resolveId: { filter: { id: /^@opentelemetry[/]api$/ }, handler: (id) => `\0${id}` },
  load: { filter: { id: /^\0@opentelemetry[/]api$/ }, handler: () => 'export {};' },
};

/** The licences of the packages that are in the bundle, beside it. */
const licences = {
  name: 'licences',
  generateBundle(_, bundle) {
    const folders = new Set();
    for (const { modules = {} } of Object.values(bundle))
      for (const id of Object.keys(modules)) {
        const found = /^\0?(.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+)[/\\]/.exec(id);
        if (found !== null) folders.add(found[1]);
      }
    const texts = [...folders].map(describeLicence).toSorted();
    this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: texts.join('\n') });
  },
};

/** Source maps name the sources; their text is in the repository. */
const mapsWithoutText = {
  name: 'maps-without-text',
  generateBundle(_, bundle) {
    for (const asset of Object.values(bundle))
      if (asset.fileName.endsWith('.map')) {
        const { sourcesContent: _text, ...map } = JSON.parse(asset.source);
        asset.source = JSON.stringify(map);
      }
  },
};

function describeLicence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
  return `${name} ${version} (${license})\n\n${text.trim()}\n\n${'-'.repeat(80)}\n`;
}

export const config = {
  input: {
    boot: 'src/boot/boot.ts',
    main: 'src/cli/main.ts',
    'dispatch-thread': 'src/dispatch-thread.ts',
    'events-thread': 'src/events-thread.ts',
    'intake-thread': 'src/intake-thread.ts',
  },
  cwd: import.meta.dirname,
  platform: 'node',
  external: ['@nats-io/jetstream', '@nats-io/transport-node', 'kafkajs', 'pg-native'],
  plugins: [withoutCloudflare, withoutTelemetry, licences, mapsWithoutText],
  output: {
    dir: 'dist/program',
    cleanDir: true,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    sourcemap: true,
    // Node.js reads and keeps it at a byte a character.
    charset: 'ascii',
    // Names and lines stay: Node.js prints the line where something was not caught.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    comments: false,
  },
};
