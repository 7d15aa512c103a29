/** Addresses that people and programs type: hashes that are broken or of nothing, and the pages about the API. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { useFanfare, type FanfareClient } from '../../server/test/support/fanfare.ts';
import { CHROMIUM, launchBrowser, visit } from './browser.ts';

let fanfare: FanfareClient;
let browser: Browser;

describe.skipIf(CHROMIUM === null)('addresses', () => {
  beforeAll(async () => {
    [fanfare, browser] = await Promise.all([useFanfare(), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
  });

  it('with broken or strange hashes show a page, and none breaks it', async () => {
    const { page, complaints, goTo, context } = await visit(browser, fanfare.url);
    onTestFinished(() => context.close());
    const pages =
      'operations operation message compose senders suppressions subscriptions subscription keys carriers system';
    const strange = ['%', '%E0%A4%A', '%ff', '%00', '..', '%2e%2e', '%2F', '%ED%A0%80', '\'"<b>'];
    const places = [
      ...strange,
      ...'constructor __proto__ toString hasOwnProperty'.split(' '),
      ...pages
        .split(' ')
        .flatMap((name) => [
          `${name}/%`,
          `${name}?%`,
          `${name}?q=%&status=%E0%A4%A&pageToken=%&again=%`,
        ]),
      ...strange.flatMap((each) => [
        `operation/${each}`,
        `operation/${each}?kind=emails`,
        `message/${each}`,
        `message/${each}?kind=emails`,
        `subscription/${each}/${each}`,
      ]),
    ];
    for (const place of places) {
      await goTo(place).catch((error: unknown) => {
        throw new Error(`#/${place}`, { cause: error });
      });
      expect([place, await page.getByRole('navigation').count()]).not.toEqual([place, 0]);
      expect([place, (await page.locator('main').innerText()).trim()]).not.toEqual([place, '']);
    }
    // The browser itself notes each answer that is an error; of what is refused or not there, that is right.
    expect(complaints.filter((each) => !/status of 40[04]/.test(each))).toEqual([]);
    await goTo('operations');
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
  });

  it.each([
    ['docs', 'h1'],
    ['docs/errors', 'tr[id="20001"]'],
  ])('of /%s is drawn within its own policy', async (path, part) => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The page of the API warns of schemas that it draws well.
      const types = path === 'docs' ? ['error'] : ['error', 'warning'];
      if (types.includes(message.type())) complaints.push(message.text());
    });
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== fanfare.url)
        complaints.push(`It asked ${request.url()}`);
    });
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) =>
        console.error(`Content Security Policy: ${event.effectiveDirective} ${event.blockedURI}`),
      );
    });
    await page.goto(`${fanfare.url}/${path}`);
    await page.locator(part).first().waitFor();
    // A part of the page of the API asks whether it may compile code, and does without.
    const asked = path === 'docs' ? ['Content Security Policy: script-src eval'] : [];
    expect(complaints.filter((each) => !asked.includes(each))).toEqual([]);
  });
});
