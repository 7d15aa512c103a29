/** The pages below `/docs` in a real browser, against the real server: the reference, the guides and the errors. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launchFanfare, SID, TOKEN, type Fanfare } from '../../server/test/support/fanfare.ts';
import { CHROMIUM, expectAccessible, expectNarrow, launchBrowser, openWindow } from './browser.ts';

let fanfare: Fanfare;
let browser: Browser;

async function open(path: string, look: Parameters<typeof openWindow>[2] = {}) {
  const opened = await openWindow(browser, fanfare.url, look);
  onTestFinished(() => opened.context.close());
  await opened.page.goto(`${fanfare.url}${path}`);
  await opened.page.locator('h1').first().waitFor();
  return opened;
}

describe.skipIf(CHROMIUM === null)('the API pages', () => {
  beforeAll(async () => {
    [fanfare, browser] = await Promise.all([launchFanfare({}), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await fanfare?.stop();
  });

  it('send a request with the credentials that are typed in', async () => {
    const { page, complaints } = await open('/docs');
    await page.getByRole('textbox').first().click();
    await page.keyboard.type(SID);
    await page.getByPlaceholder('********').first().fill(TOKEN);
    await page.getByRole('button', { name: 'Send messages' }).first().click();
    await page.getByRole('button', { name: 'Test Request' }).first().click();
    const answered = page.waitForResponse(`${fanfare.url}/v1/Messages`);
    await page.getByRole('button', { name: /^Send/ }).last().click();
    const answer = await answered;
    const { operationId } = (await answer.json()) as { operationId: string };
    expect([answer.request().method(), answer.status()]).toEqual(['POST', 202]);
    await page.getByText(operationId).first().waitFor();
    expect((await fanfare.get(`/v1/Messages/Operations/${operationId}`)).status).toBe(200);
    expect(complaints).toEqual([]);
  });

  it('find an operation by its name, and name every resource', async () => {
    const { page, complaints } = await open('/docs', { colorScheme: 'dark' });
    for (const name of ['E-mails', 'Sender pools', 'API keys', 'Access tokens'])
      await page
        .getByRole('button', { name: new RegExp(`^${name}`) })
        .first()
        .waitFor();
    await page.keyboard.press('Control+k');
    await page.getByLabel('Reference Search').locator('input').fill('resolve senders');
    await page
      .getByRole('option', { name: /Resolve senders/ })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
  });

  it('lead to the guides and the errors, and back', async () => {
    const { page, complaints } = await open('/docs');
    const follow = async (name: string) => {
      const link = page.getByRole('link', { name, exact: true }).first();
      await page.goto(new URL((await link.getAttribute('href')) ?? '', page.url()).href);
    };
    await follow('Quick start');
    await page.getByRole('heading', { name: 'Quick start', level: 1 }).waitFor();
    await follow('Errors');
    await page.getByRole('heading', { name: 'Errors', level: 1 }).waitFor();
    await follow('Guides');
    await page.getByRole('heading', { name: 'Guides', level: 1 }).waitFor();
    await follow('API reference');
    await page.getByRole('heading', { name: 'Fanfare', level: 1 }).waitFor();
    expect(complaints).toEqual([]);
  });

  it.each([
    { width: 360, colorScheme: 'dark' },
    { width: 2560, colorScheme: 'light' },
  ] as const)('fit into a window of $width', async (look) => {
    const { page, complaints } = await open('/docs', look);
    await expectNarrow(page, '/docs');
    for (const path of [
      '/docs/guides',
      '/docs/guides/api',
      '/docs/guides/dashboard',
      '/docs/errors',
    ]) {
      await page.goto(`${fanfare.url}${path}`);
      await expectNarrow(page, path);
      await expectAccessible(page, path);
    }
    expect(complaints).toEqual([]);
  });
});
