/** The kind and name of a file, by its URL. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeCloud } from '../../src/carriers/http/preset-cloud.ts';
import { createComposer } from '../../src/carriers/http/request.ts';
import { mediaKindOf, mediaNameOf } from '../../src/domain/media.ts';
import { aSubmission } from '../support/carrier-conformance.ts';

it.each([
  ['https://a.example/files/Invoice%20May.pdf?x=1#y', 'Invoice May.pdf', 'document'],
  ['https://a.example/%C3%9Cbersicht.PDF', 'Übersicht.PDF', 'document'],
  ['https://a.example/dir/', 'dir', 'image'],
  ['https://a.example/', 'document', 'image'],
  ['https://a.example/..%2F..%2Fetc%2Fpasswd.txt', 'passwd.txt', 'document'],
  ['https://a.example/a%00b%0Ac.docx', 'a b c.docx', 'document'],
  ['https://a.example/%E0%A4%A.pdf', '%E0%A4%A.pdf', 'document'],
  ['https://a.example/x%E2%80%AEfdp.exe.pdf', 'x fdp.exe.pdf', 'document'],
  ['https://a.example/.pdf', 'pdf', 'document'],
  ['https://a.example/song.MP3', 'song.MP3', 'audio'],
])('%s is %s', (url, name, kind) => {
  expect([mediaNameOf(url), mediaKindOf(url)]).toEqual([name, kind]);
});

it('names are bounded and keep their extension', () => {
  const name = mediaNameOf(`https://a.example/${'%F0%9F%8E%89'.repeat(200)}.xlsx`);
  expect(name.length).toBeLessThanOrEqual(240);
  expect(name).toMatch(/\.xlsx$/);
  expect(name.isWellFormed()).toBe(true);
});

it('any URL gives a name that is safe', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      expect(mediaNameOf(url)).toMatch(/^(?!\.)[^/\\:*?"<>|\p{Cc}\p{Cf}]{1,240}$/u);
    }),
  );
});

it('WhatsApp documents carry their name', () => {
  const { request } = describeCloud({
    baseUrl: 'https://graph.example',
    version: 'v23.0',
    phoneNumberId: '1',
    accessToken: 't',
    appSecret: 's',
    verifyToken: 'v',
    template: null,
  });
  const body = (url: string) => {
    const composed = createComposer(request, null).compose(
      aSubmission({ channel: 'WHATSAPP', text: 'Here', mediaUrls: [url] }),
      new Date(),
    );
    return JSON.parse(composed.ok ? (composed.request.body ?? '') : '{}') as object;
  };
  const link = 'https://a.example/files/Invoice%20May.pdf?x=1';
  expect(body(link)).toMatchObject({
    type: 'document',
    document: { link, caption: 'Here', filename: 'Invoice May.pdf' },
  });
  expect(body('https://a.example/p.png')).toMatchObject({
    type: 'image',
    image: { link: 'https://a.example/p.png', caption: 'Here' },
  });
});
