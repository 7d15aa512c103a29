/**
 * What is documented of the hosted API, and what Fanfare does: the table of `docs/compatibility.md`. A test makes the
 * requests of `ask` and compares the routes with `/openapi.json`, so a row that is wrong fails.
 *
 * - `evidence`: `schema` (an official schema or page), `sample` (an official sample), `guide` (an official guide),
 *   `third party` (a program or a report of others), `inferred`, or `none` where documents are silent.
 * - `standing`: `same`; `decided` where documents are silent or contradict each other; `extension`; `not there`.
 * - `route`: what `/openapi.json` has, or has not when the row is `not there`.
 * - `ask`: a request, and the status and words of its answer. `{operationId}`, `{messageId}` and `{senderId}` stand for
 *   resources of the test.
 * - `covered`: the test file that shows what one request cannot show.
 */
const one = { to: [{ address: '+15005550009', channel: 'PHONE' }], content: { text: 'Hi' } };
const send = (body, status, words) => ({
  method: 'POST',
  path: '/v1/Messages',
  body: { ...one, ...body },
  status,
  ...(words === undefined ? {} : { words }),
});
const get = (path, status, words) => ({
  method: 'GET',
  path,
  status,
  ...(words === undefined ? {} : { words }),
});
const post = (path, body, status, words) => ({
  method: 'POST',
  path,
  body,
  status,
  ...(words === undefined ? {} : { words }),
});

const route = (name, note = '') => ({
  thing: `\`${name}\``,
  evidence: 'schema',
  standing: 'same',
  note,
  route: name,
});
const extra = (name, note) => ({ ...route(name, note), evidence: 'none', standing: 'extension' });

