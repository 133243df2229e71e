/** Much of everything: a hundred thousand messages scroll, and a live list does not grow. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { startBrowser, watchedPage } from '../support/browser.ts';
import { ensurePages } from '../support/built-pages.ts';
import { Cleanup } from '../support/folders.ts';
import { skipWithout } from '../support/processes.ts';
import { startFixture } from '../support/ui-fixture.ts';

const skip = skipWithout('chromium');
before(ensurePages);

/** How long the live list is watched, in seconds. */
const TAIL_SECONDS = Number(process.env['MILLRACE_TAIL_SECONDS'] ?? 20);
/** Seconds between two looks at its memory. */
const LOOK_SECONDS = Math.max(5, TAIL_SECONDS / 40);

/** Bytes of JavaScript after everything that can be forgotten is. */
async function heap(client: CDPSession): Promise<number> {
  for (let i = 0; i < 3; i++) await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = await client.send('Runtime.getHeapUsage');
  return usedSize;
}

const rowsInPage = (page: Page): Promise<number> => page.locator('.row-line').count();

test(
  '100,000 messages scroll to the end and back: few rows exist, frames stay short, memory stays small',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const fixture = await startFixture(cleanup, { rows: 100_000 });
    const browser = await startBrowser(cleanup);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const { page, errors } = await watchedPage(context, fixture.url);
    const client = await context.newCDPSession(page);
    await page.goto(`${fixture.url}/messages`);
    await page.locator('.row-line a').first().waitFor();
    const before = await heap(client);
    const began = Date.now();
    const walked = await page.evaluate(async () => {
      const frame = document.querySelector('.rows')!;
      const slow: number[] = [];
      let last = performance.now();
      let still = 0;
      while (still < 60) {
        const height = frame.scrollHeight;
        frame.scrollTop = height;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = performance.now();
        slow.push(now - last);
        last = now;
        still = frame.scrollHeight === height ? still + 1 : 0;
      }
      slow.sort((a, b) => a - b);
      return { height: frame.scrollHeight, frames: slow.length, p95: slow[Math.floor(slow.length * 0.95)]! };
    });
    const rows = Math.round((walked.height - 39) / 54);
    const after = await heap(client);
    const shown = await rowsInPage(page);
    console.log(
      `${rows} rows in ${Date.now() - began} ms, frame p95 ${walked.p95.toFixed(1)} ms, heap ${(before / 1e6).toFixed(1)} to ${(after / 1e6).toFixed(1)} MB, ${shown} rows in the page`,
    );
    assert.ok(Math.abs(rows - 100_000) <= 2, `${rows} rows`);
    assert.ok(shown < 80, `${shown} rows exist`);
    assert.ok(after - before < 40e6, `the heap grew by ${after - before}`);
    assert.ok(walked.p95 < 120, `frame p95 ${walked.p95}`);
    await page.locator('[aria-rowindex="100001"]').waitFor();
    await page.evaluate(() => (document.querySelector('.rows')!.scrollTop = 50_000 * 54));
    await page.locator('[aria-rowindex="50002"] a').waitFor();
    await page.evaluate(() => (document.querySelector('.rows')!.scrollTop = 0));
    await page.locator('[aria-rowindex="2"] a').waitFor();
    assert.deepEqual(errors, []);
  },
);

test(
  'a live list takes thousands of messages, at most 30 a second, with flat memory; paused it stands still',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const fixture = await startFixture(cleanup, { rows: 5000 });
    const browser = await startBrowser(cleanup);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const { page, errors } = await watchedPage(context, fixture.url);
    const client = await context.newCDPSession(page);
    await page.goto(`${fixture.url}/messages`);
    await page.locator('.row-line a').first().waitFor();
    const first = () => page.locator('.row-line[data-index="0"] a').getAttribute('href');
    const old = await first();
    const feed = async (seconds: number, perTick: number): Promise<void> => {
      for (let i = 0; i < seconds * 10; i++) {
        fixture.push(perTick);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await page.waitForTimeout(500);
    await feed(5, 3);
    assert.notEqual(await first(), old, 'new messages show up by themselves');
    const heaps = [await heap(client)];
    for (let gone = 0; gone < TAIL_SECONDS; gone += LOOK_SECONDS) {
      await feed(LOOK_SECONDS, 3);
      heaps.push(await heap(client));
    }
    // Far more than can be painted: they are counted instead.
    await feed(10, 300);
    await page.getByRole('button', { name: /new: show them/ }).waitFor();
    heaps.push(await heap(client));
    const shown = await rowsInPage(page);
    const [began, most, last] = [heaps[0]!, Math.max(...heaps), heaps.at(-1)!].map((n) => n / 1e6);
    console.log(
      `${TAIL_SECONDS} s of live list: heap first ${began!.toFixed(1)}, highest ${most!.toFixed(1)}, last ${last!.toFixed(1)} MB, ${shown} rows in the page; ${heaps.map((n) => (n / 1e6).toFixed(1)).join(' ')}`,
    );
    assert.ok(most! - began! < 8, `the heap grew by ${most! - began!} MB`);
    assert.ok(shown < 80);
    await page.getByRole('button', { name: /new: show them/ }).click();
    await page.keyboard.press('.');
    await page.getByRole('button', { name: 'Paused' }).waitFor();
    await page.waitForTimeout(600);
    const paused = await first();
    await feed(1, 5);
    assert.equal(await first(), paused);
    assert.deepEqual(errors, []);
  },
);
