/**
 * Content that a carrier cannot carry whole is refused before anything is sent, but only if it could go over that
 * carrier.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { useFanfare, type FanfareClient, type Json } from './support/fanfare.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare({
    config: {
      carriers: {
        simulator: {},
        smsc: { kind: 'smpp', host: '127.0.0.1', port: 9, systemId: 'x', password: 'x' },
        whatsapp: {
          kind: 'http',
          channels: ['WHATSAPP'],
          preset: 'cloud',
          settings: {
            baseUrl: 'http://127.0.0.1:9',
            version: 'v23.0',
            phoneNumberId: '1',
            accessToken: 't',
            appSecret: 's',
            verifyToken: 'v',
            template: null,
          },
        },
      },
      senders: [
        { address: '+15005550100', channel: 'SMS', carrier: 'smsc' },
        { address: '+15005550100', channel: 'WHATSAPP', carrier: 'whatsapp' },
      ],
    },
  });
});

const phone = { address: '+15005550123', channel: 'PHONE' };
const whatsapp = { address: '+15005550123', channel: 'WHATSAPP' };
const media = (...names: string[]) => names.map((name) => ({ url: `https://f.example/${name}` }));
const preview = async (to: Json[], content: Json) => {
  const answer = await fanfare.request('POST', '/v1/Messages', { to, content, dryRun: true });
  return { status: answer.status, errors: answer.body['errors'] as Json[] | undefined };
};

describe('what cannot be carried', () => {
  it.each([
    ['media over SMPP', phone, { text: 'Hi', media: media('a.png') }, 'media', 'smsc no media'],
    [
      'audio with words over WhatsApp',
      whatsapp,
      { text: 'Hi', media: media('a.mp3') },
      'text',
      'whatsapp no text can be sent with a file of the kind "audio"',
    ],
    [
      'two media over WhatsApp',
      whatsapp,
      { media: media('a.png', 'b.png') },
      'media',
      'it has 2 media; at most 1',
    ],
    [
      'a long caption over WhatsApp',
      whatsapp,
      { text: 'x'.repeat(1_025), media: media('a.png') },
      'text',
      'at most 1024 characters (UTF-16 units)',
    ],
    [
      'media of a module',
      phone,
      { modules: [{ sms: { text: 'Hi', media: media('a.png') } }] },
      'modules',
      'words of its own',
    ],
  ])('%s is refused, with the reason', async (_name, to, content, field, words) => {
    const { status, errors } = await preview([to], content);
    expect(status).toBe(400);
    expect(errors).toMatchObject([
      { code: 20422, context: `$.content.${field}`, message: expect.stringContaining(words) },
    ]);
  });

  it('is reported once for all, whatever their number', async () => {
    const { errors } = await preview(
      Array.from({ length: 2_000 }, () => phone),
      { media: media('a.png') },
    );
    expect(errors).toHaveLength(1);
  });

  it('is no matter of those who are not reached that way', async () => {
    expect((await preview([whatsapp], { text: 'Hi', media: media('a.png') })).status).toBe(200);
    const { status } = await preview([whatsapp], { text: 'x'.repeat(1_600) });
    expect(status).toBe(200);
  });

  it('counts for a way that is tried second, too', async () => {
    const both = { addresses: [whatsapp, phone] };
    const { errors } = await preview([both], { text: 'Hi', media: media('a.png') });
    expect(errors).toMatchObject([
      { message: expect.stringContaining('As SMS over the carrier smsc') },
    ]);
  });

  it('is reported for each recipient where their variables decide', async () => {
    const to = ['png', 'mp3', 'pdf'].map((kind) => ({ ...whatsapp, variables: { kind } }));
    const { errors } = await preview(to, { text: 'Hi', media: media('a.{{ kind }}') });
    expect(errors).toMatchObject([
      { code: 20024, context: '$.to[1]', message: expect.stringContaining('audio') },
    ]);
    const long = [1_000, 1_025].map((length) => ({
      ...whatsapp,
      variables: { words: 'x'.repeat(length) },
    }));
    const second = await preview(long, { text: '{{ words }}', media: media('a.png') });
    expect(second.errors).toMatchObject([{ context: '$.to[1]' }]);
  });
});
