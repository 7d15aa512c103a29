import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureSms } from '../../src/domain/segments.ts';
import { runs } from '../support/runs.ts';

const DEFAULT =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENSION = '\f^{}\\[~]|€';

/** The rule, said slowly: characters go into parts one by one, whole. */
function pack(text: string): { encoding: string; units: number; segments: number } {
  const characters = [...text];
  const gsm = characters.every((c) => DEFAULT.includes(c) || EXTENSION.includes(c));
  const cost = (c: string): number => (gsm ? (EXTENSION.includes(c) ? 2 : 1) : c.length);
  const units = characters.reduce((sum, c) => sum + cost(c), 0);
  const [single, part] = gsm ? [160, 153] : [70, 67];
  const encoding = gsm ? 'GSM-7' : 'UCS-2';
  if (units <= single) return { encoding, units, segments: 1 };
  const parts = [0];
  for (const c of characters) {
    if (parts.at(-1)! + cost(c) > part) parts.push(0);
    parts[parts.length - 1]! += cost(c);
  }
  return { encoding, units, segments: parts.length };
}

describe('measureSms', () => {
  it.each([
    ['', 'GSM-7', 0, 1, 160],
    ['a', 'GSM-7', 1, 1, 160],
    ['a'.repeat(160), 'GSM-7', 160, 1, 160],
    ['a'.repeat(161), 'GSM-7', 161, 2, 153],
    ['a'.repeat(306), 'GSM-7', 306, 2, 153],
    ['a'.repeat(307), 'GSM-7', 307, 3, 153],
    ['€'.repeat(80), 'GSM-7', 160, 1, 160],
    // 76 of them fill 152 septets of a part; the 77th does not fit the last one.
    ['€'.repeat(152), 'GSM-7', 304, 2, 153],
    ['€'.repeat(153), 'GSM-7', 306, 3, 153],
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 'GSM-7', 306, 3, 153],
    [`${'a'.repeat(151)}€${'a'.repeat(153)}`, 'GSM-7', 306, 2, 153],
    ['ç', 'UCS-2', 1, 1, 70],
    ['`', 'UCS-2', 1, 1, 70],
    ['\u001b', 'UCS-2', 1, 1, 70],
    ['–', 'UCS-2', 1, 1, 70],
    ['я'.repeat(70), 'UCS-2', 70, 1, 70],
    ['я'.repeat(71), 'UCS-2', 71, 2, 67],
    ['я'.repeat(134), 'UCS-2', 134, 2, 67],
    ['я'.repeat(135), 'UCS-2', 135, 3, 67],
    ['😀'.repeat(35), 'UCS-2', 70, 1, 70],
    // 33 pairs fill 66 units of a part.
    ['😀'.repeat(66), 'UCS-2', 132, 2, 67],
    ['😀'.repeat(67), 'UCS-2', 134, 3, 67],
    [`${'я'.repeat(66)}😀${'я'.repeat(66)}`, 'UCS-2', 134, 3, 67],
    ['\ud83d'.repeat(71), 'UCS-2', 71, 2, 67],
  ] as const)('%j', (text, encoding, units, segments, unitsPerSegment) => {
    expect(measureSms(text)).toEqual({ encoding, units, segments, unitsPerSegment });
  });

  it('knows every character of both tables and no other', () => {
    expect(DEFAULT).toHaveLength(127);
    const wrong: string[] = [];
    for (let code = 0; code < 0x1_0000; code += 1) {
      const char = String.fromCharCode(code);
      const units = DEFAULT.includes(char) ? 1 : EXTENSION.includes(char) ? 2 : 0;
      const measure = measureSms(char);
      if (units === 0 ? measure.encoding !== 'UCS-2' : measure.units !== units) wrong.push(char);
    }
    expect(wrong).toEqual([]);
  });

  it('agrees with whole characters packed one by one', { tags: ['property'] }, () => {
    const unit = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...DEFAULT) },
      { weight: 3, arbitrary: fc.constantFrom(...EXTENSION) },
    );
    const wide = fc.oneof(unit, fc.constantFrom('😀', 'я', '你', '👩‍👩‍👧'));
    const text = fc.oneof(
      fc.string({ unit, minLength: 100, maxLength: 700 }),
      fc.string({ unit: wide, minLength: 40, maxLength: 400 }),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(measureSms(each)).toMatchObject(pack(each));
      }),
      {
        numRuns: runs(200, 1_000),
      },
    );
  });
});
