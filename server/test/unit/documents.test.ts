/** The documents lead where they say. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listDocuments, readText, ROOT } from '../support/markdown.ts';

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
