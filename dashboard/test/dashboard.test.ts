/** The dashboard in a real browser, against the real server: user tasks, and security. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Browser, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  ALL_ROLES,
  launchFanfare,
  QUICK,
  recipients,
  smsOnly,
  special,
  startFanfare,
  text,
  TOKEN,
  until,
  type Fanfare,
  type Json,
} from '../../server/test/support/fanfare.ts';
import {
  CHROMIUM,
  expectAccessible,
  expectNarrow,
  launchBrowser,
  settle,
  signIn,
  visit,
  type Visit,
} from './browser.ts';

let fanfare: Fanfare;
let browser: Browser;

/** Opens the dashboard for one test, which must leave it without complaint. */
async function open(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const opened = await visit(browser, fanfare.url, options);
  onTestFinished(() => opened.context.close());
  return opened;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function readDownload(download: Download): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

const isDone = ({ status, stats }: Json) => status === 'COMPLETED' && stats['sent'] === 0;

describe.skipIf(CHROMIUM === null)('the dashboard', () => {
  beforeAll(async () => {
    [fanfare, browser] = await Promise.all([
      launchFanfare({
        config: {
          roles: ALL_ROLES,
          carriers: { simulator: QUICK },
          events: { allowTargets: ['127.0.0.1'] },
        },
      }),
      launchBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await fanfare?.stop();
  });

  it('lets in who has the right token, and nobody else', async () => {
    const { page, complaints, context } = await open({ isSignedIn: false });
    await signIn(page, 'wrong-token-0123456789');
    await page.getByText('No account or API key matches this SID and secret.').waitFor();
    // The browser itself notes every answer that is an error.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    await signIn(page, TOKEN);
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: 'fanfare_session', httpOnly: true, sameSite: 'Strict' });
    // Who loads it again is still there; who signs out is not.
    await page.reload();
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await context.cookies()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('sends 10,000 by the compose page, shows them arrive, and why one failed', async () => {
    const { page, complaints } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    const rows = recipients(9_998).map(({ address }, i) => `${address},Ada ${i},${i}`);
    const csv = [
      'phone,name,"the code"',
      ...rows,
      '+15005550001,Sam,x',
      '1 (500) 555-0002,Kim,y',
      'nobody,Bob,z',
    ];
    await page.getByLabel('CSV file').setInputFiles({
      name: 'customers.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(csv.join('\r\n')),
    });
    // Without a country a number without + is of nobody.
    await page.getByText('9,999 recipients', { exact: true }).waitFor();
    await page.getByText('2 rows were rejected').waitFor();
    await page
      .getByLabel('Country of numbers without +')
      .selectOption({ label: 'United States (+1)' });
    await page.getByText('10,000 recipients', { exact: true }).waitFor();
    await page.getByText('1 (500) 555-0002').first().waitFor();
    await page.getByText('1 row was rejected').waitFor();
    await page.getByText('Line 10002: "nobody" is not a number').waitFor();
    const rejects = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download rejected rows' }).click();
    expect(await readDownload(await rejects)).toMatch(
      /^row,line,column,reason,content\r\n10002,10002,phone,.*,"nobody,Bob,z"\r\n$/,
    );
    await page.getByLabel('Text', { exact: true }).fill('Hello ');
    await page.getByRole('button', { name: 'the_code' }).click();
    await page.getByLabel('Text', { exact: true }).press('End');
    await page.keyboard.type(' of {{ name }}');
    await page.getByText('Hello 0 of Ada 0').waitFor();
    await page.getByRole('button', { name: 'Next recipient' }).click();
    await page.getByText('Hello 1 of Ada 1').waitFor();
    await page.getByLabel('From', { exact: true }).selectOption({ label: 'SMS +15005550100' });
    await page.getByLabel('Tags').fill('campaign:browser');
    await page.getByRole('button', { name: 'Review 10,000 recipients' }).click();
    await page.getByRole('button', { name: 'Send to 10,000 recipients' }).click();

    await page.getByRole('region', { name: 'Progress' }).waitFor();
    const id = /operation\/(\w+)/.exec(page.url())?.[1] ?? '';
    const progress = page.getByRole('region', { name: 'Progress' });
    await progress.getByText('of 10,000 processed').waitFor();
    await progress.getByText('9,998', { exact: true }).waitFor();
    await page.getByText('Final').waitFor();
    const { stats } = await fanfare.watch(id, isDone);
    expect(stats).toMatchObject({ total: 10_000, delivered: 9_998 });
    await page.locator('.plot canvas').first().waitFor();

    await page
      .getByRole('region', { name: 'Messages' })
      .getByLabel('Status')
      .selectOption('Failed');
    await page.getByRole('link', { name: '+15005550001' }).last().click();
    await page.getByRole('heading', { name: 'History' }).waitFor();
    await page.getByRole('heading', { name: '+15005550001' }).waitFor();
    await page.getByRole('link', { name: /Help for error/ }).waitFor();
    await page.getByText('Hello x of Sam').waitFor();
    expect(complaints).toEqual([]);
  });

  it('exports an operation, and sends again to those that failed', async () => {
    const id = await fanfare.send({
      to: [
        ...recipients(30),
        special(1),
        special(2),
        { address: '+15005550301', channel: 'WHATSAPP' },
      ],
      content: text('Once more'),
      ...smsOnly,
    });
    await fanfare.watch(id, isDone);
    const { page, complaints, goTo } = await open();
    await goTo(`operation/${id}`);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const lines = (await readDownload(await download)).trim().split('\r\n');
    expect(lines).toHaveLength(34);
    expect(lines[0]).toMatch(/^ordinal,address,channel,status,from,errorCode,error,/);
    expect(lines[32]).toMatch(/^31,\+15005550002,SMS,UNDELIVERED,/);
    expect(lines[33]).toMatch(/^32,\+15005550301,WHATSAPP,UNADDRESSABLE,/);

    await page.getByRole('link', { name: 'Send again to 2 recipients' }).click();
    await page.getByText('2 recipients', { exact: true }).waitFor();
    await page.locator('.preview .bubble', { hasText: 'Once more' }).waitFor();
    // The sender that was named is named again.
    expect(await page.getByLabel('From', { exact: true }).inputValue()).toMatch(
      /^(sender|request|pool):.*/,
    );
    await page.getByRole('button', { name: 'Review 2 recipients' }).click();
    await page.getByRole('button', { name: 'Send to 2 recipients' }).click();
    await page.getByRole('region', { name: 'Progress' }).waitFor();
    expect(page.url()).not.toContain(id);
    const again = /operation\/(\w+)/.exec(page.url())?.[1] ?? '';
    const { body } = await fanfare.get(`/v1/Messages?operationId=${again}`);
    expect(body['messages'].map((each: Json) => each['from'].address)).toEqual([
      '+15005550100',
      '+15005550100',
    ]);
    expect(complaints).toEqual([]);
  });

  it('schedules by a clock, pauses, resumes and cancels', async () => {
    const { page, complaints } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    await page.getByLabel('Paste rows').fill('+15005560001\n+15005560002\n');
    await page.getByLabel('Text', { exact: true }).fill('Later');
    await page.getByLabel('At a set time', { exact: true }).check();
    const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
    await page.getByLabel('Date and time').fill(`${day}T09:30`);
    await page.getByLabel('Time zone').selectOption('Asia/Tokyo');
    await page.getByRole('button', { name: 'Review 2 recipients' }).click();
    await page.getByRole('button', { name: 'Schedule for 2 recipients' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('No more messages are submitted until you').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    const id = /operation\/(\w+)/.exec(page.url())?.[1] ?? '';
    const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
    expect(list.body['messages'][0].scheduledFor).toBe(`${day}T00:30:00.000Z`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel 2 messages' }).click();
    await page.locator('.facts .chip', { hasText: 'Canceled' }).waitFor();
    expect((await fanfare.operation(id)).status).toBe('CANCELED');
    expect(complaints).toEqual([]);
  });

  it('never shows old numbers as live', async () => {
    const id = await fanfare.send({
      to: recipients(5),
      content: text('Later'),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const { page, context, goTo } = await open();
    await goTo(`operation/${id}`);
    await page.locator('.live', { hasText: 'Live' }).waitFor();
    await context.setOffline(true);
    await page.locator('.live', { hasText: /Offline\. Numbers are from \d\d:\d\d:\d\d/ }).waitFor();
    await page.getByText('You are offline. Reconnecting').waitFor();
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    await context.setOffline(false);
    await page.locator('.facts .chip', { hasText: 'Canceled' }).waitFor();
    await page.getByText('You are offline').waitFor({ state: 'detached' });
  });

  it('says so when the server is away, and goes on when it is back', async () => {
    const port = await findFreePort();
    const config = { port, roles: ALL_ROLES, carriers: { simulator: QUICK } };
    const own = await startFanfare({ config });
    const opened = await visit(browser, own.url);
    onTestFinished(() => opened.context.close());
    const { page } = opened;
    await page.locator('.live', { hasText: 'Live' }).waitFor();
    await own.kill();
    await page.locator('.live', { hasText: /Reconnecting\. Numbers are from/ }).waitFor();
    await page.getByText('The server does not respond. Reconnecting').waitFor();
    await own.restart(config);
    await own.send({ to: recipients(3), content: text('Back again') });
    await page.getByRole('link', { name: 'Back again' }).waitFor();
    await page.locator('.live', { hasText: 'Live' }).waitFor();
  });

  it('says of a deleted message that it was deleted, and when', async () => {
    const id = await fanfare.send({
      to: [special(1)],
      content: text('Hello'),
      tags: { a: 'b' },
      ...smsOnly,
    });
    await fanfare.watch(id, isDone);
    const { body } = await fanfare.get(`/v1/Messages?operationId=${id}`);
    const { page, goTo, complaints } = await open();
    const message = body['messages'][0].id;
    expect((await fanfare.request('DELETE', `/v1/Messages/${message}`)).status).toBe(204);
    await goTo(`message/${message}`);
    await page.getByRole('heading', { name: 'Deleted message' }).waitFor();
    await page.getByText('Landline or unreachable carrier.').waitFor();
    await page.getByText(/^Deleted on \w+, \d\d? \w+ \d{4} at \d\d:/).waitFor();
    await page.locator('.facts', { hasText: 'from +15005550100 by SMS' }).waitFor();
    await page.locator('.facts .chip', { hasText: 'Failed' }).waitFor();
    expect(await page.locator('.timeline .step b').allTextContents()).toEqual([
      'Accepted',
      'Deleted',
    ]);
    expect(await page.title()).toContain('Deleted message');
    await page.locator('a.back').click();
    await page.locator('.facts .chip', { hasText: 'Completed' }).waitFor();
    expect(await page.getByText(message).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('composes e-mails, with a preview in which nothing runs', async () => {
    const { page, complaints } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    await page.getByLabel('E-mails').check();
    await page
      .getByLabel('Paste rows')
      .fill('mail;first name\nada@example.org;Ada\ngrace@example.org;Grace');
    await page.getByText('2 recipients', { exact: true }).waitFor();
    await page.getByLabel('HTML').fill('');
    await page.getByRole('button', { name: 'first_name' }).click();
    expect(await page.getByLabel('HTML').inputValue()).toBe('{{ first_name | escape }}');
    await page.getByLabel('Subject').fill('News for {{ first_name }}');
    await page
      .getByLabel('HTML')
      .fill(
        '<p style="color: red" onclick="alert(1)">Hello {{ first_name }}</p><script>alert(2)</script>',
      );
    await page.getByLabel('From', { exact: true }).selectOption('fanfare@example.com');
    const frame = page.frameLocator('.email-frame');
    await frame.getByText('Hello Ada').waitFor();
    const style = await frame
      .getByText('Hello Ada')
      .evaluate((each) => getComputedStyle(each).color);
    expect(style).toBe('rgb(255, 0, 0)');
    expect(await frame.locator('script, [onclick]').count()).toBe(0);
    await page.getByRole('button', { name: 'Review 2 recipients' }).click();
    await page.getByRole('button', { name: 'Send to 2 recipients' }).click();
    await page.getByRole('region', { name: 'Progress' }).getByText('of 2 processed').waitFor();
    const link = page.getByRole('link', { name: 'grace@example.org' }).last();
    const words = page.getByText('News for Grace');
    // Rows change while the messages are delivered, so a click may fall between two of them.
    await until(async () => {
      if (await link.isVisible()) await link.click();
      return words.waitFor({ timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
    expect(complaints).toEqual([]);
  });

  it('sends the list that was looked at, and no other of its length', async () => {
    const { page, complaints } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    await page.getByLabel('Paste rows').fill('phone,alias\n+15005560011,Ada\n');
    await page.getByText('1 recipient', { exact: true }).waitFor();
    await page.getByLabel('Text', { exact: true }).fill('Just once, {{ alias }}');
    await page.getByRole('button', { name: 'Review 1 recipient' }).click();
    await page.getByRole('button', { name: 'Send to 1 recipient' }).waitFor();
    await page.getByLabel('Paste rows').fill('phone,alias\n+15005560012,Bob\n');
    await page.getByText('Just once, Bob').waitFor();
    expect(await page.getByRole('button', { name: 'Send to 1 recipient' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Review 1 recipient' }).click();
    await page.getByRole('button', { name: 'Send to 1 recipient' }).click();
    await page.getByRole('link', { name: '+15005560012' }).first().waitFor();
    expect(await page.getByRole('link', { name: '+15005560011' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('reads files as the command line does: encodings, line ends, and what is no list', async () => {
    const { page } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    const put = (name: string, buffer: Buffer) =>
      page.getByLabel('CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer });
    await put('utf16.csv', Buffer.from('\ufeffphone;name\r\n+15005560021;Ada\n', 'utf16le'));
    await page.getByText('1 recipient', { exact: true }).waitFor();
    await put('latin.csv', Buffer.from('phone;name\n+15005560021;M\xfcller\n', 'latin1'));
    await page.getByText('Line 2: The bytes are not UTF-8').waitFor();
    await page.getByLabel('Encoding').selectOption('windows-1252');
    await page.getByRole('cell', { name: 'Müller' }).waitFor();
    await put('book.csv', Buffer.from('PK\x03\x04 [Content_Types].xml'));
    await page.getByText('This is an Excel workbook').waitFor();
    expect(await page.getByText('1 recipient', { exact: true }).count()).toBe(0);
  });

  it('puts every opt-out on the list, or says which it cannot read', async () => {
    const { page, goTo } = await open();
    await goTo('suppressions');
    await page.getByRole('button', { name: 'Add addresses' }).click();
    await page
      .getByLabel('Addresses, one per line')
      .fill('+1 (500) 558-0801\n\u202a+15005580802\u202c\noptout@example.net\n0171 1234567\nn/a\n');
    await page.getByText('2 rows were rejected').waitFor();
    await page.getByText('Line 4: "0171 1234567" has no country code').waitFor();
    await page.getByLabel('Country of numbers without +').selectOption({ label: 'Germany (+49)' });
    await page.getByText('1 row was rejected').waitFor();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('4 addresses added').waitFor();
    await page.getByText('Line 5: "n/a"').waitFor();
    const { body } = await fanfare.get('/v1/Suppressions');
    expect(body['suppressions'].map(({ address }: Json) => address)).toEqual(
      expect.arrayContaining([
        '+15005580801',
        '+15005580802',
        'optout@example.net',
        '+491711234567',
      ]),
    );
  });

  it('shows a page for every address, and asks nobody for a password in a box', async () => {
    const { page, context, goTo } = await open();
    await goTo('%');
    await page.getByText('There is no page at this address.').waitFor();
    await context.clearCookies();
    await goTo('senders');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByText('Loading').count()).toBe(0);
  });

  it('sends 100,000 as one operation, and stays responsive', async () => {
    const { page, complaints } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    const rows = Array.from({ length: 100_000 }, (_, i) => `+1500${6_000_000 + i},Ada ${i}`);
    await page.evaluate(() => {
      const held = window as unknown as { longest: number };
      held.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries())
          held.longest = Math.max(held.longest, duration);
      }).observe({ type: 'longtask' });
    });
    // A buffer would come into the page by a long task.
    const file = join(await mkdtemp(join(tmpdir(), 'fanfare-list-')), 'many.csv');
    onTestFinished(() => rm(dirname(file), { recursive: true }));
    await writeFile(file, ['phone,name', ...rows, 'x,Bob'].join('\n'));
    await page.getByLabel('CSV file').setInputFiles(file);
    await page.getByText('100,000 recipients', { exact: true }).waitFor();
    await page.getByText('Line 100002: "x" is not a number').waitFor();
    await page.getByLabel('Text', { exact: true }).fill('To very many, {{ name }}');
    await page.getByText('Preview: recipient 1 of the first 100').waitFor();
    await page.getByRole('button', { name: 'Review 100,000 recipients' }).click();
    const send = page.getByRole('button', { name: 'Send to 100,000 recipients' });
    await send.waitFor();
    // The list was read, and went up once. Alone on a machine the page is never held up for 100 ms; reading in it takes seconds.
    const longest = await page.evaluate(() => (window as unknown as { longest: number }).longest);
    expect(longest).toBeLessThan(400);
    await send.click();
    await page.getByRole('region', { name: 'Progress' }).waitFor();
    const id = /operation\/(\w+)/.exec(page.url())?.[1] ?? '';
    expect((await fanfare.operation(id)).stats).toMatchObject({ recipients: 100_000 });
    expect(complaints).toEqual([]);
  }, 120_000);

  it('names the lines of the file that the server refuses, and cancels an upload', async () => {
    const { page } = await open();
    await page.getByRole('link', { name: 'Compose' }).first().click();
    const rows = Array.from({ length: 300 }, (_, i) => (i === 2 ? 'x,' : `+1500${6_000_000 + i},`));
    await page.getByLabel('CSV file').setInputFiles({
      name: 'some.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(['phone,name', ...rows].join('\n')),
    });
    await page.getByText('299 recipients', { exact: true }).waitFor();
    await page.getByLabel('Text', { exact: true }).fill('Hi {{ name }}');
    await page.getByRole('button', { name: 'Review 299 recipients' }).click();
    await page.getByText('100 × The variable "name" is missing for a recipient.').waitFor();
    await page.getByText('line 2, line 3, line 5, line 6, line 7, line 8 and 94 more').waitFor();
    await page.getByText('And 199 other problems.').waitFor();
    await page.getByLabel('Text', { exact: true }).fill('Hi');
    await page.route('**/v1/Messages', () => undefined);
    await page.getByRole('button', { name: 'Review 299 recipients' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('It was canceled. Nothing was sent.').waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
    await page.getByRole('button', { name: 'Review 299 recipients' }).waitFor();
  });

  it('is small, asks nobody else, and is cached where it may be', async () => {
    const { page, context } = await open({ isSignedIn: false });
    const sizes: number[] = [];
    page.on('response', async (response) => {
      sizes.push((await response.request().sizes()).responseBodySize);
    });
    await page.reload();
    await signIn(page, TOKEN);
    await page.getByText('No operations yet').or(page.locator('.operations')).first().waitFor();
    await page.waitForLoadState('networkidle');
    // Answers of the API are a small part of it.
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThan(150_000);
    const index = await fetch(fanfare.url);
    expect(index.headers.get('cache-control')).toBe('no-cache');
    expect(index.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; /,
    );
    const script = /src="\.\/(assets\/[^"]+)"/.exec(await index.text())?.[1] ?? '';
    const asset = await fetch(`${fanfare.url}/${script}`, { headers: { 'accept-encoding': 'br' } });
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toBe('br');
    const etag = index.headers.get('etag') ?? '';
    const again = await fetch(fanfare.url, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect((await fetch(`${fanfare.url}/assets/..%2f..%2fpackage.json`)).status).toBe(404);
    expect(await context.cookies()).toHaveLength(1);
  });

  describe('every page', () => {
    let places: Readonly<Record<string, string>>;
    beforeAll(async () => {
      places = await fill();
    });

    const expectFitForAll = async (page: Page, where: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page, `${where}, ${colorScheme}`);
        await expectNarrow(page, `${where}, ${colorScheme}`);
      }
    };

    it.each([1280, 360])('is accessible and fits, light and dark, at %i', async (width) => {
      const { page, complaints, goTo } = await open({ width });
      for (const [name, place] of Object.entries(places)) {
        await goTo(place);
        if (name === 'operation') {
          // The second page has all that the first has, in fewer rows to look at.
          await page.getByRole('button', { name: 'Older' }).click();
          await page.getByText('Page 2').waitFor();
          await settle(page);
        }
        const where = `${name} at ${width}`;
        await expectFitForAll(page, where);
        // The browser itself notes every answer that is an error.
        const noted = complaints.filter((each) => name !== 'no operation' || !/404/.test(each));
        expect(noted, `complaints on ${where}`).toEqual([]);
        complaints.splice(0);
      }
      const signedOut = await open({ width, isSignedIn: false });
      await expectFitForAll(signedOut.page, `sign-in at ${width}`);
    });

    it('has the cards of a carousel side by side, below its text', async () => {
      const { page, goTo } = await open();
      await goTo(places['carousel'] ?? '');
      const cards = page.getByRole('list', { name: '2 cards' }).locator('.card');
      await page.locator('.bubble', { hasText: 'New' }).waitFor();
      expect((await cards.allInnerTexts()).map((words) => words.split(/\s*\n\s*/))).toEqual(
        ['Hat', 'Mug'].map((name) => [
          'Picture or file',
          `https://example.com/${name}.png`,
          `A ${name}`,
          `Want the ${name}`,
        ]),
      );
    });

    it('is reached by the keyboard', async () => {
      const { page } = await open({ width: 360 });
      await page.keyboard.press('Tab');
      await page.getByRole('link', { name: 'Skip to the page' }).waitFor();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(
        'Skip to the page',
      );
      await page.getByRole('button', { name: 'Menu' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Senders and pools' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Senders and pools' }).waitFor();
      await settle(page);
      // The new page's head has the focus: what is read next is the page.
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
      await page.getByRole('button', { name: 'Add sender' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page, 'a dialogue');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    });

    it('does what it says: keys, suppressions, senders, pools, subscriptions', async () => {
      const { page, goTo, complaints } = await open();
      await goTo('keys');
      await page.getByRole('button', { name: 'Create key' }).click();
      await page.getByLabel('Name').fill('from the browser');
      await page.getByLabel('Manage senders').uncheck();
      await page.getByLabel('Expires').fill('2099-01-31T09:30');
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByText('Copy the secret now').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      const row = page.getByRole('row', { name: /from the browser/ });
      await row.getByText('send, read', { exact: true }).waitFor();
      await row.getByText('expires').waitFor();
      await page.getByRole('button', { name: 'Revoke from the browser' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await row.getByText('revoked').waitFor();

      await goTo('suppressions');
      await page.getByRole('button', { name: 'Add addresses' }).click();
      await page
        .getByLabel('Addresses, one per line')
        .fill('+15005569991\nbob@example.com\nnot one');
      await page.getByText('1 row was rejected').waitFor();
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByText('2 addresses added').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.getByRole('button', { name: 'Remove +15005569991' }).click();
      await page.getByRole('button', { name: 'Remove address' }).click();
      await page
        .getByRole('button', { name: 'Remove +15005569991' })
        .waitFor({ state: 'detached' });

      await goTo('senders');
      await page.getByRole('button', { name: 'Add sender' }).click();
      await page.getByLabel('Address').fill('+15005550999');
      await page.getByLabel('Throughput').fill('25');
      // One end of quiet hours is no night: the form asks for the other, instead of saving without.
      await page.getByLabel('Quiet hours start').fill('22:00');
      await page.getByRole('button', { name: 'Save' }).click();
      expect(await page.locator('input:invalid').count()).toBe(1);
      await page.getByLabel('Quiet hours end').fill('07:00');
      await page.getByRole('button', { name: 'Save' }).click();
      await page
        .getByRole('row', { name: /\+15005550999/ })
        .getByText('25 segments per second')
        .waitFor();
      await page.getByRole('button', { name: 'Create pool' }).click();
      await page.getByLabel('Name').fill('Two of them');
      await page.getByLabel(/SMS \+15005550999/).check();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('row', { name: /Two of them/ }).waitFor();

      await goTo(places['subscription'] ?? '');
      await page.getByRole('button', { name: 'Send test event' }).click();
      await page.getByText(/The test event was not delivered/).waitFor();
      await page.getByRole('button', { name: 'Disable' }).click();
      await page.locator('.facts .chip', { hasText: 'Disabled' }).waitFor();
      expect(complaints).toEqual([]);
    });
  });
});

async function sendCarousel(): Promise<string> {
  const cards = ['Hat', 'Mug'].map((name) => ({
    body: `A ${name}`,
    media: `https://example.com/${name}.png`,
    actions: [{ title: `Want the ${name}`, id: name }],
  }));
  const stored = await fanfare.request('POST', '/v1/Content', {
    types: { 'twilio/carousel': { body: 'New', cards } },
  });
  return fanfare.send({
    to: [{ address: '+15005550302', channel: 'WHATSAPP' }],
    content: { contentId: stored.body['id'] },
  });
}

/** Something on every page. */
async function fill(): Promise<Record<string, string>> {
  const operation = await fanfare.send({
    // The last of the list are the first sent: its second page has every outcome.
    to: [
      special(1),
      special(2),
      { address: '+15005550301', channel: 'WHATSAPP' },
      ...recipients(60),
    ],
    content: text('Hello {{ name | default: "you" }}'),
    tags: { campaign: 'spring' },
    ...smsOnly,
  });
  await fanfare.watch(operation, isDone);
  const messages = await fanfare.get(`/v1/Messages?operationId=${operation}&status=UNDELIVERED`);
  const rich = await fanfare.send({
    to: [special(100)],
    content: {
      modules: [
        {
          rcs: {
            richCard: {
              standaloneCard: {
                cardContent: {
                  title: 'A card',
                  description: 'With words',
                  media: { contentInfo: { fileUrl: 'https://example.com/a.png' } },
                  suggestions: [{ reply: { text: 'Yes', postbackData: 'y' } }],
                },
              },
            },
          },
        },
      ],
    },
  });
  const card = await fanfare.get(`/v1/Messages?operationId=${rich}`);
  const carousel = await fanfare.get(`/v1/Messages?operationId=${await sendCarousel()}`);
  const emails = await fanfare.request('POST', '/v1/Emails', {
    from: { address: 'fanfare@example.com' },
    to: [{ address: 'ada@example.org' }, { address: 'bounced@example.org' }],
    content: {
      subject: 'News',
      html: '<style>p{color:#123}</style><p style="margin:2px" onclick="alert(1)">Hi</p><script>alert(2)</script><img src="https://example.com/a.png" alt="Tulips"><link rel="stylesheet" href="https://example.com/a.css">',
    },
  });
  const emailOperation = emails.body['operationId'];
  const email = await until(async () => {
    const { body } = await fanfare.get(`/v1/Emails?operationId=${emailOperation}`);
    return body['emails'].find((each: Json) => each['status'] === 'DELIVERED');
  });
  const other = await until(async () => {
    const { body } = await fanfare.get(`/v1/Emails?operationId=${emailOperation}`);
    return body['emails'].find((each: Json) => each['status'] === 'UNDELIVERED');
  });
  await fanfare.request('DELETE', `/v1/Emails/${other.id}`);
  const { body } = await fanfare.request('POST', '/v1/Subscriptions', {
    url: 'https://127.0.0.1:1/hook',
  });
  await fanfare.request('POST', '/v1/Suppressions', { address: '+15005569999' });
  await fanfare.request('POST', '/v1/ApiKeys', { name: 'shop' });
  await fanfare.request('POST', '/v1/SenderPools', { name: 'Pool' });
  return {
    operations: 'operations',
    'e-mail operations': 'operations?kind=emails',
    operation: `operation/${operation}`,
    'e-mail operation': `operation/${emailOperation}?kind=emails`,
    'no operation': 'operation/none',
    message: `message/${messages.body['messages'][0].id}`,
    card: `message/${card.body['messages'][0].id}`,
    carousel: `message/${carousel.body['messages'][0].id}`,
    email: `message/${email.id}?kind=emails`,
    'deleted e-mail': `message/${other.id}?kind=emails`,
    compose: 'compose',
    again: `compose?again=${operation}`,
    senders: 'senders',
    suppressions: 'suppressions',
    subscriptions: 'subscriptions',
    subscription: `subscription/${body['id']}`,
    keys: 'keys',
    carriers: 'carriers',
    system: 'system',
    nothing: 'nothing',
  };
}
