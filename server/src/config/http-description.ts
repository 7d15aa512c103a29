/**
 * The schema of an HTTP provider's description and of the settings of presets; `carriers/http/description.ts` has the
 * types. The carrier itself checks templates and pointers.
 */
import { Type } from 'typebox';
import type { HttpDescription } from '../carriers/http/description.ts';
import type { ClassicSettings } from '../carriers/http/preset-classic.ts';
import type { CloudSettings } from '../carriers/http/preset-cloud.ts';
import type { RbmSettings } from '../carriers/http/preset-rbm.ts';
import { MEDIA_KINDS } from '../domain/media.ts';

const word = Type.String({ minLength: 1 });
const words = (values: readonly string[]) => ({ type: 'string', enum: values });
const shape = (required: object, optional: object = {}) => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
  additionalProperties: false,
});
const record = (values: object) => ({ type: 'object', additionalProperties: values });
const pointers = { type: ['string', 'array'], items: { type: 'string' } };
const flagged = { type: 'boolean' };
const whole = { type: 'integer' };

/** Distinguished by `kind`, so that problems refer to the intended form. */
function byKind(forms: Readonly<Record<string, readonly [object, object?]>>): object {
  const kinds = Object.keys(forms);
  return {
    type: 'object',
    properties: { kind: words(kinds) },
    required: ['kind'],
    allOf: Object.entries(forms).map(([kind, [required, optional]]) => ({
      if: { properties: { kind: { const: kind } } },
      // A word of JSON Schema; nobody awaits a schema.
      // oxlint-disable-next-line unicorn/no-thenable
      then: shape({ kind: words([kind]), ...required }, optional),
    })),
  };
}

const RULE = shape(
  { kind: words(['accepted', 'rejected', 'retry', 'throttled', 'unknown']) },
  { code: whole },
);
const AUTH = byKind({
  none: [{}],
  basic: [{ user: word, password: word }],
  bearer: [{ token: word }],
  header: [{ name: word, value: word }],
  'oauth-jwt': [{ clientEmail: word, privateKey: word, tokenUrl: word, scope: word }],
});
const VERIFY = byKind({
  none: [{}],
  secret: [{ in: words(['header', 'query']), name: word, value: word }],
  bearer: [{ token: word }],
  hmac: [
    {
      header: word,
      algorithm: words(['sha1', 'sha256', 'sha512']),
      encoding: words(['hex', 'base64']),
      secret: word,
    },
    { prefix: { type: 'string' } },
  ],
  classic: [{ authToken: word }],
});
const KEYWORD = shape({ at: pointers, words: record(words(['STOP', 'START', 'HELP'])) });
const RECEIPTS = shape(
  {
    verify: VERIFY,
    format: words(['json', 'form', 'query']),
    statuses: shape(
      {
        events: { type: 'string' },
        status: pointers,
        words: record(words(['DELIVERED', 'READ', 'UNDELIVERED'])),
      },
      { reference: pointers, providerId: pointers, errorCode: pointers, errorDetail: pointers },
    ),
  },
  {
    challenge: shape({
      kind: words(['query', 'json']),
      tokenName: word,
      token: word,
      echo: word,
    }),
    envelope: { type: 'string' },
    answer: shape(
      { status: whole },
      { headers: record({ type: 'string' }), body: { type: 'string' } },
    ),
    inbound: shape(
      {
        events: { type: 'string' },
        channel: words(['SMS', 'RCS', 'WHATSAPP']),
        from: pointers,
        to: pointers,
        text: pointers,
      },
      {
        when: pointers,
        prefixes: record(words(['SMS', 'RCS', 'WHATSAPP'])),
        numbers: words(['e164', 'digits']),
        service: pointers,
        id: pointers,
        keyword: KEYWORD,
        at: pointers,
      },
    ),
    preferences: shape(
      {
        events: { type: 'string' },
        channel: words(['SMS', 'RCS', 'WHATSAPP']),
        from: pointers,
        to: pointers,
        keyword: KEYWORD,
      },
      {
        prefixes: record(words(['SMS', 'RCS', 'WHATSAPP'])),
        numbers: words(['e164', 'digits']),
        id: pointers,
        at: pointers,
      },
    ),
  },
);

const CARRIAGE = shape(
  {},
  {
    textMax: { type: 'integer', minimum: 1, maximum: 65_536 },
    mediaMax: { type: 'integer', minimum: 0, maximum: 10 },
    captionMax: { type: 'integer', minimum: 0, maximum: 65_536 },
    captioned: { type: 'array', items: words([...MEDIA_KINDS]), uniqueItems: true },
  },
);

/** A description, `carriers.<name>.description`. */
export const HTTP_DESCRIPTION = Type.Unsafe<HttpDescription>({
  ...shape(
    {
      request: shape(
        { method: words(['POST', 'PUT', 'GET']), url: word, auth: AUTH },
        {
          headers: record({ type: 'string' }),
          body: shape({ kind: words(['json', 'form']), template: {} }),
          mediaMax: { type: 'integer', minimum: 0, maximum: 10 },
          carries: shape({}, { SMS: CARRIAGE, RCS: CARRIAGE, WHATSAPP: CARRIAGE }),
        },
      ),
      response: shape(
        {
          id: {
            type: 'object',
            properties: { pointer: { type: 'string' }, template: { type: 'string' } },
            additionalProperties: false,
            minProperties: 1,
            maxProperties: 1,
          },
        },
        {
          accepts: { type: 'array', items: whole },
          errorCode: pointers,
          errorDetail: pointers,
          phrases: record(RULE),
          statuses: record(RULE),
        },
      ),
    },
    { errors: record(RULE), sharesCodes: flagged, receipts: RECEIPTS },
  ),
  description: 'Description of the provider; see docs/carriers/http.md.',
});

const baseUrl = (value: string) => Type.String({ default: value, pattern: '^https?://[^/]+$' });
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }], default: null });

/** Settings of the presets, `carriers.<name>.settings`. */
export const HTTP_SETTINGS = {
  classic: Type.Unsafe<ClassicSettings>(
    shape(
      { accountSid: word, authToken: word },
      {
        baseUrl: baseUrl('https://api.twilio.com'),
        apiKey: orNull(shape({ sid: word, secret: word })),
      },
    ),
  ),
  cloud: Type.Unsafe<CloudSettings>(
    shape(
      { version: word, accessToken: word, appSecret: word, verifyToken: word },
      {
        baseUrl: baseUrl('https://graph.facebook.com'),
        phoneNumberId: orNull(word),
        template: orNull(shape({ name: word, language: word })),
      },
    ),
  ),
  rbm: Type.Unsafe<RbmSettings>(
    shape(
      {
        clientEmail: word,
        privateKey: word,
        webhook: byKind({ direct: [{ clientToken: word }], pubsub: [{ urlToken: word }] }),
      },
      {
        baseUrl: baseUrl('https://rcsbusinessmessaging.googleapis.com'),
        tokenUrl: Type.String({ default: 'https://oauth2.googleapis.com/token', minLength: 1 }),
      },
    ),
  ),
};