export const AREAS = [
  {
    title: 'All resources',
    rows: [
      {
        thing: 'Base path `/v1`',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: get('/v1/Messages', 200, 'pagination'),
      },
      {
        thing: 'Base path `/preview`',
        evidence: 'guide',
        standing: 'same',
        note: 'The same routes as below `/v1`.',
        ask: get('/preview/Messages', 200, 'pagination'),
      },
      {
        thing: 'Paths in any case',
        evidence: 'third party',
        standing: 'same',
        note: '',
        ask: get('/v1/messages', 200, 'pagination'),
      },
      {
        thing: 'HTTP Basic with account or API key',
        evidence: 'schema',
        standing: 'same',
        note: '',
        covered: 'server/test/credentials.test.ts',
      },
      {
        thing: 'Bearer tokens by OAuth client credentials',
        route: 'POST /v2/token',
        evidence: 'third party',
        standing: 'same',
        note: '`POST /v2/token` of your server. See [api.md](api.md#access-tokens).',
        covered: 'server/test/credentials.test.ts',
      },
      {
        thing: 'Errors: `errors[]` with `code`, `message`, `infoUrl`, `context`',
        evidence: 'schema',
        standing: 'same',
        note: '`infoUrl` leads to the error page of your server.',
        ask: get('/v1/Messages/none', 404, '"context":"null"'),
      },
      {
        thing: '`code`, `message`, `status` beside `errors`',
        evidence: 'third party',
        standing: 'decided',
        note: 'Clients of older APIs read them.',
        ask: get('/v1/Messages/none', 404, '"status":404'),
      },
      {
        thing: 'Unknown query parameters are ignored',
        evidence: 'third party',
        standing: 'same',
        note: '',
        ask: get('/v1/Messages?unknown=1', 200),
      },
      {
        thing: 'Unknown fields of a body',
        evidence: 'none',
        standing: 'decided',
        note: 'They are refused, with their JSON path.',
        ask: send({ unknown: 1 }, 400, '$.unknown'),
      },
      {
        thing: '`pageSize` from 1 to 1,000, 50 by default',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: get('/v1/Messages?pageSize=1001', 400, '20007'),
      },
      {
        thing: '`startDate`, `endDate` as date-times',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: get('/v1/Messages?startDate=2026-01-01T00:00:00Z&endDate=2026-01-02T00:00:00Z', 200),
      },
      {
        thing: '`startDate`, `endDate` as plain dates',
        evidence: 'sample',
        standing: 'same',
        note: 'The day in UTC.',
        ask: get('/v1/Messages?startDate=2024-01-15', 200),
      },
      {
        thing: '`startDate` equal to `endDate`',
        evidence: 'sample',
        standing: 'decided',
        note: 'The samples send equal dates, the text says "greater". The list is empty.',
        ask: get('/v1/Messages?startDate=2024-01-15&endDate=2024-01-15', 200, '"messages":[]'),
      },
      {
        thing: 'The order of lists',
        evidence: 'none',
        standing: 'decided',
        note: 'The newest first.',
        covered: 'server/test/api.test.ts',
      },
      {
        thing: '`deletedAt` is the time of deletion',
        evidence: 'inferred',
        standing: 'same',
        note: 'A deleted message or e-mail is fetched by its id, without its data.',
        covered: 'server/test/erasure.test.ts',
      },
      {
        thing: 'Lists after a deletion, and `DELETE` again',
        evidence: 'none',
        standing: 'decided',
        note: 'The message is in no list. The answer is 204 again.',
        covered: 'server/test/erasure.test.ts',
      },
      {
        thing: 'Retention of 7 days',
        evidence: 'schema',
        standing: 'same',
        note: 'The option `retentionDays` changes it.',
        covered: 'server/test/maintenance.test.ts',
      },
      {
        thing: '`Idempotency-Key`',
        evidence: 'none',
        standing: 'extension',
        note: 'A header of that name exists on a sister API.',
        covered: 'server/test/api.test.ts',
      },
    ],
  },
  {
    title: 'Messages',
    rows: [
      route('POST /v1/Messages'),
      route('GET /v1/Messages'),
      route('POST /v1/Messages/Search'),
      route('GET /v1/Messages/{messageId}'),
      route('GET /v1/Messages/Seek/{identifier}', '301 to the message.'),
      {
        ...route('GET /v1/Messages/{messageId}/Receipts'),
        evidence: 'guide',
        standing: 'decided',
        note: 'Named in texts; its shape is not published. One receipt for each attempt.',
      },
      {
        thing: '202 with `operationId` and `operationLocation`, also as headers',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: send({}, 202, 'operationLocation'),
      },
      {
        thing: '1 to 10,000 recipients',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: send({ to: [] }, 400, '$.to'),
      },
      {
        thing: 'Recipients by `addresses`',
        evidence: 'schema',
        standing: 'same',
        note: 'The preferred address first.',
        ask: send({ to: [{ addresses: one.to }] }, 202),
      },
      {
        thing: 'Recipients by `profileId`',
        evidence: 'schema',
        standing: 'not there',
        note: '400 with code 20018.',
        ask: send(
          {
            to: [
              {
                profileId: `mem_profile_${'0'.repeat(26)}`,
                memoryStoreId: `mem_store_${'0'.repeat(26)}`,
              },
            ],
          },
          400,
          '20018',
        ),
      },
      {
        thing: 'Recipients by `cohortId`',
        evidence: 'guide',
        standing: 'not there',
        note: 'Private beta. 400 that names it.',
        ask: send({ to: [{ cohortId: `cmp_cohort_${'0'.repeat(26)}` }] }, 400, 'ohort'),
      },
      {
        thing: 'Duplicate recipients',
        evidence: 'none',
        standing: 'decided',
        note: 'Each gets a message. A dry run lists them.',
        covered: 'server/test/api.test.ts',
      },
      {
        thing: 'Content: `text` and `media`',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: send({ content: { media: [{ url: 'https://example.com/a.png' }] } }, 202),
      },
      {
        thing: 'Content: `modules` for SMS and RCS',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: send({ content: { modules: [{ sms: { text: 'Hi' } }] } }, 202),
      },
      {
        thing: 'Content: `contentId`',
        evidence: 'schema',
        standing: 'same',
        note: 'Templates are stored at `/v1/Content`, an extension.',
        covered: 'server/test/content.test.ts',
      },
      {
        thing: '`twilio/carousel`',
        evidence: 'schema',
        standing: 'same',
        note: 'See [content.md](content.md).',
        covered: 'server/test/content.test.ts',
      },
      {
        thing: 'Liquid in texts, URLs and tags',
        evidence: 'schema',
        standing: 'same',
        note: 'A variable without a value needs a `default` filter.',
        ask: send({ content: { text: 'Hi {{ name }}' } }, 400, 'name'),
      },
      {
        thing: '`from` by address, `senderId`, `senderPoolId`, or absent',
        evidence: 'schema',
        standing: 'same',
        note: '',
        covered: 'server/test/senders.test.ts',
      },
      {
        thing: '`schedule.sendAt`: one time with or without a zone',
        evidence: 'schema',
        standing: 'same',
        note: 'Without a zone, the local time of each recipient.',
        covered: 'server/test/lifecycle.test.ts',
      },
      {
        thing: '`schedule.sendAt`: several expressions',
        evidence: 'schema',
        standing: 'decided',
        note: 'They intersect. Only moments are documented, so all must be the same one.',
        ask: send(
          {
            schedule: {
              sendAt: [
                new Date(Date.now() + 3_600_000).toISOString(),
                new Date(Date.now() + 7_200_000).toISOString(),
              ],
            },
          },
          400,
          '20013',
        ),
      },
      {
        thing: '`tags`: 10 of 128 and 256 characters',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: send({ tags: { a: 'not a tag' } }, 400, '$.tags'),
      },
      {
        thing: 'Requests as `application/x-ndjson`',
        evidence: 'none',
        standing: 'extension',
        note: 'A line for each recipient, up to `limits.recipientsMax`, and one operation.',
        covered: 'server/test/streamed.test.ts',
      },
      {
        thing: '`dryRun`, `expireAt`, `statusCallback`',
        evidence: 'none',
        standing: 'extension',
        note: '',
        ask: send({ dryRun: true }, 200, '"dryRun":true'),
      },
      {
        thing: 'Sessions',
        evidence: 'sample',
        standing: 'not there',
        note: 'A filter by `sessionId` finds nothing.',
        ask: get('/v1/Messages?sessionId=comms_session_1', 200, '"messages":[]'),
      },
      extra('DELETE /v1/Messages/{messageId}', 'Erases personal data.'),
      extra('POST /v1/Messages/{messageId}/Cancel', ''),
    ],
  },
  {
    title: 'Operations of messages',
    rows: [
      route('GET /v1/Messages/Operations'),
      route('GET /v1/Messages/Operations/{operationId}'),
      {
        ...route('GET /v1/Messages/Operations/{operationId}/Errors'),
        evidence: 'guide',
        standing: 'decided',
        note: 'Named in texts; its shape is not published.',
      },
      {
        thing: 'Counters of one message',
        evidence: 'none',
        standing: 'decided',
        note: 'Exclusive: the samples contradict each other.',
        covered: 'server/test/counters.test.ts',
      },
      {
        thing: 'COMPLETED',
        evidence: 'none',
        standing: 'decided',
        note: 'All messages are submitted or have ended. Receipts still change counters.',
        covered: 'server/test/lifecycle.test.ts',
      },
      extra('DELETE /v1/Messages/Operations/{operationId}', 'Erases personal data.'),
      extra('POST /v1/Messages/Operations/{operationId}/Cancel', ''),
      extra('POST /v1/Messages/Operations/{operationId}/Pause', ''),
      extra('POST /v1/Messages/Operations/{operationId}/Resume', ''),
      extra('GET /v1/Messages/Operations/{operationId}/Export', ''),
      extra('GET /v1/Messages/Operations/{operationId}/Report', ''),
      extra('GET /v1/Messages/Operations/{operationId}/Request', ''),
      extra('GET /v1/Messages/Operations/{operationId}/Stream', 'Server-sent events.'),
    ],
  },
  {
    title: 'Senders and sender pools',
    rows: [
      route('GET /v1/Senders'),
      route('GET /v1/Senders/{senderId}'),
      route('POST /v1/Senders/Search'),
      route('POST /v1/Senders/Resolve'),
      {
        thing: '`GET /v1/Senders?channel=PUSH`',
        evidence: 'schema',
        standing: 'same',
        note: 'It finds nothing.',
        ask: get('/v1/Senders?channel=PUSH', 200, '"senders":[]'),
      },
      {
        thing: 'Resolve: `senderAddresses` by address and channel',
        evidence: 'schema',
        standing: 'same',
        note: '',
        ask: post(
          '/v1/Senders/Resolve',
          {
            recipientAddresses: one.to,
            senderAddresses: [{ address: '+15005550100', channel: 'SMS' }],
          },
          200,
          'results',
        ),
      },
      {
        thing: 'Resolve: `senderAddresses` of push credentials',
        evidence: 'sample',
        standing: 'same',
        note: 'It finds nothing.',
        ask: post(
          '/v1/Senders/Resolve',
          {
            recipientAddresses: one.to,
            senderAddresses: [{ fcm: `comms_credential_${'0'.repeat(26)}` }],
          },
          200,
          'results',
        ),
      },
      route('GET /v1/SenderPools'),
      route('POST /v1/SenderPools'),
      route('GET /v1/SenderPools/{senderPoolId}'),
      route('PATCH /v1/SenderPools/{senderPoolId}'),
      route('DELETE /v1/SenderPools/{senderPoolId}'),
      route('GET /v1/SenderPools/{senderPoolId}/Senders'),
      route('POST /v1/SenderPools/{senderPoolId}/Senders'),
      route('DELETE /v1/SenderPools/{senderPoolId}/Senders/{senderId}'),
      route('GET /v1/SenderPools/Operations'),
      route('GET /v1/SenderPools/Operations/{operationId}'),
      extra('POST /v1/Senders', 'Senders of the account.'),
      extra('PATCH /v1/Senders/{senderId}', 'Limits, tags, status.'),
      extra('DELETE /v1/Senders/{senderId}', ''),
    ],
  },
  {
    title: 'E-mails',
    rows: [
      route('POST /v1/Emails'),
      route('GET /v1/Emails'),
      route('GET /v1/Emails/{emailId}'),
      {
        ...route('DELETE /v1/Emails/{emailId}'),
        evidence: 'sample',
        standing: 'decided',
        note: 'The answer is not shown. 204.',
      },
      {
        ...route('POST /v1/Emails/Search'),
        evidence: 'guide',
        note: 'Documented below `/preview` only.',
      },
      route('GET /v1/Emails/Operations'),
      route('GET /v1/Emails/Operations/{operationId}'),
      {
        ...route('GET /v1/Emails/{emailId}/Receipts'),
        evidence: 'guide',
        standing: 'decided',
        note: 'Named in texts; its shape is not published.',
      },
      {
        ...route('GET /v1/Emails/Operations/{operationId}/Errors'),
        evidence: 'guide',
        standing: 'decided',
        note: 'Named in texts; its shape is not published.',
      },
      {
        thing: '`content.headers`',
        evidence: 'third party',
        standing: 'same',
        note: 'See [emails.md](emails.md).',
        covered: 'server/test/emails.test.ts',
      },
      {
        thing: "The caller's own `Message-ID` and `List-Unsubscribe`",
        evidence: 'third party',
        standing: 'same',
        note: 'Fanfare then adds none.',
        covered: 'server/test/emails.test.ts',
      },
      {
        thing: '`ipPoolName`',
        evidence: 'schema',
        standing: 'decided',
        note: 'It is accepted and has no effect.',
        covered: 'server/test/emails.test.ts',
      },
      extra('GET /v1/Emails/Operations/{operationId}/Export', ''),
      extra('GET /v1/Emails/Operations/{operationId}/Report', ''),
      extra('GET /v1/Emails/Operations/{operationId}/Stream', 'Server-sent events.'),
      extra('DELETE /v1/Emails/Operations/{operationId}', 'Erases personal data.'),
      extra('POST /v1/Emails/Operations/{operationId}/Cancel', ''),
      extra('POST /v1/Emails/Operations/{operationId}/Pause', ''),
      extra('POST /v1/Emails/Operations/{operationId}/Resume', ''),
      extra('POST /v1/Emails/{emailId}/Cancel', ''),
    ],
  },
  {
    title: 'Other products of the API',
    rows: [
      ...[
        'POST /v1/PushNotifications',
        'GET /v1/PushNotifications/Operations',
        'GET /v1/PushNotifications/DeviceRegistrations',
        'GET /v1/PushNotifications/Credentials',
        'GET /v1/PushNotifications/Apps',
        'GET /v1/PushNotifications/Users',
      ].map((name) => ({
        ...route(name, 'Private beta. 404.'),
        standing: 'not there',
        ask: { method: name.split(' ')[0], path: name.split(' ')[1], status: 404, words: '20404' },
      })),
      {
        thing: 'Cohorts and profiles',
        evidence: 'guide',
        standing: 'not there',
        note: 'Private beta, on other hosts.',
        ask: get('/preview/Cohorts', 404, '20404'),
      },
    ],
  },
  {
    title: 'Events',
    rows: [
      {
        thing: 'CloudEvents of operations and messages',
        evidence: 'schema',
        standing: 'same',
        note: 'The same types and `data`.',
        covered: 'server/test/events.test.ts',
      },
      {
        thing: 'Delivery',
        evidence: 'guide',
        standing: 'decided',
        note: 'Subscriptions of the API take the place of sinks in a console.',
        covered: 'server/test/subscriptions.test.ts',
      },
      extra('POST /v1/Subscriptions', ''),
      extra('GET /v1/Subscriptions', ''),
      extra('GET /v1/Subscriptions/{subscriptionId}', ''),
      extra('PATCH /v1/Subscriptions/{subscriptionId}', ''),
      extra('DELETE /v1/Subscriptions/{subscriptionId}', ''),
      extra('GET /v1/Subscriptions/{subscriptionId}/Deliveries', ''),
      extra('GET /v1/Subscriptions/{subscriptionId}/Attempts', ''),
      extra('POST /v1/Subscriptions/{subscriptionId}/Replay', ''),
      extra('POST /v1/Subscriptions/{subscriptionId}/RotateSecret', ''),
      extra('POST /v1/Subscriptions/{subscriptionId}/Test', ''),
      extra('GET /v1/Stream', 'Server-sent events of an account.'),
    ],
  },
  {
    title: 'Resources of Fanfare alone',
    rows: [
      extra('GET /v1/Content', ''),
      extra('POST /v1/Content', ''),
      extra('GET /v1/Content/{contentId}', ''),
      extra('DELETE /v1/Content/{contentId}', ''),
      extra('GET /v1/Suppressions', ''),
      extra('POST /v1/Suppressions', ''),
      extra('POST /v1/Suppressions/Import', ''),
      extra('POST /v1/Suppressions/Search', ''),
      extra('GET /v1/Suppressions/Export', ''),
      extra('DELETE /v1/Suppressions/{suppressionId}', ''),
      extra('GET /v1/ApiKeys', ''),
      extra('POST /v1/ApiKeys', ''),
      extra('DELETE /v1/ApiKeys/{apiKeySid}', ''),
      extra('GET /v1/Carriers', ''),
      extra('GET /v1/System', ''),
    ],
  },
];

