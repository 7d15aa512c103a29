/** JSON of requests: texts that two parsers could read differently are refused, and no others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/intake/json.ts';
import { Refusal } from '../../src/shapes/refusal.ts';
import { runs } from '../support/runs.ts';

const read = (text: string) => parseJson(Buffer.from(text));
function findProblems(text: string) {
  try {
    read(text);
  } catch (error) {
    if (error instanceof Refusal) return error.problems;
    throw error;
  }
  return [];
}

describe('fields that are named twice', () => {
  it.each([
    ['{"to":[1],"to":[2]}', ['$.to']],
    ['{"a":1, "b":{"c":[{"d":1,"d" :2}]},"a":3}', ['$.b.c[0].d', '$.a']],
    // One name, in two spellings.
    ['{"to":1,"t\\u006f":2}', ['$.to']],
    ['{"a\\"b":1,"a\\"b":2}', ['$["a\\"b"]']],
    ['[{"x":1},{"x":1,"y":[],"x":[]}]', ['$[1].x']],
    ['{"__proto__":1,"__proto__":2}', ['$.__proto__']],
    ['{"":1,"":2}', ['$[""]']],
    ['{ "a" : { } , "a"\n:\t{ "a":1 } }', ['$.a']],
  ])('%s', (text, places) => {
    expect(findProblems(text).map(({ context }) => context)).toEqual(places);
  });

  it.each([
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '{"a:b":":","c":"\\":\\\\"}',
    '"a:b"',
    '{"a":"\\\\","b":"x"}',
    'null',
    '[[],[],{}]',
    '{"__proto__":{"a":1},"constructor":2}',
  ])('are not seen in %s', (text) => expect(read(text)).toEqual(JSON.parse(text)));

  it(
    'are never found in texts of a serializer, and always in texts that have them',
    { tags: ['property'] },
    () => {
      const options = { numRuns: runs(300, 5_000) };
      fc.assert(
        fc.property(fc.json({ maxDepth: 6 }), (text) => {
          expect(JSON.stringify(read(text))).toBe(JSON.stringify(JSON.parse(text)));
        }),
        options,
      );
      const name = fc.string({ maxLength: 8 });
      fc.assert(
        fc.property(
          name,
          fc.json(),
          fc.array(fc.tuple(name, fc.json()), { maxLength: 5 }),
          (twin, value, others) => {
            const fields = [[twin, value] as const, ...others, [twin, value] as const];
            const object = `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${each}`).join()}}`;
            for (const text of [object, `[1,${object}]`, `{"in":{"deep":${object}}}`])
              expect(findProblems(text).length).toBeGreaterThan(0);
          },
        ),
        options,
      );
    },
  );

  it('are reported up to ten times, and not searched for in texts that are nested too deep', () => {
    const nested = (depth: number) => `${'{"a":1,"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(findProblems(nested(60))).toHaveLength(10);
    expect(findProblems(nested(3_000))).toMatchObject([
      { message: expect.stringContaining('nested more than 64 deep') },
    ]);
  });
});
