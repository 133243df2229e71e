/** A06: whatever strangers write is text on every page, shown as it is written, and does nothing (P26, P20). */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startBrowser, watchedPage } from '../support/browser.ts';
import { ensurePages } from '../support/built-pages.ts';
import { Cleanup } from '../support/folders.ts';
import { skipWithout } from '../support/processes.ts';
import { ALL_HOSTILE } from '../support/ui-data.ts';
import { startFixture } from '../support/ui-fixture.ts';
import { PAGES } from '../support/ui-pages.ts';

before(ensurePages);

/** Pages on which nothing that strangers write is to be seen. */
const OWN = new Set([
  'listeners',
  'delivery',
  'queue-suspensions',
  'nowhere',
  'milter-new',
  'capture',
  'system-health',
  'troubleshoot',
  'troubleshoot-path',
  'troubleshoot-expressions',
  'milter-edit',
  'conversation-negotiation',
  'message-parts',
]);

test(
  'A06: hostile text in every place of every page: the alarm is silent, the policy holds, the text is literal',
  { skip: skipWithout('chromium') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const fixture = await startFixture(cleanup, { text: ALL_HOSTILE });
    const browser = await startBrowser(cleanup);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const alarms: string[] = [];
    await context.exposeFunction('alarm', (n: unknown) => void alarms.push(String(n)));
    const { page, outside, errors } = await watchedPage(context, fixture.url);
    page.on('dialog', (dialog) => {
      alarms.push(dialog.message());
      void dialog.dismiss();
    });
    for (const [name, path] of PAGES) {
      const response = await page.goto(fixture.url + path);
      assert.match(
        response?.headers()['content-security-policy'] ?? '',
        /default-src 'self'.*script-src 'self'.*object-src 'none'/,
      );
      await page.locator('h1').first().waitFor();
      await page.waitForFunction(
        () => document.querySelector('[aria-label^="Loading"], .rows .skeleton') === null,
      );
      await page.waitForTimeout(150);
      const seen = await page.evaluate(() => ({
        text: document.body.innerText,
        images: [...document.images].map((image) => image.getAttribute('src')),
        scripts: [...document.scripts].filter((script) => !script.src).length,
        foreign: [...document.querySelectorAll('a[href]')]
          .map((a) => a.getAttribute('href')!)
          .filter((href) => !/^[/#]/.test(href)),
        handlers: document.querySelectorAll('[onerror],[onload],[onclick]').length,
      }));
      assert.deepEqual(seen.images, ['/millrace.svg'], name);
      assert.equal(seen.scripts, 0, name);
      assert.deepEqual(seen.foreign, [], `${name}: every link leads to a page of ours`);
      assert.equal(seen.handlers, 0, name);
      if (!OWN.has(name) && name !== 'message-html') {
        assert.ok(
          seen.text.includes('<img src=x onerror="alarm(1)">') || seen.text.includes('<img src=x onerror='),
          `${name} shows it literally:\n${seen.text.slice(0, 600)}`,
        );
        assert.doesNotMatch(
          seen.text,
          /[\u202a-\u202e\u2066-\u2069\u0007\u001b]/,
          `${name}: no mark of direction acts`,
        );
      }
      assert.deepEqual(alarms, [], name);
    }
    assert.deepEqual(outside, []);
    assert.deepEqual(errors, []);
  },
);

test(
  'A06: the HTML of a mail is shown in a frame without rights, without anything that could act or load',
  { skip: skipWithout('chromium') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const fixture = await startFixture(cleanup, { text: ALL_HOSTILE });
    const browser = await startBrowser(cleanup);
    const context = await browser.newContext();
    const alarms: string[] = [];
    await context.exposeFunction('alarm', (n: unknown) => void alarms.push(String(n)));
    const { page, outside } = await watchedPage(context, fixture.url);
    await page.goto(`${fixture.url}/messages/00000000000001j9/text?as=html`);
    const frame = page.locator('iframe.mail-frame');
    await frame.waitFor();
    assert.equal(await frame.getAttribute('sandbox'), '');
    await page.waitForTimeout(500);
    const source = (await frame.getAttribute('srcdoc')) ?? '';
    assert.doesNotMatch(source, /<script|<img|<iframe|<form|<svg|<input|\son\w+\s*=\s*["']/i);
    assert.match(source, /\[javascript:parent\.alarm\(9\)\]/, 'where a link led is said');
    const inside = page.frameLocator('iframe.mail-frame');
    assert.equal(await inside.locator('a').count(), 0);
    assert.match(await inside.locator('body').innerText(), /\[picture: logo\]/);
    assert.deepEqual(alarms, []);
    assert.deepEqual(outside, []);
  },
);
