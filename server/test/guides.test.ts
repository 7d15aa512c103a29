/** The guides of `docs/`, as the server shows them. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GUIDES, NOT_GUIDES } from '../../tools/render-guides.mjs';
import { useFanfare } from './support/fanfare.ts';

it('are all files of the folder, except those for engineers', () => {
  const folder = new URL('../../docs/', import.meta.url);
  const names = ['', 'carriers/'].flatMap((under) =>
    readdirSync(new URL(under, folder))
      .filter((each) => each.endsWith('.md'))
      .map((each) => under + each),
  );
  expect([...Object.values(GUIDES).flat(), ...NOT_GUIDES].toSorted()).toEqual(names.toSorted());
});

it('have links that lead somewhere on the server', async () => {
  const fanfare = await useFanfare();
  const texts = new Map<string, string>();
  const broken: string[] = [];
  const read = async (url: URL) => {
    const known = texts.get(url.pathname);
    if (known !== undefined) return known;
    const answer = await fetch(url);
    const text = answer.ok ? await answer.text() : '';
    if (!answer.ok) broken.push(url.pathname);
    texts.set(url.pathname, text);
    return text;
  };
  const list = new URL('/docs/guides', fanfare.url);
  const pages = [list];
  for (const page of pages) {
    for (const [, path = ''] of (await read(page)).matchAll(/(?:href|src|srcset)="([^"]+)"/g)) {
      const url = new URL(path, page);
      if (url.origin !== page.origin || url.protocol === 'data:') continue;
      const isNew = !texts.has(url.pathname);
      const text = await read(url);
      if (url.hash !== '' && !text.includes(`id="${decodeURIComponent(url.hash.slice(1))}"`))
        broken.push(`${page.pathname}: ${path}`);
      if (isNew && url.pathname.startsWith('/docs/guides')) pages.push(url);
    }
  }
  expect(broken).toEqual([]);
  expect(pages.length).toBeGreaterThan(20);
  for (const path of ['/docs/guides/none', '/docs/guides/..%2findex'])
    expect((await fetch(new URL(path, fanfare.url))).status).toBe(404);
});
