/**
 * The requests of the hosted API's public samples (twilio-samples/api-snippets, folder `comms`, of 2026-07-06): method,
 * path, query and fields as there, texts and addresses our own. Each is sent over HTTP, and by the method of
 * `@fanfare/client` with its name. Placeholders for ids and page tokens are replaced by real ones.
 */
import { FanfareClient } from '@fanfare/client';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import samples from './data/sample-requests.json' with { type: 'json' };
import { until, useFanfare, type FanfareClient as Account, type Json } from './support/fanfare.ts';

interface Request {
  readonly method: string;
  readonly path: string;
  /** The ids in the path, in their order. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Json | undefined;
}

interface Sample {
  /** The method of the client. */
  call(client: FanfareClient, request: Request): PromiseLike<unknown>;
  /** The documented status. */
  readonly status: number;
  /** What the answer has at least. A list has to be empty: nothing was created at the date that the samples name. */
  readonly answer?: object;
  /** The path in `/openapi.json`. */
  readonly route: string;
}

const OPERATION = { operationId: expect.stringMatching(/^comms_operation_/) };
const RESOURCE = { resourceId: expect.stringMatching(/^comms_senderpool_/) };
const SENDER = { address: '+14155550102', channel: 'SMS', status: 'ACTIVATED' };

/** A query as programs give it to the client: dates as `Date`, numbers as numbers. */
function readQuery(query: URLSearchParams): never {
  return Object.fromEntries(
    [...query].map(([name, value]) => {
      if (name.endsWith('Date')) return [name, new Date(value)];
      return [name, name === 'pageSize' ? Number(value) : value];
    }),
  ) as never;
}

