/** Links of the documents lead to something, and quoted metrics and log lines exist. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOf, listDocuments, listFiles, readText, ROOT } from '../support/markdown.ts';

const documents = listDocuments();
const withoutCode = (text: string) => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');

/** What a heading is called in an address, as the places where Markdown is read do it. */
function listAnchors(file: string): Set<string> {
  const text = readText(file).replace(/```[\s\S]*?```/g, '');
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}

const links = documents.flatMap((file) =>
  [...withoutCode(readText(file)).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)]
    .map(([, inText, inTag]) => inText ?? inTag ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => [file, target] as const),
);

/** Names with the prefix of metrics that are none: a cookie, channels of LISTEN, a database. */
const OTHER_NAMES = new Set([
  'fanfare_session',
  'fanfare_wake',
  'fanfare_events',
  'fanfare_demo_agent',
]);

describe('a link in the documents', () => {
  it('is looked at', () => {
    expect(documents).toContain('README.md');
    expect(links.length).toBeGreaterThan(100);
  });

  it('leads to a file, and to a heading of it', () => {
    const broken = links.filter(([file, target]) => {
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : relative(ROOT, resolve(ROOT, dirname(file), path));
      if (!existsSync(join(ROOT, found))) return true;
      return anchor !== undefined && found.endsWith('.md') && !listAnchors(found).has(anchor);
    });
    expect(broken.map(([file, target]) => `${file}: ${target}`)).toEqual([]);
  });
});

describe('docs/troubleshooting.md', () => {
  const page = readText('docs/troubleshooting.md');
  const sources = listFiles('server/src', /\.ts$/).map(readText);

  it('has every metric, and no other', () => {
    const metricsOf = (text: string) =>
      text.match(/\bfanfare_[a-z_]+_[a-z]+\b|\bfanfare_streams\b/g);
    const there = sources.flatMap((text) =>
      [...text.matchAll(/'(fanfare_[a-z_]+)'/g)].map(([, name = '']) => name),
    );
    const named = new Set(metricsOf(page));
    expect([...named].filter((name) => !there.includes(name))).toEqual([]);
    const metrics = new Set(there.filter((name) => !OTHER_NAMES.has(name)));
    expect([...metrics].filter((name) => !named.has(name))).toEqual([]);
  });

  it('quotes log lines that exist', () => {
    const quoted = ['docs/troubleshooting.md', 'docs/operations.md']
      .flatMap((file) => codeOf(readText(file)))
      .filter((code) => /^[A-Z][a-z]+( [\w;,]+)+$/.test(code) && code !== 'Query read timeout');
    expect(quoted.length).toBeGreaterThan(4);
    expect(quoted.filter((line) => !sources.some((text) => text.includes(line)))).toEqual([]);
  });
});
