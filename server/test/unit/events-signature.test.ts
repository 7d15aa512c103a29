/** Signatures of deliveries, verified by those who did not make them. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signClassic, signStandard } from '../../src/events/signature.ts';
import { newWebhookSecret } from '../../src/lib/secrets.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('the signature of Standard Webhooks', () => {
  const [newer, older] = [newWebhookSecret(), newWebhookSecret()];
  const body = '[{"id":"1","data":{"text":"Grüße 👋"}}]';

  it('is good for the reference library, with each of two secrets', () => {
    const headers = { ...signStandard([newer, older], 'evb_1', new Date(), bytes(body)) };
    expect(new Webhook(newer).verify(body, headers)).toEqual(JSON.parse(body));
    expect(new Webhook(older).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(newWebhookSecret()).verify(body, headers)).toThrow('No matching');
    expect(() => new Webhook(newer).verify(`${body} `, headers)).toThrow('No matching');
    const renamed = { ...headers, 'webhook-id': 'evb_2' };
    expect(() => new Webhook(newer).verify(body, renamed)).toThrow('No matching');
    const old = { ...signStandard([newer], 'evb_1', new Date(Date.now() - 600_000), bytes(body)) };
    expect(() => new Webhook(newer).verify(body, old)).toThrow('too old');
  });

  it('equals the signature of the reference library, newest secret first', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
        fc.array(fc.uint8Array({ minLength: 24, maxLength: 64 }), { minLength: 1, maxLength: 3 }),
        (text, at, keys) => {
          const secrets = keys.map((key) => `whsec_${Buffer.from(key).toString('base64')}`);
          const headers = signStandard(secrets, 'evb_1', at, bytes(text));
          expect(headers['webhook-timestamp']).toBe(String(Math.floor(at.getTime() / 1000)));
          expect(headers['webhook-signature'].split(' ')).toEqual(
            secrets.map((secret) => new Webhook(secret).sign('evb_1', at, bytes(text))),
          );
        },
      ),
      // The library hashes in plain JavaScript.
      { numRuns: 20 },
    );
  });

  it('is not made with an invalid secret, and the error does not repeat it', () => {
    const sign = (...secrets: string[]) => signStandard(secrets, 'evb_1', new Date(), bytes(body));
    expect(() => sign()).toThrow('no secret');
    for (const wrong of ['', 'whsec_', 'AAAA', 'whsec_A', 'whsec_A*AA', 'whsec_AAA', 'sec_AAAA'])
      expect(() => sign(newer, wrong)).toThrow(/^A secret is not "whsec_" and base64\.$/);
  });
});

/**
 * A receiver, from the description of the hosted API: take the URL that was called, with its query; its `bodySHA256` must
 * be the hex SHA-256 of the body; HMAC-SHA1 over the URL with the auth token must be the header. A standard port may or
 * may not have been signed.
 */
function verifyClassic(authToken: string, given: string, called: string, body: Buffer): boolean {
  const query = called.slice(called.indexOf('?') + 1).split('&');
  const hash = query.find((each) => each.startsWith('bodySHA256='))?.slice('bodySHA256='.length);
  if (hash !== createHash('sha256').update(body).digest('hex')) return false;
  const url = new URL(called);
  const port = url.protocol === 'https:' ? '443' : '80';
  const tries = [called, called.replace(/^(https?:\/\/[^/?]+)/, `$1:${port}`)];
  return tries.some(
    (each) => createHmac('sha1', authToken).update(each).digest('base64') === given,
  );
}

describe('the signature of the hosted API', () => {
  const body = '{"property": "value", "boolean": true}';
  const hash = '0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620';

  it('is the published one for the published request', () => {
    const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
    expect(signClassic(url, bytes(body), '12345')).toEqual({
      url: `${url}&bodySHA256=${hash}`,
      signature: 'a9nBmqA0ju/hNViExpshrM61xv4=',
    });
  });

  it.each([
    ['https://a.example/', '?'],
    ['https://a.example/p', '?'],
    ['https://a.example:8443/p', '?'],
    ['https://a.example/p?', ''],
    ['https://a.example/p??', '&'],
    ['https://a.example/p?a', '&'],
    ['https://a.example/p?a=b%20c+d&e=%27', '&'],
    ['https://a.example/p?a&', ''],
    ["http://a.example/it's", '?'],
  ])('goes to %s with %j before the hash', (url, joint) => {
    const signed = signClassic(url, bytes(body), 'token');
    expect(signed.url).toBe(`${url}${joint}bodySHA256=${hash}`);
    expect(verifyClassic('token', signed.signature, signed.url, bytes(body))).toBe(true);
  });

  it('is good for whatever URL, which is then called just so', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, validSchemes: ['http', 'https'] }),
        fc.string({ unit: 'binary' }),
        fc.string({ minLength: 1 }),
        (text, content, token) => {
          const url = new URL(text).href;
          const { url: called, signature } = signClassic(url, bytes(content), token);
          // A receiver that writes the URL anew has the same.
          expect(new URL(called).href).toBe(called);
          expect(called.startsWith(url)).toBe(true);
          expect(verifyClassic(token, signature, called, bytes(content))).toBe(true);
          expect(verifyClassic(`${token}x`, signature, called, bytes(content))).toBe(false);
          expect(verifyClassic(token, signature, called, bytes(`${content}x`))).toBe(false);
          const elsewhere = called.replace('://', '://x.');
          expect(verifyClassic(token, signature, elsewhere, bytes(content))).toBe(false);
        },
      ),
    );
  });
});