const SAMPLES: Record<string, Sample> = {
  'bulk-messaging/messages/fetch-message-operation': {
    call: (client, { ids: [id = ''] }) => client.messages.fetchOperation(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_operation_/), stats: { total: 1 } },
    route: '/v1/Messages/Operations/{operationId}',
  },
  'bulk-messaging/messages/fetch-message': {
    call: (client, { ids: [id = ''] }) => client.messages.fetch(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_message_/), content: { text: 'Hello!' } },
    route: '/v1/Messages/{messageId}',
  },
  'bulk-messaging/messages/list-message-operations': {
    call: (client, { query }) => client.messages.listOperations(readQuery(query)),
    status: 200,
    answer: { operations: [], pagination: { next: null } },
    route: '/v1/Messages/Operations',
  },
  'bulk-messaging/messages/list-messages': {
    call: (client, { query }) => client.messages.list(readQuery(query)),
    status: 200,
    answer: { messages: [], pagination: { next: null } },
    route: '/v1/Messages',
  },
  'bulk-messaging/messages/seek-message-by-identifier': {
    call: (client, { ids: [id = ''] }) => client.messages.seekByIdentifier(id),
    // After the redirect.
    status: 200,
    answer: { id: expect.stringMatching(/^comms_message_/), status: 'DELIVERED' },
    route: '/v1/Messages/{messageId}',
  },
  'bulk-messaging/messages/send-message': {
    call: (client, { body }) => client.messages.send(body as never),
    status: 202,
    answer: OPERATION,
    route: '/v1/Messages',
  },
  'bulk-messaging/sender-pools/add-sender-to-pool': {
    call: (client, { ids: [id = ''], body }) => client.senderPools.addSender(id, body as never),
    status: 202,
    answer: OPERATION,
    route: '/v1/SenderPools/{senderPoolId}/Senders',
  },
  'bulk-messaging/sender-pools/create-sender-pool': {
    call: (client, { body }) => client.senderPools.create(body as never),
    status: 202,
    answer: OPERATION,
    route: '/v1/SenderPools',
  },
  'bulk-messaging/sender-pools/delete-sender-pool': {
    call: (client, { ids: [id = ''] }) => client.senderPools.delete(id),
    status: 202,
    answer: RESOURCE,
    route: '/v1/SenderPools/{senderPoolId}',
  },
  'bulk-messaging/sender-pools/fetch-sender-pool-operation': {
    call: (client, { ids: [id = ''] }) => client.senderPools.fetchOperation(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_operation_/), status: 'COMPLETED' },
    route: '/v1/SenderPools/Operations/{operationId}',
  },
  'bulk-messaging/sender-pools/fetch-sender-pool': {
    call: (client, { ids: [id = ''] }) => client.senderPools.fetch(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_senderpool_/), tags: {} },
    route: '/v1/SenderPools/{senderPoolId}',
  },
  'bulk-messaging/sender-pools/list-sender-pool-operations': {
    call: (client, { query }) => client.senderPools.listOperations(readQuery(query)),
    status: 200,
    answer: { operations: [], pagination: { next: null } },
    route: '/v1/SenderPools/Operations',
  },
  'bulk-messaging/sender-pools/list-sender-pools': {
    call: (client, { query }) => client.senderPools.list(readQuery(query)),
    status: 200,
    answer: { senderPools: [], pagination: { next: null } },
    route: '/v1/SenderPools',
  },
  'bulk-messaging/sender-pools/list-senders': {
    call: (client, { ids: [id = ''], query }) =>
      client.senderPools.listSenders(id, readQuery(query)),
    status: 200,
    answer: { senders: [], pagination: { next: null } },
    route: '/v1/SenderPools/{senderPoolId}/Senders',
  },
  'bulk-messaging/sender-pools/remove-sender-from-pool': {
    call: (client, { ids: [id = '', sender = ''] }) => client.senderPools.removeSender(id, sender),
    status: 202,
    answer: { resourceId: expect.stringMatching(/^comms_sender/) },
    route: '/v1/SenderPools/{senderPoolId}/Senders/{senderId}',
  },
  'bulk-messaging/sender-pools/update-sender-pool': {
    call: (client, { ids: [id = ''], body }) => client.senderPools.update(id, body as never),
    status: 202,
    answer: RESOURCE,
    route: '/v1/SenderPools/{senderPoolId}',
  },
  'bulk-messaging/senders/fetch-sender': {
    call: (client, { ids: [id = ''] }) => client.senders.fetch(id),
    status: 200,
    answer: SENDER,
    route: '/v1/Senders/{senderId}',
  },
  'bulk-messaging/senders/list-senders': {
    call: (client, { query }) => client.senders.list(readQuery(query)),
    status: 200,
    answer: { senders: [], pagination: { next: null } },
    route: '/v1/Senders',
  },
  'bulk-messaging/senders/resolve-sender': {
    call: (client, { body }) => client.senders.resolve(body as never),
    status: 200,
    answer: {
      results: expect.arrayContaining(
        ['PHONE', 'WHATSAPP', 'EMAIL'].map((channel) =>
          expect.objectContaining({ to: expect.objectContaining({ channel }) }),
        ),
      ),
    },
    route: '/v1/Senders/Resolve',
  },
  'bulk-messaging/senders/search-senders': {
    call: (client, { body }) => client.senders.search(body as never),
    status: 200,
    answer: { senders: [SENDER], pagination: { next: null } },
    route: '/v1/Senders/Search',
  },
  'email/delete-email': {
    call: (client, { ids: [id = ''] }) => client.emails.delete(id),
    status: 204,
    route: '/v1/Emails/{emailId}',
  },
  'email/fetch-email-operation': {
    call: (client, { ids: [id = ''] }) => client.emails.fetchOperation(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_operation_/), stats: { total: 1 } },
    route: '/v1/Emails/Operations/{operationId}',
  },
  'email/fetch-email': {
    call: (client, { ids: [id = ''] }) => client.emails.fetch(id),
    status: 200,
    answer: { id: expect.stringMatching(/^comms_email_/), content: { subject: 'words' } },
    route: '/v1/Emails/{emailId}',
  },
  'email/list-email-operations': {
    call: (client, { query }) => client.emails.listOperations(readQuery(query)),
    status: 200,
    answer: { operations: [], pagination: { next: null } },
    route: '/v1/Emails/Operations',
  },
  'email/list-emails': {
    call: (client, { query }) => client.emails.list(readQuery(query)),
    status: 200,
    answer: { emails: [], pagination: { next: null } },
    route: '/v1/Emails',
  },
  'email/send-email': {
    call: (client, { body }) => client.emails.send(body as never),
    status: 202,
    answer: OPERATION,
    route: '/v1/Emails',
  },
};

let fanfare: Account;
let client: FanfareClient;
let described: Ajv2020;
/** What the samples name: a sender, and what was sent. Operations have the name of their resource. */
let made: Record<'sender' | 'message' | 'attempt' | 'Messages' | 'email' | 'Emails', string>;
beforeAll(async () => {
  fanfare = await useFanfare();
  const { url: baseUrl, sid: accountId, token: authToken } = fanfare;
  client = new FanfareClient({ baseUrl, accountId, authToken });
  const document = (await fanfare.get('/openapi.json')).body;
  described = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  described.addSchema(document, 'api');
  await client.senders.create({ channel: 'SMS', address: '+14155550100' });
  const { id: sender } = await client.senders.create({ channel: 'SMS', address: '+14155550102' });
  await client.senders.create({ channel: 'EMAIL', address: 'person@example.com' });
  const { operationId } = await client.messages.send({
    to: [{ address: '+14155550101', channel: 'PHONE' }],
    content: { text: 'Hello!' },
    from: { senderId: sender },
  });
  const message = await until(async () => {
    const [sent] = (await client.messages.list({ operationId })).messages;
    if (sent?.status !== 'DELIVERED') return null;
    const { receipts } = await client.messages.listReceipts(sent.id);
    return { message: sent.id, attempt: receipts[0]?.attemptId ?? '' };
  });
  made = { sender, Messages: operationId, ...message, ...(await sendEmail()) };
});

