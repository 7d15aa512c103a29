/** The table of `docs/compatibility.md`: its requests are made, its routes are compared with `/openapi.json`. */
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { AREAS } from '../../tools/compatibility.mjs';
import { useFanfare, type FanfareClient, type Json } from './support/fanfare.ts';

const STANDINGS = ['same', 'decided', 'extension', 'not there'];
const EVIDENCE = ['schema', 'sample', 'guide', 'third party', 'inferred', 'none'];
const ROWS = AREAS.flatMap(({ rows }) => rows);

let fanfare: FanfareClient;
let routes: ReadonlySet<string>;
beforeAll(async () => {
  fanfare = await useFanfare();
  const { paths } = (await fanfare.get('/openapi.json')).body;
  routes = new Set(
    Object.entries(paths as Json).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );
});

describe('docs/compatibility.md', () => {
  it('has every route of the server once', () => {
    const listed = ROWS.flatMap(({ route, standing }) =>
      route === undefined || standing === 'not there' ? [] : route,
    );
    expect(listed.toSorted()).toEqual([...routes].toSorted());
  });

  it.each(ROWS.map((row) => [row.thing, row] as const))('%s', async (_, row) => {
    const { evidence, standing, route, ask, covered } = row;
    expect(EVIDENCE).toContain(evidence);
    expect(STANDINGS).toContain(standing);
    expect([route, ask, covered].some((each) => each !== undefined)).toBe(true);
    if (route !== undefined) expect(routes.has(route)).toBe(standing !== 'not there');
    if (covered !== undefined) expect(existsSync(covered)).toBe(true);
    if (ask === undefined) return;
    const { status, body } = await fanfare.request(ask.method, ask.path, ask.body);
    expect([status, JSON.stringify(body)]).toEqual([
      ask.status,
      expect.stringContaining(ask.words ?? ''),
    ]);
  });
});
