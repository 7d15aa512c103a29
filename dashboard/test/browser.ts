/** A real browser for tests: Debian's chromium, if it is installed; and the checks of all pages. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { SID, TOKEN } from '../../server/test/support/fanfare.ts';

/** Where chromium is; null where it is not, and tests are skipped. */
export const CHROMIUM =
  [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (path) => path !== undefined && existsSync(path),
  ) ?? null;

/** Milliseconds for something to show: for hangs, not a measure. */
const PATIENCE_MS = 30_000;

export function launchBrowser(): Promise<Browser> {
  if (CHROMIUM === null)
    throw new Error('There is no chromium: set CHROMIUM, or install Debian’s.');
  // Its sandbox does not run as root, as which containers are.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

interface Look {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
}
export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page has complained of: errors, refusals by its own policy, exceptions, and requests to other servers. */
  readonly complaints: string[];
}
export interface Visit extends Window {
  goTo(place: string): Promise<void>;
}

/** Opens an empty window, for pages of the server at `url`. */
export async function openWindow(
  browser: Browser,
  url: string,
  { width = 1280, colorScheme = 'light' }: Look = {},
): Promise<Window> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(data|blob|about):/.test(request.url()) && new URL(request.url()).origin !== url)
      complaints.push(`It asked ${request.url()}`);
  });
  return { context, page, complaints };
}

/** Opens the dashboard, and signs in unless said otherwise. */
export async function visit(
  browser: Browser,
  url: string,
  { isSignedIn = true, ...look }: Look & { readonly isSignedIn?: boolean } = {},
): Promise<Visit> {
  const opened = await openWindow(browser, url, look);
  const { page } = opened;
  await page.goto(url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  if (isSignedIn) {
    await signIn(page, TOKEN);
    await page.getByRole('heading', { name: 'Operations' }).waitFor();
  }
  return {
    ...opened,
    async goTo(place) {
      await page.evaluate((hash) => {
        location.hash = `#/${hash}`;
      }, place);
      await settle(page);
    },
  };
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Account SID').fill(SID);
  await page.getByLabel('Auth token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Waits until a page has its head and nothing on it is being read. */
export async function settle(page: Page): Promise<void> {
  await page.locator('h1').waitFor();
  await page.waitForFunction(() => document.querySelector('.loading') === null);
}

/** Expects no violation of WCAG 2.2 AA, nor of what axe calls good practice. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // Half a megabyte of source: once for each window, which pages that change by their hash alone share.
  if (await page.evaluate(() => !('axe' in window))) await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: runner } = window as unknown as { axe: typeof axe };
    const { violations } = await runner.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      // Details of what is well are costly, and nobody reads them.
      resultTypes: ['violations'],
    });
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary ?? ''}`)
          .join(' | ')}`,
    );
  });
  expect(found, `axe on ${where}`).toEqual([]);
}

/** Expects nothing to be wider than the window. */
export async function expectNarrow(page: Page, where: string): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(width, `${where} is too wide`).toBeLessThanOrEqual(0);
}
