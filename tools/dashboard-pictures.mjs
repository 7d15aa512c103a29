/**
 * Draws docs/dashboard*.png: the dashboard over the simulator, in a chromium that is installed. Run by hand when the pages
 * change. With a folder as its argument, it draws every page there, in each width and scheme, to be looked at.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { FanfareClient } from '@fanfare/client';

const [all] = process.argv.slice(2);
const SID = `AC${'0'.repeat(31)}1`;
const TOKEN = 'token-for-pictures-0123456789';
const FIRST = ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Radia', 'Ken'];

const data = mkdtempSync(join(tmpdir(), 'fanfare-pictures-'));
const config = {
  carriers: {
    simulator: { failureRate: 0.012, undeliveredRate: 0.03, readRate: 0.2, lossRate: 0 },
    slow: {
      kind: 'simulator',
      throughputPerSecond: 180,
      failureRate: 0.012,
      undeliveredRate: 0.03,
      readRate: 0.2,
      receiptDelayMs: { min: 300, max: 4000 },
    },
  },
  senders: [
    { address: '+447700900100', channel: 'SMS', carrier: 'simulator', default: true },
    { address: 'fanfare_agent', channel: 'RCS', carrier: 'simulator' },
    { address: '+447700900100', channel: 'WHATSAPP', carrier: 'simulator' },
    { address: 'hello@example.com', channel: 'EMAIL', carrier: 'simulator' },
    { address: '+447700900200', channel: 'SMS', carrier: 'slow', throughput: 200 },
  ],
};
const program = fileURLToPath(new URL('../server/bin/fanfare.cjs', import.meta.url));
const configFile = join(data, 'config.json');
writeFileSync(configFile, JSON.stringify({ ...config, port: 0, logLevel: 'warn' }));
const server = spawn(process.execPath, [program, 'start', '--config', configFile], {
  env: {
    PATH: process.env.PATH,
    FANFARE_DATA_DIR: join(data, 'db'),
    FANFARE_ACCOUNT_SID: SID,
    FANFARE_AUTH_TOKEN: TOKEN,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});

try {
  const baseUrl = await ready(server);
  const client = new FanfareClient({ accountId: SID, authToken: TOKEN, baseUrl });
  const places = await fill(client);
  await draw(baseUrl, places);
} finally {
  if (server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  rmSync(data, { recursive: true, force: true });
}

async function ready(child) {
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    const url = /ready at (\S+)/.exec(text)?.[1];
    if (url) return url;
  }
  throw new Error('The server ended.');
}

function people(count, first = 0) {
  return Array.from({ length: count }, (_, i) => ({
    address: `+4477009${String(10_000 + first + i)}`,
    channel: 'PHONE',
    variables: { name: FIRST[i % FIRST.length], code: String(1000 + ((i * 7919) % 9000)) },
  }));
}

/** Sends the data that the pages show. */
async function fill(client) {
  const sms = { address: '+447700900100', channel: 'SMS' };
  const send = async (request) => (await client.messages.send(request)).operationId;
  const done = async (id) => {
    for await (const _ of client.messages.watchOperation(id, { quietMs: 6_000 }));
    return id;
  };
  await client.suppressions.import({
    addresses: people(6, 40).map(({ address }) => address),
    reason: 'STOP',
  });
  await done(
    await send({
      to: people(640),
      content: { text: 'Your appointment is tomorrow at 9:30. Reply C to confirm.' },
      from: sms,
      tags: { team: 'clinic' },
    }),
  );
  const rich = {
    modules: [
      {
        rcs: {
          richCard: {
            standaloneCard: {
              cardContent: {
                title: 'Autumn sale, {{ name }}',
                description: 'Twenty per cent off until Sunday.',
                suggestions: [
                  { reply: { text: 'Show me', postbackData: 'show' } },
                  { reply: { text: 'Not now', postbackData: 'no' } },
                ],
              },
            },
          },
        },
      },
      { sms: { text: 'Autumn sale, {{ name }}: 20% off until Sunday.' } },
    ],
  };
  const card = await done(
    await send({ to: people(2_400, 700), content: rich, tags: { campaign: 'autumn' } }),
  );
  const special = ['01', '02', '05', '08'].map((n) => ({
    address: `+155500000${n}`,
    channel: 'PHONE',
    variables: { name: 'Sam', code: '4711' },
  }));
  const failing = Array.from({ length: 4 }, (_, i) => ({
    address: `+1500555000${[1, 2, 6, 5][i]}`,
    channel: 'PHONE',
    variables: { name: 'Sam', code: '4711' },
  }));
  const finished = await done(
    await send({
      to: [
        ...people(5_200, 3_000),
        ...special,
        ...failing,
        ...people(3, 0).map(({ address }) => ({
          address,
          channel: 'WHATSAPP',
          variables: { name: 'Ada', code: '1' },
        })),
      ],
      content: {
        text: 'Hello {{ name }}, your code for the lottery is {{ code }}. Draw on Friday!',
      },
      from: sms,
      tags: { campaign: 'spring', team: 'shop' },
    }),
  );
  const { operationId: emails } = await client.emails.send({
    from: { address: 'hello@example.com', name: 'Fanfare' },
    to: ['ada', 'grace', 'bounced'].map((name) => ({
      address: `${name}@example.org`,
      variables: { name },
    })),
    content: {
      subject: 'News for {{ name }}',
      html: '<style>h1{color:#96265f;font-family:Georgia}</style><h1>Hello {{ name }}</h1><p style="background:#f7e7ef;padding:12px">The <b>spring issue</b> is here. <a href="https://example.com">Read it</a>.</p><img alt="A field of tulips" src="https://example.com/a.png"><script>alert(1)</script>',
    },
  });
  await send({
    to: people(1_800, 9_000),
    content: { text: 'The doors open at seven, {{ name }}.' },
    schedule: { sendAt: [new Date(Date.now() + 26 * 3_600_000).toISOString()] },
    tags: { campaign: 'concert' },
    from: sms,
  });
  const { senders } = await client.senders.list();
  const own = await client.senders.create({
    address: '+447700900300',
    channel: 'SMS',
    carrier: 'simulator',
    throughput: 50,
    dailyCap: 20_000,
    quietHours: { start: '21:00', end: '08:00' },
    displayName: 'Night shift',
  });
  await client.senderPools.create({
    name: 'UK numbers',
    senders: [{ senderId: senders[0].id }, { senderId: own.id }],
  });
  const { id: subscription } = await client.subscriptions.create({
    url: 'https://hooks.example.com/fanfare',
    types: ['*'],
    description: 'The shop',
  });
  await client.apiKeys.create({ name: 'shop' });
  await client.apiKeys.create({ name: 'nightly report' });
  const live = await send({
    to: people(10_000, 20_000),
    content: {
      text: 'Hello {{ name }}! Our summer catalogue is out: see it in the shop from Saturday.',
    },
    from: { address: '+447700900200', channel: 'SMS' },
    tags: { campaign: 'summer' },
  });
  const list = await client.messages.list({
    operationId: finished,
    status: 'UNDELIVERED',
    pageSize: 1,
  });
  const shown = await client.messages.list({ operationId: card, pageSize: 1 });
  const mails = await client.emails.list({ operationId: emails, pageSize: 3 });
  return {
    operations: 'operations',
    live: `operation/${live}`,
    finished: `operation/${finished}`,
    message: `message/${list.messages[0].id}`,
    card: `message/${shown.messages[0].id}`,
    email: `message/${mails.emails[1].id}?kind=emails`,
    compose: 'compose',
    again: `compose?again=${finished}`,
    senders: 'senders',
    suppressions: 'suppressions',
    subscriptions: 'subscriptions',
    subscription: `subscription/${subscription}`,
    keys: 'keys',
    carriers: 'carriers',
    system: 'system',
  };
}

