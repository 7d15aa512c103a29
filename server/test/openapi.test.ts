import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../src/domain/errors.ts';
import { launchFanfare, special, text, type Fanfare, type Json } from './support/fanfare.ts';

let fanfare: Fanfare;
let document: Json;
beforeAll(async () => {
  fanfare = await launchFanfare();
  document = (await fanfare.get('/openapi.json')).body;
});
afterAll(async () => {
  await fanfare.stop();
});

const ROUTES = [
  'GET /v1/Messages',
  'GET /v1/Messages/Operations',
  'GET /v1/Messages/Operations/{operationId}',
  'GET /v1/Messages/Operations/{operationId}/Errors',
  'GET /v1/Messages/Seek/{identifier}',
  'GET /v1/Messages/{messageId}',
  'GET /v1/Messages/{messageId}/Receipts',
  'POST /v1/Messages',
  'POST /v1/Messages/Operations/{operationId}/Cancel',
  'POST /v1/Messages/Search',
  'POST /v1/Messages/{messageId}/Cancel',
];

describe('/openapi.json', () => {
  it('has every route, with the statuses that all may have', () => {
    const listed = Object.entries(document['paths']).flatMap(([path, methods]) =>
      Object.keys(methods as Json).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(ROUTES);
    for (const methods of Object.values(document['paths']) as Json[])
      for (const operation of Object.values(methods) as Json[])
        expect(Object.keys(operation['responses'])).toEqual(
          expect.arrayContaining(['401', '429', '500', '503']),
        );
    expect(JSON.stringify(document)).not.toContain('def-');
  });

  it('describes every answer as it is', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema(document, 'api');
    const expectDescribed = (route: string, status: number, body: unknown) => {
      const [method = '', path = ''] = route.split(' ');
      const pointer = `/paths/${path.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`;
      const validate = ajv.getSchema(`api#${encodeURI(pointer)}`);
      expect(validate, `${route} ${status}`).toBeDefined();
      validate?.(body);
      expect(validate?.errors ?? [], `${route} ${status}`).toEqual([]);
    };
    const ask = async (
      route: string,
      path: string,
      body?: unknown,
      headers?: Record<string, string>,
    ) => {
      const answer = await fanfare.request(route.split(' ')[0] ?? '', path, body, headers);
      expectDescribed(route, answer.status, answer.body);
      return answer;
    };
    const request = {
      to: [special(2), special(100), { address: '+15005550101', channel: 'WHATSAPP' }],
      content: text('Hi'),
      tags: { a: 'b' },
      from: { channel: 'SMS', address: '+15005550100' },
    };
    const { body } = await ask('POST /v1/Messages', '/v1/Messages', request);
    const id = body['operationId'];
    await ask('POST /v1/Messages', '/v1/Messages', { ...request, dryRun: true });
    await ask('POST /v1/Messages', '/v1/Messages', { ...request, to: [] });
    await ask('POST /v1/Messages', '/v1/Messages', 'x', { 'content-type': 'text/plain' });
    await ask('POST /v1/Messages', '/v1/Messages', request, { authorization: 'Basic eDp5' });
    await fanfare.watch(id, ({ stats }) => stats.undelivered === 1 && stats.delivered === 1);
    await ask('GET /v1/Messages/Operations', '/v1/Messages/Operations');
    await ask('GET /v1/Messages/Operations/{operationId}', `/v1/Messages/Operations/${id}`);
    await ask(
      'GET /v1/Messages/Operations/{operationId}/Errors',
      `/v1/Messages/Operations/${id}/Errors`,
    );
    await ask(
      'POST /v1/Messages/Operations/{operationId}/Cancel',
      `/v1/Messages/Operations/${id}/Cancel`,
    );
    await ask('GET /v1/Messages/Operations/{operationId}', '/v1/Messages/Operations/none');
    const list = await ask('GET /v1/Messages', `/v1/Messages?operationId=${id}`);
    await ask('POST /v1/Messages/Search', '/v1/Messages/Search', {});
    for (const { id: messageId } of list.body['messages']) {
      await ask('GET /v1/Messages/{messageId}', `/v1/Messages/${messageId}`);
      await ask('GET /v1/Messages/{messageId}/Receipts', `/v1/Messages/${messageId}/Receipts`);
      await ask('POST /v1/Messages/{messageId}/Cancel', `/v1/Messages/${messageId}/Cancel`);
    }
  });

  it('shows pages to read, for the API and for every error code', async () => {
    const page = await fetch(`${fanfare.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    const errors = await (await fetch(`${fanfare.url}/docs/errors`)).text();
    for (const { code } of Object.values(ERRORS)) expect(errors).toContain(`id="${code}"`);
    expect(new Set(Object.values(ERRORS).map((each) => each.code)).size).toBe(
      Object.keys(ERRORS).length,
    );
  });
});
