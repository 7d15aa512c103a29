import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../src/domain/errors.ts';
import {
  ALL_ROLES,
  launchFanfare,
  special,
  text,
  until,
  type Answer,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';

let fanfare: Fanfare;
let document: Json;
/** The document as a schema, compiled once for all answers. */
let described: Ajv2020;
beforeAll(async () => {
  fanfare = await launchFanfare({
    config: { roles: ALL_ROLES, events: { allowTargets: ['127.0.0.1'] } },
  });
  document = (await fanfare.get('/openapi.json')).body;
  described = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  described.addSchema(closed(document) as Json, 'api');
});
afterAll(async () => {
  await fanfare.stop();
});

const ROUTES = [
  'DELETE /v1/ApiKeys/{apiKeySid}',
  'DELETE /v1/Content/{contentId}',
  'DELETE /v1/Emails/Operations/{operationId}',
  'DELETE /v1/Emails/{emailId}',
  'DELETE /v1/Messages/Operations/{operationId}',
  'DELETE /v1/Messages/{messageId}',
  'DELETE /v1/SenderPools/{senderPoolId}',
  'DELETE /v1/SenderPools/{senderPoolId}/Senders/{senderId}',
  'DELETE /v1/Senders/{senderId}',
  'DELETE /v1/Subscriptions/{subscriptionId}',
  'DELETE /v1/Suppressions/{suppressionId}',
  'GET /v1/ApiKeys',
  'GET /v1/Carriers',
  'GET /v1/Content',
  'GET /v1/Content/{contentId}',
  'GET /v1/Emails',
  'GET /v1/Emails/Operations',
  'GET /v1/Emails/Operations/{operationId}',
  'GET /v1/Emails/Operations/{operationId}/Errors',
  'GET /v1/Emails/Operations/{operationId}/Export',
  'GET /v1/Emails/Operations/{operationId}/Report',
  'GET /v1/Emails/Operations/{operationId}/Stream',
  'GET /v1/Emails/{emailId}',
  'GET /v1/Emails/{emailId}/Receipts',
  'GET /v1/Messages',
  'GET /v1/Messages/Operations',
  'GET /v1/Messages/Operations/{operationId}',
  'GET /v1/Messages/Operations/{operationId}/Errors',
  'GET /v1/Messages/Operations/{operationId}/Export',
  'GET /v1/Messages/Operations/{operationId}/Report',
  'GET /v1/Messages/Operations/{operationId}/Request',
  'GET /v1/Messages/Operations/{operationId}/Stream',
  'GET /v1/Messages/Seek/{identifier}',
  'GET /v1/Messages/{messageId}',
  'GET /v1/Messages/{messageId}/Receipts',
  'GET /v1/SenderPools',
  'GET /v1/SenderPools/Operations',
  'GET /v1/SenderPools/Operations/{operationId}',
  'GET /v1/SenderPools/{senderPoolId}',
  'GET /v1/SenderPools/{senderPoolId}/Senders',
  'GET /v1/Senders',
  'GET /v1/Senders/{senderId}',
  'GET /v1/Stream',
  'GET /v1/Subscriptions',
  'GET /v1/Subscriptions/{subscriptionId}',
  'GET /v1/Subscriptions/{subscriptionId}/Attempts',
  'GET /v1/Subscriptions/{subscriptionId}/Deliveries',
  'GET /v1/Suppressions',
  'GET /v1/Suppressions/Export',
  'GET /v1/System',
  'PATCH /v1/SenderPools/{senderPoolId}',
  'PATCH /v1/Senders/{senderId}',
  'PATCH /v1/Subscriptions/{subscriptionId}',
  'POST /v1/ApiKeys',
  'POST /v1/Content',
  'POST /v1/Emails',
  'POST /v1/Emails/Operations/{operationId}/Cancel',
  'POST /v1/Emails/Operations/{operationId}/Pause',
  'POST /v1/Emails/Operations/{operationId}/Resume',
  'POST /v1/Emails/Search',
  'POST /v1/Emails/{emailId}/Cancel',
  'POST /v1/Messages',
  'POST /v1/Messages/Operations/{operationId}/Cancel',
  'POST /v1/Messages/Operations/{operationId}/Pause',
  'POST /v1/Messages/Operations/{operationId}/Resume',
  'POST /v1/Messages/Search',
  'POST /v1/Messages/{messageId}/Cancel',
  'POST /v1/SenderPools',
  'POST /v1/SenderPools/{senderPoolId}/Senders',
  'POST /v1/Senders',
  'POST /v1/Senders/Resolve',
  'POST /v1/Senders/Search',
  'POST /v1/Subscriptions',
  'POST /v1/Subscriptions/{subscriptionId}/Replay',
  'POST /v1/Subscriptions/{subscriptionId}/RotateSecret',
  'POST /v1/Subscriptions/{subscriptionId}/Test',
  'POST /v1/Suppressions',
  'POST /v1/Suppressions/Import',
  'POST /v1/Suppressions/Search',
  'POST /v2/token',
];

/** A copy whose schemas allow documented fields only. Requests do so anyway. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  return Object.keys(Object(copy['properties'])).length > 0 && copy['type'] === 'object'
    ? { additionalProperties: false, ...copy }
    : copy;
}

/** Headers of HTTP and its connections, which no API declares. */
const OF_HTTP =
  /^(connection|content-\w+|date|keep-alive|transfer-encoding|vary|cache-control|pragma)$/;

/** Expects each header of an answer to be declared, and as it is declared. */
function expectDeclared(
  route: string,
  answer: Pick<Answer, 'status' | 'headers'>,
  declared: Json = {},
): void {
  for (const [name, value] of answer.headers) {
    if (OF_HTTP.test(name)) continue;
    expect(Object.keys(declared), `${route} ${answer.status}`).toContain(name);
    if (declared[name].schema.type === 'integer') expect(value).toMatch(/^\d+$/);
  }
}

/** Asks, and expects the answer to be as the document says. */
async function askDescribed(
  api: Ajv2020,
  { request }: Fanfare,
  route: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Answer> {
  const [method = '', template = ''] = route.split(' ');
  const answer = await request(method, path, body, headers);
  expectDeclared(
    route,
    answer,
    document['paths'][template][method.toLowerCase()].responses[answer.status]?.headers,
  );
  if (answer.status === 204) {
    const { responses } = document['paths'][template][method.toLowerCase()];
    expect(responses).toHaveProperty('204');
    return answer;
  }
  const pointer = `/paths/${template.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${answer.status}/content/application~1json/schema`;
  const validate = api.getSchema(`api#${encodeURI(pointer)}`);
  expect(validate, `${route} ${answer.status}`).toBeDefined();
  validate?.(answer.body);
  expect(validate?.errors ?? [], `${route} ${answer.status}`).toEqual([]);
  return answer;
}

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
    const ask = (route: string, path: string, body?: unknown, headers?: Record<string, string>) =>
      askDescribed(described, fanfare, route, path, body, headers);
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
    for (const word of ['Pause', 'Resume'])
      await ask(
        `POST /v1/Messages/Operations/{operationId}/${word}`,
        `/v1/Messages/Operations/${id}/${word}`,
      );
    await ask('GET /v1/Messages/Operations/{operationId}', '/v1/Messages/Operations/none');
    const list = await ask('GET /v1/Messages', `/v1/Messages?operationId=${id}`);
    await ask('POST /v1/Messages/Search', '/v1/Messages/Search', {});
    expect(list.body['messages']).toHaveLength(2);
    for (const { id: messageId } of list.body['messages']) {
      await ask('GET /v1/Messages/{messageId}', `/v1/Messages/${messageId}`);
      await ask('GET /v1/Messages/{messageId}/Receipts', `/v1/Messages/${messageId}/Receipts`);
      await ask('POST /v1/Messages/{messageId}/Cancel', `/v1/Messages/${messageId}/Cancel`);
      await ask('DELETE /v1/Messages/{messageId}', `/v1/Messages/${messageId}`);
      const erased = await ask('GET /v1/Messages/{messageId}', `/v1/Messages/${messageId}`);
      expect(erased.body).toMatchObject({ deletedAt: expect.any(String), attempts: [] });
      await ask('GET /v1/Messages/{messageId}/Receipts', `/v1/Messages/${messageId}/Receipts`);
      await ask('POST /v1/Messages/{messageId}/Cancel', `/v1/Messages/${messageId}/Cancel`);
    }
    await ask('DELETE /v1/Messages/Operations/{operationId}', `/v1/Messages/Operations/${id}`);
  });

  it('describes e-mails as they are', async () => {
    const ask = (route: string, path: string, body?: unknown) =>
      askDescribed(described, fanfare, route, path, body);
    const request = {
      from: { address: 'fanfare@example.com', name: 'F' },
      to: [
        { address: 'opened@example.org', name: 'O', variables: { a: 'b' } },
        { address: 'bounced@example.org' },
      ],
      content: {
        subject: 'Hi',
        html: '<p>{{ a | default: "c" }}</p>',
        headers: { 'X-A': 'b' },
        attachments: [{ filename: 'a', contentType: 'text/plain', content: 'AA==' }],
      },
    };
    await ask('POST /v1/Emails', '/v1/Emails', { ...request, dryRun: true });
    await ask('POST /v1/Emails', '/v1/Emails', { ...request, to: [] });
    const { body } = await ask('POST /v1/Emails', '/v1/Emails', request);
    const path = `/v1/Emails/Operations/${body['operationId']}`;
    await until(async () => {
      const { stats } = (await fanfare.get(path)).body;
      return stats.opened === 1 && stats.undelivered === 1;
    });
    await ask('GET /v1/Emails/Operations', '/v1/Emails/Operations');
    await ask('GET /v1/Emails/Operations/{operationId}', path);
    await ask('GET /v1/Emails/Operations/{operationId}/Errors', `${path}/Errors`);
    for (const word of ['Pause', 'Resume', 'Cancel'])
      await ask(`POST /v1/Emails/Operations/{operationId}/${word}`, `${path}/${word}`);
    const list = await ask('GET /v1/Emails', `/v1/Emails?operationId=${body['operationId']}`);
    await ask('POST /v1/Emails/Search', '/v1/Emails/Search', { address: 'opened@example.org' });
    expect(list.body['emails']).toHaveLength(2);
    for (const { id } of list.body['emails']) {
      await ask('GET /v1/Emails/{emailId}', `/v1/Emails/${id}`);
      await ask('GET /v1/Emails/{emailId}/Receipts', `/v1/Emails/${id}/Receipts`);
      await ask('POST /v1/Emails/{emailId}/Cancel', `/v1/Emails/${id}/Cancel`);
      await ask('DELETE /v1/Emails/{emailId}', `/v1/Emails/${id}`);
      const erased = await ask('GET /v1/Emails/{emailId}', `/v1/Emails/${id}`);
      expect(erased.body).toMatchObject({ deletedAt: expect.any(String), attempts: [] });
      await ask('GET /v1/Emails/{emailId}/Receipts', `/v1/Emails/${id}/Receipts`);
    }
    await ask('DELETE /v1/Emails/Operations/{operationId}', path);
  });

  it('describes rich contents and templates as they are', async () => {
    const ask = (route: string, path: string, body?: unknown) =>
      askDescribed(described, fanfare, route, path, body);
    const card = { title: 'New', media: ['https://example.com/{{1}}.png'] };
    const one = {
      body: 'New',
      media: 'https://example.com/{{1}}.png',
      actions: [{ type: 'URL', title: 'See', url: 'https://example.com/{{1}}' }],
    };
    const carousel = { body: 'News', cards: [one, { title: 'Two', ...one }] };
    const stored = await ask('POST /v1/Content', '/v1/Content', {
      friendlyName: 'News',
      language: 'en',
      variables: { 1: 'a' },
      types: {
        'twilio/text': { body: 'Hi {{1}}' },
        'twilio/card': card,
        'twilio/carousel': carousel,
      },
    });
    const contentId = stored.body['id'];
    await ask('POST /v1/Content', '/v1/Content', { types: {} });
    await ask('GET /v1/Content', '/v1/Content');
    await ask('GET /v1/Content', '/v1/Content?pageToken=x');
    await ask('GET /v1/Content/{contentId}', `/v1/Content/${contentId}`);
    const modules = [
      { rcs: { text: 'Yes?', suggestions: [{ reply: { text: 'Yes', postbackData: 'y' } }] } },
      { sms: { text: 'Yes?', media: [{ url: 'https://example.com/a.png' }] } },
    ];
    for (const content of [{ modules }, { contentId }]) {
      const request = { to: [special(6)], content };
      await ask('POST /v1/Messages', '/v1/Messages', { ...request, dryRun: true });
      const { body } = await ask('POST /v1/Messages', '/v1/Messages', request);
      const list = await fanfare.get(`/v1/Messages?operationId=${body['operationId']}`);
      await ask('GET /v1/Messages/{messageId}', `/v1/Messages/${list.body['messages'][0].id}`);
    }
    expect((await fanfare.request('DELETE', `/v1/Content/${contentId}`)).status).toBe(204);
    await ask('DELETE /v1/Content/{contentId}', `/v1/Content/${contentId}`);
    await ask('GET /v1/Content/{contentId}', `/v1/Content/${contentId}`);
  });

  it('describes senders and pools as they are', async () => {
    const ask = (route: string, path: string, body?: unknown) =>
      askDescribed(described, fanfare, route, path, body);
    const sender = await ask('POST /v1/Senders', '/v1/Senders', {
      address: '+15005550777',
      channel: 'SMS',
      tags: { a: 'b' },
    });
    const { id } = sender.body;
    await ask('POST /v1/Senders', '/v1/Senders', { address: '+15005550777', channel: 'SMS' });
    await ask('GET /v1/Senders', '/v1/Senders');
    await ask('GET /v1/Senders/{senderId}', `/v1/Senders/${id}`);
    await ask('PATCH /v1/Senders/{senderId}', `/v1/Senders/${id}`, { displayName: 'Seven' });
    await ask('POST /v1/Senders/Search', '/v1/Senders/Search', {
      address: '+15005550777',
      channel: 'SMS',
    });
    await ask('POST /v1/Senders/Resolve', '/v1/Senders/Resolve', {
      recipientAddresses: [special(1)],
    });
    const pool = await ask('POST /v1/SenderPools', '/v1/SenderPools', {
      name: 'p',
      senders: [{ senderId: id }],
    });
    await ask('GET /v1/SenderPools/Operations', '/v1/SenderPools/Operations');
    await ask(
      'GET /v1/SenderPools/Operations/{operationId}',
      `/v1/SenderPools/Operations/${pool.body['operationId']}`,
    );
    const list = await ask(
      'GET /v1/SenderPools',
      `/v1/SenderPools?operationId=${pool.body['operationId']}`,
    );
    const poolId = list.body['senderPools'][0].id;
    await ask('GET /v1/SenderPools/{senderPoolId}', `/v1/SenderPools/${poolId}`);
    await ask('PATCH /v1/SenderPools/{senderPoolId}', `/v1/SenderPools/${poolId}`, { tags: {} });
    await ask('GET /v1/SenderPools/{senderPoolId}/Senders', `/v1/SenderPools/${poolId}/Senders`);
    await ask('POST /v1/SenderPools/{senderPoolId}/Senders', `/v1/SenderPools/${poolId}/Senders`, [
      { senderId: id },
    ]);
    await ask(
      'DELETE /v1/SenderPools/{senderPoolId}/Senders/{senderId}',
      `/v1/SenderPools/${poolId}/Senders/${id}`,
    );
    await ask('DELETE /v1/SenderPools/{senderPoolId}', `/v1/SenderPools/${poolId}`);
    await ask('DELETE /v1/SenderPools/{senderPoolId}', `/v1/SenderPools/${poolId}`);
  });

  it('describes subscriptions and their deliveries as they are', async () => {
    const ask = (route: string, path: string, body?: unknown) =>
      askDescribed(described, fanfare, route, path, body);
    const one = '/v1/Subscriptions/{subscriptionId}';
    const made = await ask('POST /v1/Subscriptions', '/v1/Subscriptions', {
      url: 'https://127.0.0.1:1/hook',
      tags: { a: 'b' },
    });
    const path = `/v1/Subscriptions/${made.body['id']}`;
    await ask('POST /v1/Subscriptions', '/v1/Subscriptions', { types: ['x'] });
    await ask('GET /v1/Subscriptions', '/v1/Subscriptions');
    await ask(`GET ${one}`, path);
    await ask(`PATCH ${one}`, path, { description: 'x', authToken: 'y' });
    await ask(`PATCH ${one}`, path, {});
    await ask(`POST ${one}/RotateSecret`, `${path}/RotateSecret`);
    await ask(`POST ${one}/RotateSecret`, `${path}/RotateSecret`, { overlapSeconds: -1 });
    await ask(`POST ${one}/Test`, `${path}/Test`);
    await fanfare.send({ to: [special(50)], content: text('Hi'), tags: { a: 'b' } });
    await until(async () => {
      const { body } = await ask(`GET ${one}/Deliveries`, `${path}/Deliveries?status=PENDING`);
      return body['deliveries'].some((each: Json) => each['tries'] > 0);
    });
    const { body } = await ask(`GET ${one}/Attempts`, `${path}/Attempts?delivered=false`);
    expect(body['attempts'].length).toBeGreaterThan(0);
    await ask(`GET ${one}/Attempts`, `${path}/Attempts?delivered=x`);
    await ask(`POST ${one}/Replay`, `${path}/Replay`, { endDate: '2099-01-01T00:00:00Z' });
    await ask(`POST ${one}/Replay`, `${path}/Replay`, {});
    await ask(`GET ${one}`, path);
    await ask(`DELETE ${one}`, path);
    await ask(`DELETE ${one}`, path);
    await ask(`GET ${one}/Deliveries`, `${path}/Deliveries`);
  });

  it('describes reports, keys and the system as they are', async () => {
    const ask = (route: string, path: string, body?: unknown) =>
      askDescribed(described, fanfare, route, path, body);
    const { body } = await ask('POST /v1/Messages', '/v1/Messages', {
      to: [special(1), special(2), special(50)],
      content: text('Hi'),
      tags: { a: 'b' },
    });
    const path = `/v1/Messages/Operations/${body['operationId']}`;
    await fanfare.watch(body['operationId'], ({ status }) => status === 'COMPLETED');
    const one = '/v1/Messages/Operations/{operationId}';
    await ask(`GET ${one}/Report`, `${path}/Report`);
    await ask(`GET ${one}/Request`, `${path}/Request`);
    await ask(`GET ${one}/Request`, `${path}/Request?statuses=x`);
    await ask(`GET ${one}/Report`, '/v1/Messages/Operations/none/Report');
    const list = '/v1/Messages/Operations';
    await ask(`GET ${list}`, `${list}?details=true&tags=a:b`);
    const made = await ask('POST /v1/ApiKeys', '/v1/ApiKeys', { name: 'x' });
    await ask('GET /v1/ApiKeys', '/v1/ApiKeys');
    await ask('DELETE /v1/ApiKeys/{apiKeySid}', `/v1/ApiKeys/${made.body['sid']}`);
    await ask('DELETE /v1/ApiKeys/{apiKeySid}', '/v1/ApiKeys/none');
    await ask('GET /v1/Carriers', '/v1/Carriers');
    await ask('GET /v1/System', '/v1/System');
  });

  it('has an example of every body and every answer, which fits', () => {
    const missing: string[] = [];
    const check = (path: string, media: Json) => {
      const examples = Object.entries((media['examples'] ?? {}) as Json);
      if (examples.length === 0) missing.push(path);
      const { $ref = `#${encodeURI(path)}/schema` } = media['schema'];
      const validate = described.getSchema(`api${$ref}`);
      for (const [name, each] of examples) {
        const named =
          String(each.$ref ?? '')
            .split('/')
            .at(-1) ?? '';
        const { value } = named === '' ? each : document['components'].examples[named];
        validate?.(value);
        expect(validate?.errors ?? [], `${path} ${name}`).toEqual([]);
      }
    };
    for (const [path, methods] of Object.entries(document['paths']))
      for (const [method, { requestBody, responses }] of Object.entries(methods as Json)) {
        const pointer = `/paths/${path.replaceAll('/', '~1')}/${method}`;
        for (const [type, media] of Object.entries((requestBody?.content ?? {}) as Json))
          check(`${pointer}/requestBody/content/${type.replace('/', '~1')}`, media);
        for (const [status, { content = {} }] of Object.entries(responses as Json))
          for (const [type, media] of Object.entries(content as Json))
            check(`${pointer}/responses/${status}/content/${type.replace('/', '~1')}`, media);
      }
    expect(missing).toEqual([]);
  });

  it('has examples of bodies that the server accepts', async () => {
    const own = fanfare;
    const sender = await own.request('POST', '/v1/Senders', {
      address: '+15005550198',
      channel: 'SMS',
    });
    await own.request('POST', '/v1/Senders', { address: 'shop@example.com', channel: 'EMAIL' });
    const content = await own.request('POST', '/v1/Content', {
      types: { 'twilio/text': { body: 'Hi' } },
    });
    const hook = await own.request('POST', '/v1/Subscriptions', { url: 'https://127.0.0.1:1/x' });
    const pool = await own.request('POST', '/v1/SenderPools', { name: 'Pool' });
    const { body } = await own.get(`/v1/SenderPools?operationId=${pool.body['operationId']}`);
    const ids: Json = {
      senderId: sender.body['id'],
      subscriptionId: hook.body['id'],
      senderPoolId: body['senderPools'][0].id,
    };
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const sent: string[] = [];
    for (const [template, methods] of Object.entries(document['paths']))
      for (const [method, { requestBody, operationId }] of Object.entries(methods as Json)) {
        const examples = (requestBody?.content['application/json']?.examples ?? {}) as Json;
        for (const [name, { value }] of Object.entries(examples)) {
          const path = template.replaceAll(/\{(\w+)\}/g, (_, each: string) => ids[each]);
          const json = JSON.stringify(value)
            .replaceAll(/comms_sender_\w+/g, ids['senderId'])
            .replaceAll(/HX[0-9a-f]{32}/g, content.body['id'])
            .replaceAll('2026-12-24', tomorrow)
            .replaceAll('https://shop.example.com', 'https://127.0.0.1:1');
          const route = `${method.toUpperCase()} ${template}`;
          const answer = await askDescribed(described, own, route, path, JSON.parse(json));
          expect([operationId, name, answer.status, answer.body]).toEqual([
            operationId,
            name,
            name === 'dryRun' ? 200 : expect.toSatisfy((status: number) => status < 300),
            expect.anything(),
          ]);
          sent.push(operationId);
        }
      }
    expect(new Set(sent).size).toBe(
      Object.values(document['paths']).flatMap((methods) =>
        Object.values(methods as Json).filter(
          (each) => each.requestBody?.content['application/json'],
        ),
      ).length,
    );
  });

  it('can be read by programs that generate clients', () => {
    const { schemas } = document['components'];
    expect(schemas.MessageSummary.properties.deletedAt.type).toEqual(['string', 'null']);
    for (const path of ['Messages', 'Emails']) {
      const { responses } = document['paths'][`/v1/${path}`].post;
      const schemaOf = (status: number) => responses[status].content['application/json'].schema;
      expect(schemaOf(200)).toEqual(schemaOf(202));
    }
    // Go makes a constructor of this name for each schema, and one namespace of all constants.
    for (const name of Object.keys(schemas)) expect(schemas).not.toHaveProperty(`New${name}`);
    const constants = Object.values(schemas as Json).flatMap(
      (each) => each['x-enum-varnames'] ?? [],
    );
    expect(new Set(constants).size).toBe(constants.length);
    const find = (value: unknown, test: (each: Json) => boolean): Json[] => {
      if (typeof value !== 'object' || value === null) return [];
      const inner = Object.values(value).flatMap((each) => find(each, test));
      return test(value as Json) ? [value as Json, ...inner] : inner;
    };
    const isNamed = (each: Json) => Object.values(schemas).includes(each);
    const paths = [document['paths'], schemas];
    expect(find(paths, (each) => 'const' in each || 'if' in each || 'not' in each)).toEqual([]);
    expect(find(paths, (each) => Array.isArray(each['enum']) && !isNamed(each))).toEqual([]);
  });

  it('describes the token endpoint as it is', async () => {
    const { post } = document['paths']['/v2/token'];
    const form = post.requestBody.content['application/x-www-form-urlencoded'];
    const key = (await fanfare.request('POST', '/v1/ApiKeys', { scopes: ['send', 'read'] })).body;
    const parameters = { ...form.examples.form.value, client_id: key['sid'] };
    for (const [secret, status] of [
      [key['secret'], 200],
      ['wrong', 401],
      ['', 401],
      ['x'.repeat(5_000), 413],
    ] as const) {
      const answer = await fetch(`${fanfare.url}/v2/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...parameters, client_secret: secret }),
      });
      expect(answer.status).toBe(status);
      expectDeclared('/v2/token', answer, post.responses[status].headers);
      const { $ref } = post.responses[status].content['application/json'].schema;
      const validate = described.getSchema(`api${$ref}`);
      validate?.(await answer.json());
      expect(validate?.errors ?? []).toEqual([]);
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