const SUMMARY = `Each row is something that the hosted Communications API documents, or that Fanfare adds. A test makes the requests of this table, and compares its routes with \`/openapi.json\`. Fanfare is independent of the vendor of that API.

| Standing | Means |
| --- | --- |
| same | Fanfare behaves as documented. |
| decided | Documents are silent or contradict each other. The note says what Fanfare does. |
| extension | Fanfare adds it. Programs that do not use it see no difference. |
| not there | Fanfare does not have it, and says so. |

| Evidence | Means |
| --- | --- |
| schema | An official schema or reference page |
| sample | An official sample |
| guide | An official guide |
| third party | Programs and reports of others |
| inferred | A conclusion from the above |
| none | Nothing was found |`;

/** The document, as Markdown. */
export function renderCompatibilityMarkdown() {
  const count = (standing) =>
    AREAS.flatMap(({ rows }) => rows).filter((row) => row.standing === standing).length;
  const tables = AREAS.map(
    ({ title, rows }) =>
      `## ${title}\n\n| Documented | Evidence | Standing | Note |\n| --- | --- | --- | --- |\n${rows
        .map(
          ({ thing, evidence, standing, note }) =>
            `| ${thing} | ${evidence} | ${standing} | ${note} |`,
        )
        .join('\n')}`,
  );
  return `# Compatibility\n\n${SUMMARY}\n\nOf these rows, ${count('same')} are the same, ${count('decided')} decided, ${count('extension')} extensions, and ${count('not there')} are not there.\n\n${tables.join('\n\n')}\n`;
}