/** Returns the ids of the operation and of the e-mail. */
async function sendEmail() {
  const { operationId } = await client.emails.send({
    from: { address: 'person@example.com' },
    to: [{ address: 'person@example.com' }],
    content: { subject: 'words', html: 'words' },
  });
  // It cannot be deleted while a carrier is taking it.
  await until(async () => (await client.emails.fetchOperation(operationId)).status === 'COMPLETED');
  const [email] = (await client.emails.list({ operationId })).emails;
  return { Emails: operationId, email: email?.id ?? '' };
}

/** A pool with the sender of the samples. Returns its id and that of its operation. */
async function createPool() {
  const { operationId } = await client.senderPools.create({
    name: crypto.randomUUID(),
    senders: [{ senderId: made.sender }],
  });
  const [pool] = (await client.senderPools.list({ operationId })).senderPools;
  return { SenderPools: operationId, senderpool: pool?.id ?? '' };
}

/** Replaces the placeholders of a request by real ids and a real token. Pools and deleted e-mails are new each time. */
async function fill({ method, path, body }: (typeof samples)[number]): Promise<Request> {
  const [route = '', queryText = ''] = path.split('?');
  const resource = route.split('/')[2] ?? '';
  const real: Record<string, string> = {
    ...made,
    ...(resource === 'SenderPools' ? await createPool() : {}),
    ...(resource === 'Emails' && method === 'DELETE' ? await sendEmail() : {}),
  };
  const replace = (text: string) =>
    text
      .replaceAll(
        /comms_([a-z]+)_01h9krwprkeee8fzqspvwy6nq8/g,
        (id, kind) => real[kind === 'operation' ? resource : kind] ?? id,
      )
      .replaceAll('your_sender_id', made.sender)
      .replaceAll('"contentType":"contentType"', '"contentType":"text/plain"')
      .replaceAll('"content":"content"', '"content":"d29yZHM="')
      // Names of pools are unique.
      .replaceAll('"name":"words"', `"name":"${crypto.randomUUID()}"`)
      .replaceAll('{identifier}', made.attempt);
  const filled = replace(route);
  const query = new URLSearchParams(replace(queryText));
  if (query.has('pageToken')) {
    const { body: first } = await fanfare.get(filled);
    query.set('pageToken', first['pagination'].self);
  }
  const ids = filled.split('/').filter((part) => /^(?:comms_|SM)/.test(part));
  const filledBody = body === undefined ? undefined : JSON.parse(replace(JSON.stringify(body)));
  return { method, path: filled, ids, query, body: filledBody };
}

const isAboutPush = ({ path }: { path: string }) => path.startsWith('/v1/PushNotifications');
const supported = samples.filter((each) => !isAboutPush(each));

it('every sample has a method of the client', () => {
  expect(supported.map(({ name }) => name).toSorted()).toEqual(Object.keys(SAMPLES).toSorted());
  expect([supported.length, samples.length]).toEqual([26, 46]);
});

describe('a sample', () => {
  it.each(supported.map((each) => [each.name, each] as const))('%s', async (name, sample) => {
    const { call, status, answer = {}, route } = SAMPLES[name] as Sample;
    const { method, path, query, body } = await fill(sample);
    let { status: given, headers, body: got } = await send(method, path, query, body);
    if (given === 301) {
      expect(headers.get('location')).toMatch(new RegExp(`^${fanfare.url}/v1/Messages/comms_mess`));
      const location = new URL(headers.get('location') ?? '').pathname;
      ({ status: given, headers, body: got } = await fanfare.request(method, location));
    }
    expect([given, got]).toMatchObject([status, answer]);
    expectDescribed(method, route, status, got);
    if (status === 202)
      expect(headers.get('location')).toBe(got['operationLocation'] ?? got['resourceLocation']);

    const page = await call(client, await fill(sample));
    if (status === 204) expect(page).toBeUndefined();
    else expect(page).toMatchObject(answer);
  });

  const send = (method: string, path: string, query: URLSearchParams, body?: Json) =>
    fanfare.request(method, query.size === 0 ? path : `${path}?${query}`, body);

  function expectDescribed(method: string, route: string, status: number, body: Json) {
    if (status === 204) return;
    const pointer = `/paths/${route.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`;
    const validate = described.getSchema(`api#${encodeURI(pointer)}`);
    if (validate === undefined) throw new Error(`Not documented: ${pointer}`);
    validate(body);
    expect(validate.errors ?? []).toEqual([]);
  }
});

describe('a sample about push notifications', () => {
  it.each(samples.filter(isAboutPush).map((each) => [each.name, each] as const))(
    '%s is refused clearly',
    async (_name, { method, path, body }) => {
      const answer = await fanfare.request(method, path, body);
      expect([answer.status, answer.body['errors']]).toEqual([
        404,
        [
          expect.objectContaining({
            code: 20404,
            message: expect.stringContaining('Push notifications are not supported'),
          }),
        ],
      ]);
    },
  );
});
