/** The client against the real server: the API's samples, and bad connections. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  FanfareClient,
  FanfareError,
  InvalidRequestError,
  NotFoundError,
  RateLimitError,
  ServerError,
  TimeoutError,
  TwilioClient,
  VERSION,
  type ClientOptions,
  indexOfRecipient,
  type SendMessagesRequest,
} from '@fanfare/client';
import sends from '../../server/test/data/send-requests.json' with { type: 'json' };
import {
  launchFanfare,
  recipients,
  SID,
  special,
  TOKEN,
  type Fanfare,
} from '../../server/test/support/fanfare.ts';
import { startMeddler } from './meddler.ts';

let fanfare: Fanfare;
let client: TwilioClient;
beforeAll(async () => {
  fanfare = await launchFanfare({ config: { roles: ['api', 'dispatch', 'events'] } });
  client = connect(fanfare.url);
});
afterAll(() => fanfare.stop());

describe('the base URL', () => {
  it.each(['', '/', '/v1', '/v1/', '/preview'])('may end with "%s"', async (end) => {
    const { senders } = await connect(`${fanfare.url}${end}`).senders.list();
    expect(senders).not.toEqual([]);
  });
});

function connect(baseUrl: string, options: ClientOptions = {}): TwilioClient {
  return new TwilioClient({ accountId: SID, authToken: TOKEN, baseUrl, ...options });
}

const content = { text: 'Hello!' };
const to = (count: number, first = 0) => recipients(count, first) as SendMessagesRequest['to'];

async function last<Entry>(entries: AsyncIterable<Entry>): Promise<Entry | undefined> {
  let latest: Entry | undefined;
  for await (const each of entries) latest = each;
  return latest;
}

describe('an access token', () => {
  it('is sent as it is given, or asked for before each request', async () => {
    const { sid, secret } = await client.apiKeys.create({ scopes: ['read'] });
    const ask = async () => {
      const answer = await fetch(`${fanfare.url}/v2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: sid,
          client_secret: secret,
        }),
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const withToken = (accessToken: ClientOptions['accessToken']) =>
      new TwilioClient({ accessToken, baseUrl: fanfare.url });
    const { operationId } = await client.messages.send({ to: to(1), content });
    const messages = withToken(await ask()).messages;
    expect((await messages.fetchOperation(operationId)).id).toBe(operationId);

    let asked = 0;
    const renewing = withToken(() => {
      asked += 1;
      return ask();
    });
    // By a stream.
    expect((await last(renewing.messages.watchOperation(operationId)))?.status).toBe('COMPLETED');
    const before = asked;
    await renewing.messages.list();
    await renewing.messages.list();
    expect([before > 0, asked - before]).toEqual([true, 2]);

    await expect(withToken('x').messages.list()).rejects.toBeInstanceOf(AuthenticationError);
    const broken = new Error('The token is elsewhere.');
    const failing = withToken(() => Promise.reject(broken));
    await expect(failing.messages.list()).rejects.toBe(broken);
    expect(() => withToken('')).toThrow('There are no credentials');
  });
});

describe('as the samples of the API write it', () => {
  it('sends, fetches and lists operations by dates', async () => {
    const response = await client.messages.send({
      to: [{ address: '+14153902337', channel: 'PHONE' }],
      content: { text: 'Hello, World!' },
    });
    expect(response.operationLocation).toBe(
      `${fanfare.url}/v1/Messages/Operations/${response.operationId}`,
    );
    await last(client.messages.watchOperation(response.operationId, { until: 'completed' }));
    const operation = await client.messages.fetchOperation(response.operationId);
    expect(operation).toMatchObject({ id: response.operationId, stats: { total: 1 } });
    expect(operation.createdAt).toBeInstanceOf(Date);
    const operations = await client.messages.listOperations({
      startDate: new Date('2024-01-15T09:30:00Z'),
      endDate: new Date(Date.now() + 60_000),
      status: operation.status,
      pageSize: 50,
    });
    expect(operations.operations.map((each) => each.id)).toContain(response.operationId);
    const none = await client.messages.listOperations({ startDate: new Date(Date.now() + 60_000) });
    expect(none.operations).toEqual([]);
  });

  it.each(sends.map((each) => [each.name, each.body] as const))('%s', async (_name, body) => {
    const senders = await client.senders.list({ status: 'ACTIVATED' });
    const { operationId } = await client.senderPools.create({
      name: crypto.randomUUID(),
      senders: senders.senders.map(({ id }) => ({ senderId: id })),
    });
    const { senderPools } = await client.senderPools.list({ operationId });
    const template = await client.contents.create({
      types: { 'twilio/text': { body: 'Hello {{1}} {{2}}' } },
      variables: { 2: 'there' },
    });
    const request = JSON.parse(
      JSON.stringify(body)
        .replaceAll('<pool>', senderPools[0]?.id ?? '')
        .replaceAll('<template>', template.id),
    ) as SendMessagesRequest & { dryRun?: false };
    const sent = await client.messages.send(request);
    const done = await last(client.messages.watchOperation(sent.operationId, { quietMs: 5_000 }));
    expect(done?.stats).toMatchObject({ recipients: request.to.length, failed: 0, queued: 0 });
  });

  it('finds a message by attempt, its receipts, and by address', async () => {
    const { operationId } = await client.messages.send({
      from: { address: '+15005550100', channel: 'SMS' },
      to: to(1),
      content,
    });
    await last(client.messages.watchOperation(operationId));
    const { messages } = await client.messages.list({ operationId });
    const message = await client.messages.fetch(messages[0]?.id ?? '');
    expect(message.attempts[0]?.attemptedAt).toBeInstanceOf(Date);
    const { receipts } = await client.messages.listReceipts(message.id);
    expect(receipts[0]?.status).toBe('DELIVERED');
    expect((await client.messages.seekByIdentifier(receipts[0]?.attemptId ?? '')).id).toBe(
      message.id,
    );
    const found = await client.messages.search({ operationId, address: '+15005560000' });
    expect(found.messages.map((each) => each.id)).toEqual([message.id]);
  });

  it('shows what would be sent', async () => {
    const shown = await client.messages.send({ to: to(2), content, dryRun: true });
    expect(shown).toMatchObject({ dryRun: true, recipients: 2 });
  });
});

describe('an answer', () => {
  it('has dates where the API has them, and nowhere else', async () => {
    const { operationId } = await client.messages.send({
      to: to(1),
      content,
      tags: { createdAt: '2026', updatedAt: 'x' },
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const { messages } = await client.messages.list({ tags: { createdAt: '2026' } });
    expect(messages[0]).toMatchObject({
      tags: { createdAt: '2026', updatedAt: 'x' },
      scheduledFor: expect.any(Date),
      createdAt: expect.any(Date),
    });
    expect((await client.messages.cancelOperation(operationId)).status).toBe('CANCELED');
  });

  it('of a list is one page, or all entries of all pages', async () => {
    const { operationId } = await client.messages.send({ to: to(7), content });
    const page = await client.messages.list({ operationId, pageSize: 3 });
    expect(page.messages).toHaveLength(3);
    const next = page.pagination.next ?? '';
    expect(
      (await client.messages.list({ operationId, pageSize: 3, pageToken: next })).messages,
    ).toHaveLength(3);
    const ids = new Set<string>();
    for await (const each of client.messages.list({ operationId, pageSize: 3 })) ids.add(each.id);
    expect(ids.size).toBe(7);
    const sizes: number[] = [];
    for await (const { messages } of client.messages.list({ operationId, pageSize: 3 }).pages())
      sizes.push(messages.length);
    expect(sizes).toEqual([3, 3, 1]);
  });

  it('of the other resources has their shape', async () => {
    const pool = await client.senderPools.create({ name: 'Clients' });
    const { senderPools } = await client.senderPools.list({ operationId: pool.operationId });
    const id = senderPools[0]?.id ?? '';
    const [sender] = (await client.senders.list({ channel: 'SMS' })).senders;
    await client.senderPools.addSender(id, [{ senderId: sender?.id ?? '' }]);
    expect((await client.senderPools.listSenders(id)).senders.map((each) => each.id)).toEqual([
      sender?.id,
    ]);
    await client.senderPools.removeSender(id, sender?.id ?? '');
    await client.senderPools.delete(id);
    await expect(client.senderPools.fetch(id)).rejects.toBeInstanceOf(NotFoundError);

    const added = await client.suppressions.add({ address: '+15005569999' });
    expect(await client.suppressions.exportHashes()).toHaveLength(1);
    await client.suppressions.remove(added.id);
    expect(await client.suppressions.exportHashes()).toEqual([]);

    // Of a kind that no other test here brings about.
    const subscription = await client.subscriptions.create({
      url: 'https://example.com/hook',
      types: ['com.twilio.comms-api.message.inbound-received'],
    });
    expect(subscription.secret).toMatch(/^whsec_/);
    expect((await client.subscriptions.list()).subscriptions[0]?.id).toBe(subscription.id);
    expect((await client.subscriptions.listDeliveries(subscription.id)).deliveries).toEqual([]);
    await client.subscriptions.delete(subscription.id);

    await client.senders.create({ channel: 'EMAIL', address: '*@shop.example' });
    const { operationId } = await client.emails.send({
      from: { address: 'news@shop.example' },
      to: [{ address: 'ada@example.org' }],
      content: { subject: 'Hi', html: '<p>Hi</p>', text: 'Hi' },
    });
    const done = await last(client.emails.watchOperation(operationId));
    expect(done?.stats.delivered).toBe(1);
  });
});

describe('an error', () => {
  it('says what, where and under which request id', async () => {
    const wrong = client.messages.send({
      to: [
        { address: '+15005550123', channel: 'PHONE' },
        { address: 'x', channel: 'PHONE' },
      ],
      content,
    });
    const error = await wrong.catch((reason: unknown) => reason as InvalidRequestError);
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({
      status: 400,
      code: 21211,
      path: '$.to[1].address',
      requestId: expect.stringMatching(/^RQ/),
      message: expect.stringContaining('$.to[1].address'),
    });
    await expect(connect(fanfare.url, { authToken: 'no' }).messages.list()).rejects.toBeInstanceOf(
      AuthenticationError,
    );
    await expect(
      client.messages.fetchOperation('comms_operation_01h9krwprkeee8fzqspvwy6nq8'),
    ).rejects.toBeInstanceOf(NotFoundError);
    const idempotencyKey = crypto.randomUUID();
    await client.messages.send({ to: to(1), content }, { idempotencyKey });
    await expect(
      client.messages.send({ to: to(2), content }, { idempotencyKey }),
    ).rejects.toBeInstanceOf(ConflictError);
  });

  it('of the set-up says what to give', () => {
    expect(() => new FanfareClient({ accountId: 'AC1' })).toThrow(/FANFARE_AUTH_TOKEN/);
    expect(() => connect('localhost:8420')).toThrow('"localhost:8420" is no base URL');
    expect(new FanfareClient({ apiKey: 'SK1', apiKeySecret: 'x' })).toBeInstanceOf(TwilioClient);
  });

  it('names unknown options, of the client and of calls', async () => {
    expect(() => connect(fanfare.url, { timeout: 1, retries: 2 } as never)).toThrow(
      'The client has no option "timeout", "retries". The options are accountId,',
    );
    const calls = [
      client.messages.list({}, { timeout: 1 } as never),
      client.messages.send({ to: to(1), content }, { idempotencykey: 'x' } as never),
      client.apiKeys.list({ page: 1 } as never),
      last(client.messages.watchOperation('x', { timeoutMs: 1 } as never)),
      client.suppressions.exportHashes({ x: 1 } as never),
      last(client.messages.sendAll({ to: [], content }).watch({ timeoutMs: 1 } as never)),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(/has no option "\w+"\. The op/);
    const misspelled: object = { pagesize: 1 };
    const lists = [
      client.messages.list(misspelled),
      client.senders.list(misspelled),
      client.messages.listOperations(misspelled),
    ];
    for (const list of lists)
      await expect(list).rejects.toThrow(/has no option "pagesize"\. The options are .*pageSize/);
    expect(() => client.messages.sendAll({ to: [], content }, { chunkSize: 1 } as never)).toThrow(
      'sendAll has no option "chunkSize"',
    );
  });

  it('of the base URL does not show credentials', () => {
    expect(() => connect('http://AC1:secret@127.0.0.1:1')).toThrow(
      'The base URL must not have credentials. Give them as options.',
    );
  });

  it('of a server that is none, or not there, names it', async () => {
    const other = await startMeddler(fanfare.url, () => ({ status: 404 }));
    await expect(connect(other.url).messages.list()).rejects.toThrow(/not an answer of this API/);
    const nobody = connect('http://127.0.0.1:9', { retriesMax: 0 });
    await expect(nobody.messages.list()).rejects.toBeInstanceOf(ConnectionError);
    await expect(nobody.messages.list()).rejects.toThrow(/127\.0\.0\.1:9 cannot be reached/);
  });
});

describe('on a bad way', () => {
  it('a send is repeated until it is answered, and done once', async () => {
    const fates = [
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 503, headers: { 'retry-after': '0' } },
      'lose',
      'lose',
      'pass',
    ] as const;
    const way = await startMeddler(fanfare.url, (_incoming, nth) => fates[nth - 1] ?? 'pass');
    const marks = { once: crypto.randomUUID() };
    const sent = await connect(way.url).messages.send({ to: to(3), content, tags: marks });
    expect(way.seen).toHaveLength(5);
    expect(new Set(way.seen.map((each) => each.key)).size).toBe(1);
    const ids: string[] = [];
    for await (const { related } of client.messages.list({ tags: marks }))
      ids.push(related[0]?.id ?? '');
    expect(ids).toEqual(Array.from({ length: 3 }, () => sent.operationId));
  });

  it('what would be done twice is not repeated, but after a refusal that did nothing', async () => {
    const way = await startMeddler(fanfare.url, (_incoming, nth) =>
      nth === 1 ? { status: 429, headers: { 'retry-after': '0' } } : { status: 503 },
    );
    const made = connect(way.url).subscriptions.create({ url: 'https://example.com/' });
    await expect(made).rejects.toBeInstanceOf(ServerError);
    expect(way.seen).toHaveLength(2);
  });

  it('a wait that is too long is the caller’s', async () => {
    const way = await startMeddler(fanfare.url, () => ({
      status: 429,
      headers: { 'retry-after': '3600' },
    }));
    const error = await connect(way.url)
      .messages.list()
      .then(null, (reason: unknown) => reason as ApiError);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ retryAfterSeconds: 3600 });
    expect(way.seen).toHaveLength(1);
  });

  it('silence ends with the time, and with the caller’s patience', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const mute = connect(`http://127.0.0.1:${port}`);
    const late = mute.messages.list({}, { timeoutMs: 50, retriesMax: 1 });
    await expect(late).rejects.toBeInstanceOf(TimeoutError);
    const reason = new Error('No more.');
    const controller = new AbortController();
    const given = mute.messages.list({}, { signal: controller.signal }).then();
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    silent.close();
  });
});

describe('the log of a program', () => {
  it('gets requests, answers and retries, without secrets', async () => {
    const agents = new Set<string | undefined>();
    const way = await startMeddler(fanfare.url, ({ headers }, nth) => {
      agents.add(headers['user-agent']);
      return nth === 1
        ? { status: 503, headers: { 'retry-after': '0' } }
        : nth === 2
          ? 'lose'
          : 'pass';
    });
    const log: [string, object][] = [];
    const logged = connect(way.url, {
      onRequest: (notice) => log.push(['request', notice]),
      onResponse: (notice) => log.push(['response', notice]),
      onRetry: (notice) => log.push(['retry', notice]),
    });
    await logged.messages.send({ to: to(1), content: { text: 'a private text' } });
    const request = { method: 'POST', url: `${way.url}/v1/Messages` };
    const delayMs = expect.any(Number);
    const durationMs = expect.any(Number);
    const requestId = expect.stringMatching(/^RQ/);
    expect(log).toEqual([
      ['request', { ...request, attempt: 1 }],
      ['response', { ...request, attempt: 1, status: 503, requestId: null, durationMs }],
      ['retry', { ...request, attempt: 1, error: expect.any(ServerError), delayMs }],
      ['request', { ...request, attempt: 2 }],
      ['retry', { ...request, attempt: 2, error: expect.any(ConnectionError), delayMs }],
      ['request', { ...request, attempt: 3 }],
      ['response', { ...request, attempt: 3, status: 202, requestId, durationMs }],
    ]);
    const text = log.map(([, notice]) => JSON.stringify(notice) + Object.values(notice)).join();
    for (const secret of [TOKEN, btoa(`${SID}:${TOKEN}`), 'private', '+1500'])
      expect(text).not.toContain(secret);
    expect([...agents]).toEqual([`fanfare-client/${VERSION}`]);
  });

  it('cannot change a call: an error in a hook is an uncaught one', async () => {
    const program = `
      import { FanfareClient } from '@fanfare/client';
      process.on('uncaughtException', ({ message }) => console.log('uncaught', message));
      const onResponse = () => { throw new Error('The disk is full.'); };
      const client = new FanfareClient({ onResponse });
      console.log((await client.messages.listOperations({ pageSize: 1 })).operations.length <= 1);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program],
      {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: {
          FANFARE_BASE_URL: fanfare.url,
          FANFARE_ACCOUNT_SID: SID,
          FANFARE_AUTH_TOKEN: TOKEN,
        },
      },
    );
    expect(stdout).toBe('uncaught The disk is full.\ntrue\n');
  });
});

describe('watching', () => {
  const isStream = (url = '') => url.endsWith('/Stream');

  it('goes over the live stream, and ends with the last receipt', async () => {
    const way = await startMeddler(fanfare.url, () => 'pass');
    const { operationId } = await client.messages.send({ to: to(500), content });
    const done = await last(connect(way.url).messages.watchOperation(operationId));
    expect(done).toMatchObject({ status: 'COMPLETED', stats: { delivered: 500, sent: 0 } });
    expect(way.seen.every((each) => isStream(each.path))).toBe(true);
  });

  it('asks where there is no stream, and while it is broken', async () => {
    const none = await startMeddler(fanfare.url, ({ url }) =>
      isStream(url) ? { status: 404 } : 'pass',
    );
    const { operationId } = await client.messages.send({ to: to(100), content });
    const done = await last(connect(none.url).messages.watchOperation(operationId, { pollMs: 20 }));
    expect(done?.stats.delivered).toBe(100);
    expect(none.seen.filter((each) => isStream(each.path))).toHaveLength(1);
    const broken = await startMeddler(fanfare.url, ({ url }, nth) =>
      isStream(url) && nth < 3 ? 'lose' : 'pass',
    );
    const again = await client.messages.send({ to: to(100), content });
    const end = await last(
      connect(broken.url).messages.watchOperation(again.operationId, { pollMs: 20 }),
    );
    expect(end?.stats.delivered).toBe(100);
  });

  it('takes what is quiet for settled, and ends when asked to', async () => {
    const { operationId } = await client.messages.send({
      to: [special(4), ...recipients(1)] as never,
      content,
    });
    const done = await last(client.messages.watchOperation(operationId, { quietMs: 300 }));
    expect(done).toMatchObject({ status: 'COMPLETED', stats: { sent: 1, delivered: 1 } });
    const early = await last(client.messages.watchOperation(operationId, { until: 'completed' }));
    expect(early?.status).toBe('COMPLETED');
    const controller = new AbortController();
    const watching = last(
      client.messages.watchOperation(operationId, { signal: controller.signal }),
    );
    controller.abort(new Error('Enough.'));
    await expect(watching).rejects.toThrow('Enough.');
    await expect(
      last(client.messages.watchOperation('comms_operation_01h9krwprkeee8fzqspvwy6nq8')),
    ).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('sending to any number of recipients', () => {
  type To = SendMessagesRequest['to'][number];
  async function* people(count: number) {
    for (let i = 0; i < count; i += 1) yield to(1, i)[0] as To;
  }
  const later = () => ({ sendAt: [new Date(Date.now() + 3_600_000).toISOString()] });
  const operationsOf = async (campaign: string) =>
    (await client.messages.listOperations({ tags: { campaign } })).operations;

  it('is one operation, which is watched to its last receipt', async () => {
    const campaign = crypto.randomUUID();
    const seen: number[] = [];
    const sending = client.messages.sendAll(
      { to: people(2_500), content, tags: { campaign } },
      { onProgress: (count) => seen.push(count) },
    );
    const done = await last(sending.watch({ pollMs: 20 }));
    expect(done).toMatchObject({ status: 'COMPLETED', stats: { recipients: 2_500, sent: 0 } });
    expect(await sending.accepted()).toMatchObject({ operationId: done?.id, isReplayed: false });
    expect([seen.length > 1, seen.at(-1), sending.recipients]).toEqual([true, 2_500, 2_500]);
    expect(await operationsOf(campaign)).toHaveLength(1);
  });

  it('takes lists and functions again after a failure, and what can be read once not', async () => {
    const ways: [SendMessagesRequest['to'] | (() => AsyncIterable<To>), boolean][] = [
      [to(2_500), false],
      [() => people(2_500), true],
    ];
    for (const [recipientsOfIt, gzip] of ways) {
      const campaign = crypto.randomUUID();
      const way = await startMeddler(fanfare.url, (_incoming, nth) =>
        nth === 1 ? 'lose' : nth === 2 ? { status: 503 } : 'pass',
      );
      const request = { to: recipientsOfIt, content, tags: { campaign }, schedule: later() };
      const sending = connect(way.url).messages.sendAll(request, { gzip });
      expect(await sending.accepted()).toMatchObject({ isReplayed: true });
      expect(new Set(way.seen.map(({ key }) => key))).toEqual(new Set([sending.key]));
      expect(way.seen).toHaveLength(3);
      expect(await operationsOf(campaign)).toMatchObject([{ stats: { recipients: 2_500 } }]);
      await client.messages.cancelOperation((await sending.accepted()).operationId);
    }
    const way = await startMeddler(fanfare.url, () => ({ status: 503 }));
    const once = connect(way.url).messages.sendAll({ to: people(10), content });
    await expect(once.accepted()).rejects.toBeInstanceOf(ServerError);
    expect(way.seen).toHaveLength(1);
  });

  it('names wrong recipients by their lines, and their number', async () => {
    async function* someWrong() {
      for (let i = 0; i < 5_000; i += 1)
        yield (i % 1_000 === 17 ? { address: 'x', channel: 'PHONE' } : to(1, i)[0]) as To;
    }
    const error = await client.messages
      .sendAll({ to: someWrong(), content })
      .accepted()
      .then(null, (reason: unknown) => reason as ApiError);
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({ path: 'line 19: $.address', total: 5 });
    expect((error as ApiError).errors.map((each) => indexOfRecipient(each.context))).toEqual([
      17, 1_017, 2_017, 3_017, 4_017,
    ]);
    expect(indexOfRecipient('$.to[3].variables')).toBe(3);
    expect(indexOfRecipient('line 1: $.content')).toBeNull();
  });

  it('accepts nothing when it is ended, or when its source fails', async () => {
    const campaign = crypto.randomUUID();
    const request = { content, tags: { campaign }, schedule: later() };
    let goOn: (() => void) | null = null;
    async function* stalled() {
      yield* people(12_000);
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
    }
    const untilStalled = async () => {
      while (goOn === null) await new Promise((resolve) => setImmediate(resolve));
    };
    const reason = new Error('No more.');
    const controller = new AbortController();
    const aborted = client.messages.sendAll(
      { ...request, to: stalled() },
      { signal: controller.signal },
    );
    await untilStalled();
    controller.abort(reason);
    await expect(aborted.accepted()).rejects.toBe(reason);
    goOn = null;
    const canceled = client.messages.sendAll({ ...request, to: stalled() });
    await untilStalled();
    await canceled.cancel();
    await expect(canceled.accepted()).rejects.toThrow('Sending was canceled.');
    async function* broken() {
      yield* people(2_500);
      throw reason;
    }
    const failed = client.messages.sendAll({ ...request, to: broken }).accepted();
    await expect(failed).rejects.toBe(reason);
    const unread = last(client.messages.dryRunAll({ ...request, to: broken() }));
    await expect(unread).rejects.toBe(reason);
    expect(await operationsOf(campaign)).toEqual([]);
  });

  it('pauses, resumes and cancels the operation', async () => {
    const sending = client.messages.sendAll({ to: to(30), content, schedule: later() });
    expect(await sending.pause()).toMatchObject({ pausedAt: expect.any(Date) });
    expect(await sending.resume()).toMatchObject({ pausedAt: null });
    await sending.cancel();
    expect(await sending.fetch()).toMatchObject({ status: 'CANCELED', stats: { canceled: 30 } });
    expect(sending.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(() => client.messages.sendAll({ to: [], content }, { key: 'a b' })).toThrow(
      FanfareError,
    );
  });

  it('sends lines that are ready, which a browser can', async () => {
    const lines = [{ content, schedule: later() }, ...to(300)]
      .map((each) => `${JSON.stringify(each)}\n`)
      .join('');
    const key = crypto.randomUUID();
    const first = await client.messages.sendLines(new Blob([lines]), { key });
    const again = await client.messages.sendLines(new Blob([lines]).stream(), { key });
    expect([first, again]).toMatchObject([{ isReplayed: false }, { isReplayed: true }]);
    const packed = new Uint8Array(gzipSync(lines.replace('{', '{"dryRun":true,')));
    const summary = await client.messages.sendLines(new Blob([packed]), { isPacked: true });
    expect(summary).toMatchObject({ recipients: 300, totals: { messages: 300 } });
    await expect(
      client.messages.sendLines(new Blob([lines]), { gzip: true } as never),
    ).rejects.toThrow('sendLines has no option "gzip"');
  });

  it('dry-runs them all, line by line, while they are sent', async () => {
    const count = 30_000;
    const lines = { messages: 0, wrong: 0 };
    let summary: object | null = null;
    async function* some() {
      yield { address: 'x', channel: 'PHONE' } as To;
      yield* people(count);
    }
    for await (const line of client.messages.dryRunAll({ to: some(), content }))
      if ('dryRun' in line) summary = line;
      else lines['code' in line ? 'wrong' : 'messages'] += 1;
    expect(lines).toEqual({ messages: count, wrong: 1 });
    expect(summary).toMatchObject({ recipients: count, totals: { problems: 1 } });
    const wrong = client.messages.dryRunAll({ to: people(5), content: { text: '{{' } });
    await expect(last(wrong)).rejects.toMatchObject({ path: 'line 1: $.content.text' });
    await expect(
      last(client.messages.dryRunAll({ to: [], content }, { key: 'x' } as never)),
    ).rejects.toThrow('dryRunAll has no option "key"');
  }, 60_000);
});

describe('the package', () => {
  const folder = new URL('../dist/', import.meta.url);
  const files = readdirSync(folder).filter((each) => each.endsWith('.js'));
  const sources = files.map((each) => readFileSync(new URL(each, folder), 'utf8'));

  it('needs nothing else, neither of npm nor of Node.js', () => {
    const imports = sources.flatMap((each) =>
      [...each.matchAll(/^(?:import|export).* from '([^']+)'/gm)].map(([, path = '']) => path),
    );
    expect(imports.filter((path) => !path.startsWith('./'))).toEqual([]);
  });

  it('knows its version', async () => {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    expect(VERSION).toBe(JSON.parse(text).version);
  });

  it('is small', () => {
    expect(gzipSync(sources.join('\n')).length).toBeLessThan(20_000);
  });
});
