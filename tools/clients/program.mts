/** Sends, dry-runs, fetches, lists, deletes, and reads errors and receipts with the types of `/openapi.json`. */
import { setTimeout as sleep } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type SendMessagesRequest = components['schemas']['SendMessagesRequest'];

const [baseUrl = '', authorization = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization } });
const DEADLINE = Date.now() + 30_000;

function expect(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(`It is not so: ${what}.`);
}

const body: SendMessagesRequest = {
  to: [
    { address: '+15005550100', channel: 'PHONE', variables: { name: 'Ada' } },
    { address: '+15005550002', channel: 'PHONE', variables: { name: 'Bob' } },
  ],
  content: { text: 'Hello {{ name }}!' },
  from: { address: '+15005550100', channel: 'SMS' },
};

const accepted = await client.POST('/v1/Messages', { body });
expect(accepted.response.status === 202, 'a send is accepted');
expect(accepted.data !== undefined && 'operationId' in accepted.data, 'the answer has an id');
const { operationId } = accepted.data;

const dry = await client.POST('/v1/Messages', { body: { ...body, dryRun: true } });
expect(dry.data !== undefined && 'dryRun' in dry.data, 'a dry run answers');

const params = { path: { operationId } };
for (;;) {
  const { data } = await client.GET('/v1/Messages/Operations/{operationId}', { params });
  if (data?.stats.delivered === 1 && data.stats.undelivered === 1) break;
  expect(Date.now() < DEADLINE, 'the operation ends in time');
  await sleep(50);
}

const list = await client.GET('/v1/Messages', { params: { query: { operationId } } });
expect(list.data?.messages.length === 2, 'two messages are listed');
const errors = await client.GET('/v1/Messages/Operations/{operationId}/Errors', { params });
expect(typeof errors.data?.errors[0]?.code === 'number', 'an error has a code');
const [message] = list.data.messages;
expect(message !== undefined, 'there is a message');
const ofMessage = { params: { path: { messageId: message.id } } };
const receipts = await client.GET('/v1/Messages/{messageId}/Receipts', ofMessage);
expect(receipts.data?.receipts.length === 1, 'a message has a receipt');

await client.DELETE('/v1/Messages/{messageId}', ofMessage);
const deleted = await client.GET('/v1/Messages/{messageId}', ofMessage);
expect(typeof deleted.data?.deletedAt === 'string', 'a deleted message says when');

const refused = await client.POST('/v1/Messages', { body: { ...body, to: [] } });
expect(refused.response.status === 400, 'no recipients are refused');
expect(refused.error?.errors[0]?.context === '$.to', 'a refusal names the field');