async function open(browser, baseUrl, width, height, colorScheme, scale = 1) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    deviceScaleFactor: scale,
    locale: 'en-GB',
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') process.stderr.write(`console: ${message.text()}\n`);
  });
  page.on('pageerror', (error) => process.stderr.write(`page: ${error.stack}\n`));
  await page.goto(baseUrl);
  await page.getByLabel('Account SID').fill(SID);
  await page.getByLabel('Auth token').fill(TOKEN);
  return { context, page };
}

async function draw(baseUrl, places) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    if (all === undefined) await drawForDocs(browser, baseUrl, places);
    else await drawAll(browser, baseUrl, places);
  } finally {
    await browser.close();
  }
}

async function show(page, place) {
  await page.evaluate((hash) => (location.hash = `#/${hash}`), place);
  await page.waitForFunction(
    () => document.querySelector('h1') && !document.querySelector('.loading'),
  );
  await page.waitForLoadState('networkidle').catch(() => undefined);
  await sleep(place.startsWith('operation/') ? 900 : 250);
}

async function fillCompose(page) {
  const rows = people(8_000).map(
    ({ address, variables }) => `${address},${variables.name},${variables.code}`,
  );
  await page.getByLabel('CSV file').setInputFiles({
    name: 'customers.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(['phone,name,code', ...rows, 'not a number,Bob,1'].join('\n')),
  });
  await page
    .getByLabel('Text', { exact: true })
    .fill('Hello {{ name }}, your code is {{ code }}. See you on Saturday!');
  await page.getByRole('button', { name: /^Review/ }).click();
  await page.getByText('Reachable recipients').waitFor();
  await page.locator('.phone .bubble').first().waitFor();
  await sleep(600);
}

async function drawForDocs(browser, baseUrl, places) {
  const { context, page } = await open(browser, baseUrl, 1280, 800, 'light');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await show(page, places.live);
  await sleep(16_000);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await sleep(500);
    await page.screenshot({
      path: fileURLToPath(new URL(`../docs/dashboard-${colorScheme}.png`, import.meta.url)),
    });
  }
  await context.close();
}

async function drawAll(browser, baseUrl, places) {
  mkdirSync(all, { recursive: true });
  const sizes = [
    [360, 740],
    [1280, 800],
    [2560, 1440],
  ];
  for (const [width, height] of sizes)
    for (const scheme of ['light', 'dark']) {
      const { context, page } = await open(browser, baseUrl, width, height, scheme);
      const path = (name) => ({
        path: join(all, `${width}-${scheme}-${name}.png`),
        fullPage: width !== 2560,
      });
      await page.screenshot(path('sign-in'));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Operations' }).waitFor();
      for (const [name, place] of Object.entries(places)) {
        await show(page, place);
        await page.screenshot(path(name));
        if (name === 'compose') {
          await fillCompose(page);
          await page.screenshot(path('compose-filled'));
        }
      }
      await context.close();
    }
}
