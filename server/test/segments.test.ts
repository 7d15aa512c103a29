import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureSms } from '../src/domain/segments.ts';

describe('measureSms', () => {
  it.each([
    ['', 'GSM-7', 0, 1],
    ['Hello', 'GSM-7', 5, 1],
    ['a'.repeat(160), 'GSM-7', 160, 1],
    ['a'.repeat(161), 'GSM-7', 161, 2],
    ['a'.repeat(306), 'GSM-7', 306, 2],
    ['a'.repeat(307), 'GSM-7', 307, 3],
    ['€'.repeat(80), 'GSM-7', 160, 1],
    ['€'.repeat(81), 'GSM-7', 162, 2],
    // 153 septets hold 76 pairs and one free septet: a pair is not split.
    [`${'€'.repeat(153)}`, 'GSM-7', 306, 3],
    ['ç', 'UCS-2', 1, 1],
    ['Ç', 'GSM-7', 1, 1],
    ['я'.repeat(70), 'UCS-2', 70, 1],
    ['я'.repeat(71), 'UCS-2', 71, 2],
    ['😀'.repeat(35), 'UCS-2', 70, 1],
    ['😀'.repeat(36), 'UCS-2', 72, 2],
    // 67 units hold 33 surrogate pairs and one free unit.
    ['😀'.repeat(67), 'UCS-2', 134, 3],
    ['`', 'UCS-2', 1, 1],
  ])('measures %#', (text, encoding, units, segments) => {
    expect(measureSms(text)).toEqual({ encoding, units, segments });
  });

  it('needs no fewer parts than the units fill and no more than one each', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 700 }), (text) => {
        const { encoding, units, segments } = measureSms(text);
        const part = encoding === 'GSM-7' ? 153 : 67;
        expect(segments).toBeGreaterThanOrEqual(units <= (encoding === 'GSM-7' ? 160 : 70) ? 1 : Math.ceil(units / part));
        expect(segments).toBeLessThanOrEqual(1 + Math.ceil(units / (part - 1)));
      }),
    );
  });
});
