/** Sealed tokens: readable by their maker, for their purpose. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEmailLinks, readOpened, readUnsubscribe } from '../../src/domain/email-links.ts';
import { attemptReference } from '../../src/domain/ids.ts';
import { createSealer } from '../../src/lib/sealer.ts';

const sealer = createSealer(new Uint8Array(32).fill(1));
const otherSealer = createSealer(new Uint8Array(32).fill(2));
const texts = fc.string({ minLength: 1, maxLength: 300, unit: 'binary' });

describe('a sealed token', () => {
  it('gives its text back, for its purpose and to its maker alone', () => {
    fc.assert(
      fc.property(texts, texts, (text, purpose) => {
        const token = sealer.seal(purpose, text);
        expect(token).toBe(sealer.seal(purpose, text));
        expect(token).toMatch(/^[\w-]+$/);
        expect(sealer.open(purpose, token)).toBe(text);
        expect(sealer.open(`${purpose}x`, token)).toBeNull();
        expect(otherSealer.open(purpose, token)).toBeNull();
        expect(sealer.seal(`${purpose}x`, text)).not.toBe(token);
      }),
    );
  });

  it('is void once a letter is another, missing or added', () => {
    const token = sealer.seal('open', 'some text');
    for (let i = 0; i < token.length; i += 1) {
      const other = token[i] === 'A' ? 'B' : 'A';
      expect(sealer.open('open', token.slice(0, i) + other + token.slice(i + 1))).toBeNull();
      expect(sealer.open('open', token.slice(0, i) + token.slice(i + 1))).toBeNull();
    }
    for (const more of ['A', '=', ' ', '.', '\n', 'A'.repeat(10_000)])
      expect(sealer.open('open', token + more)).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => sealer.open('open', text) === null));
  });
});

describe('links of e-mails', () => {
  it('contain recipient and sender, readable to the server only', () => {
    const links = createEmailLinks('https://fanfare.example', sealer);
    const reference = attemptReference(100, '0192f0a0-aaaa-7bcd-9e01-234500000012', 2);
    const unsubscribe = links.unsubscribeUrl(reference, 'Ada@Example.org', 'News@Shop.example');
    expect(unsubscribe).not.toMatch(/ada|example\.org|news/i);
    const [, token = ''] = unsubscribe.split('/u/');
    expect(readUnsubscribe(token, sealer)).toEqual({
      accountId: 100,
      address: 'ada@example.org',
      from: 'news@shop.example',
    });
    expect([readOpened(token, sealer), readUnsubscribe(token, otherSealer)]).toEqual([null, null]);
    const [, open = ''] = /\/o\/(.+)\.gif$/.exec(links.openUrl(reference)) ?? [];
    expect(readOpened(open, sealer)).toMatchObject({ accountId: 100, attempt: 2 });
    expect(readUnsubscribe(open, sealer)).toBeNull();
  });
});
