/* global Scalar */
// The server may be below a path of a proxy.
const base = new URL('.', location.href).href.replace(/\/$/, '');

const INTRODUCTION = `
Fanfare sends messages over SMS, RCS, WhatsApp and e-mail. One request has up to 10,000 recipients. Its
**operation** shows the progress, with exact counters.

## Authentication

Every request has HTTP Basic credentials: the SID and the token of the account, or the SID and the secret of an
[API key](docs/guides/api#api-keys). Write them into the form on this page to try requests here. They stay in this
page and are forgotten when it is closed. Programs can also use [access tokens](docs/guides/api#access-tokens).

## First message

\`\`\`sh
curl ${base}/v1/Messages \\
  -u "$FANFARE_ACCOUNT_SID:$FANFARE_AUTH_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "to": [{"address": "+15005550100", "channel": "PHONE"}],
    "content": {"text": "Hello!"}
  }'
\`\`\`

The answer 202 has an \`operationId\`. **Fetch operation** shows its progress, **List messages** its messages.
Add \`"dryRun": true\` to see the result and send nothing.

## Errors

A refused request has a list \`errors\`. Each entry has a \`code\`, a \`message\`, and in \`context\` the
JSON path of the value at fault. The page [Errors](docs/errors) explains each code.

## Guides

| Guide | Explains |
| --- | --- |
| [Quick start](docs/guides/quick-start) | From nothing to the first message |
| [The API](docs/guides/api) | What is the same as in the hosted API, and what is new |
| [Content](docs/guides/content) | Texts, media, cards and templates |
| [E-mails](docs/guides/emails) | Senders, headers, attachments, unsubscribe links |
| [Events](docs/guides/events) | Webhooks, streams and their signatures |
| [Inbound messages](docs/guides/inbound) | Answers of recipients, and STOP |
| [Test your integration](docs/guides/testing) | Numbers that fail on purpose |

[All guides](docs/guides)
`;

const response = await fetch('openapi.json');
const document = await response.json();
document.info.description = INTRODUCTION;
document.servers = [{ url: base }];
Scalar.createApiReference('#api', {
  content: document,
  documentDownloadType: 'none',
  orderSchemaPropertiesBy: 'preserve',
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: 'never',
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  authentication: { preferredSecurityScheme: 'basic' },
});
