/**
 * An admin's day at the pages of a real gateway with a real Rspamd: adds the filter from the form, tests the connection, sends mail,
 * watches its conversation, sees what was changed, holds and releases, puts filters in another order by keyboard.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { axeFindings, shoot, startBrowser, watchedPage } from '../support/browser.ts';
import { ensurePages } from '../support/built-pages.ts';
import { Cleanup, tempFolder } from '../support/folders.ts';
import { Gateway } from '../support/gateway.ts';
import { readMaildir } from '../support/maildir.ts';
import { freePorts } from '../support/ports.ts';
import { skipWithout } from '../support/processes.ts';
import { GTUBE, startRspamd } from '../support/rspamd.ts';
import { SmtpSession } from '../support/smtp-session.ts';
import { ALL_HOSTILE } from '../support/ui-data.ts';
import { until } from '../support/wait.ts';

before(ensurePages);

const TOKEN = 'a-token-for-the-admins-day';
const MILTERS = '/settings/mta/filters/milters';

async function start(cleanup: Cleanup) {
  const folder = await tempFolder(cleanup);
  const [port = 0, admin = 0, rspamd = 0, other = 0] = await freePorts(4);
  await startRspamd(cleanup, rspamd);
  const configuration = [
    '# The gateway of an admin',
    'hostname: mx.test',
    'stateDir: ./state',
    `listeners: [{ name: smtp, bind: '127.0.0.1:${port}', relay: { domains: [in.test] } }]`,
    'milters:',
    `  - { name: spare, hostname: 127.0.0.1, port: ${other}, onError: accept } # is not there`,
    `delivery: { routes: [{ match: 'true', via: maildir, to: ./mail }] }`,
    `admin: { bind: '127.0.0.1:${admin}', token: ${TOKEN} }`,
    '',
  ].join('\n');
  const gateway = await Gateway.start(cleanup, { folder, configuration, ports: [port] });
  const browser = await startBrowser(cleanup);
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
  });
  const url = `http://127.0.0.1:${admin}`;
  await until(
    'the pages to be served',
    10_000,
    async () => (await fetch(url).catch(() => null))?.ok === true,
  );
  const watched = await watchedPage(context, url);
  return { folder, port, rspamd, gateway, url, ...watched };
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Token', { exact: true }).fill('no-such-token-at-all');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This token is not known here').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
}

/** The name of a filter, in the order of the cards. */
const cards = (page: Page): Promise<string[]> => page.locator('.milter-card h2').allInnerTexts();

async function send(port: number, subject: string, body: string): Promise<{ code: number; text: string }> {
  const session = await SmtpSession.greeted(port);
  const message = `From: Anna <a@out.test>\r\nTo: b@in.test\r\nSubject: ${subject}\r\nMessage-ID: <${Math.random()}@out.test>\r\nDate: ${new Date().toUTCString()}\r\n\r\n${body}\r\n`;
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], message);
  await session.quit();
  return reply;
}

test('the admin’s day', { skip: skipWithout('chromium', 'rspamd') }, async (t) => {
  const cleanup = new Cleanup(t);
  const { folder, port, rspamd, gateway, url, page, outside, errors } = await start(cleanup);
  await signIn(page, url);
  await shoot(page, 'day-1-dashboard');

  // The filter, from the form; first with the wrong words.
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.getByRole('heading', { name: 'Milters' }).waitFor();
  await page.getByRole('link', { name: 'Add milter' }).click();
  await page.getByLabel('Name', { exact: true }).fill('rspamd');
  await page.getByLabel('Hostname').fill('127.0.0.1');
  await page.getByLabel('Port', { exact: true }).fill(String(rspamd));
  for (const stage of ['connect', 'ehlo', 'mail', 'rcpt'])
    await page.getByRole('checkbox', { name: stage, exact: true }).check();
  await page.getByRole('button', { name: 'Test connection' }).click();
  const tested = page.getByRole('dialog');
  await tested.getByText('Say goodbye').waitFor();
  assert.equal(await tested.getByText('failed', { exact: true }).count(), 0, await tested.innerText());
  await shoot(page, 'day-2-test-connection');
  await tested.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Review and save' }).click();
  const review = page.getByRole('dialog');
  await review.getByText('+  - name: rspamd').waitFor();
  await shoot(page, 'day-3-review');
  await review.getByRole('button', { name: 'Apply' }).click();
  await review.getByText('It holds now').waitFor();
  await review.getByRole('button', { name: 'Close' }).last().click();
  await page.locator('.milter-card').nth(1).waitFor();
  assert.deepEqual(await cards(page), ['spare', 'rspamd']);
  assert.match(
    await readFile(gateway.configFile, 'utf8'),
    /# is not there[^]*name: rspamd/,
    'comments are kept',
  );

  // Another order, by keyboard alone.
  await page.getByRole('button', { name: 'Move rspamd up' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Review and save' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('region', { name: 'Difference in the configuration' }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('It holds now').waitFor();
  await page.keyboard.press('Escape');
  assert.deepEqual(await cards(page), ['rspamd', 'spare']);
  await shoot(page, 'day-4-milters');

  // Mail shows up by itself, with what Rspamd did to it.
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await page.getByRole('heading', { name: 'Messages' }).waitFor();
  assert.equal((await send(port, 'A good day', 'Hello.')).code, 250);
  await page.getByRole('link', { name: 'A good day' }).waitFor();
  await shoot(page, 'day-5-messages');
  await page.getByRole('link', { name: 'A good day' }).click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  await page.getByRole('link', { name: /^Filters/ }).click();
  await page.locator('.field-diff tr.added').filter({ hasText: 'rspamd' }).first().waitFor();
  await page
    .locator('.field-diff')
    .getByText(/X-Spamd-Result/i)
    .first()
    .waitFor();
  await shoot(page, 'day-6-diff');
  assert.deepEqual(await axeFindings(page), []);

  // A conversation, watched while it goes on. Rspamd asks for no answers before the end, so it is spoken to with the content.
  const session = await SmtpSession.greeted(port);
  await session.command('EHLO client.test');
  await session.command('MAIL FROM:<a@out.test>');
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.locator('.row-line').filter({ hasText: 'under way' }).first().click();
  const packets = page.locator('.packets');
  await packets.getByText('MAIL FROM:<a@out.test>').first().waitFor();
  assert.equal(await packets.getByText('RCPT TO:<b@in.test>').count(), 0);
  await session.command('RCPT TO:<b@in.test>');
  await packets.getByText('RCPT TO:<b@in.test>').first().waitFor();
  await session.command('DATA');
  await session.command('Subject: Watched\r\n\r\nLive.\r\n.');
  for (const code of ['SMFIC_MAIL', 'SMFIC_RCPT', 'SMFIC_BODYEOB'])
    await packets.getByText(code).first().waitFor();
  await shoot(page, 'day-7-conversation');
  assert.deepEqual(await axeFindings(page), []);
  await session.quit();

  // Spam is refused, and one finds out why in a few keys.
  assert.equal((await send(port, 'Spam', GTUBE)).code, 554);
  await page.keyboard.press('/');
  await page.keyboard.type('b@in.test');
  await page.keyboard.press('Enter');
  await page.locator('.row-line').filter({ hasText: 'Spam' }).first().waitFor();

  // A filter that is down holds mail when it is told so; it is released from the quarantine.
  await page.goto(`${url}${MILTERS}/spare`);
  await page.getByLabel('On error', { exact: true }).selectOption('quarantine');
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('dialog').getByText('It holds now').waitFor();
  await page.keyboard.press('Escape');
  assert.equal((await send(port, 'Held back', 'Let me go.')).code, 250);
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await page.getByRole('link', { name: 'Held back' }).click();
  await page.getByText('Let me go.').waitFor();
  await shoot(page, 'day-8-held');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.getByRole('radio', { name: 'Past all filters' }).check();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Release it' }).click();
  await page.getByText('Finished: 1 done').waitFor();
  await shoot(page, 'day-9-released');
  await until('it to be delivered', 10_000, async () =>
    (await readMaildir(join(folder, 'mail'))).some((mail) => mail.text.includes('Let me go.')),
  );

  // And a hostile message is as inert here as with made-up data.
  await page.getByRole('button', { name: 'Close' }).last().click();
  await send(port, ALL_HOSTILE.replace(/[\r\n\u0000]/g, ' '), ALL_HOSTILE);
  await page.goto(`${url}/messages`);
  await page.getByText('<img src=x onerror="alarm(1)">').first().waitFor();
  assert.deepEqual(outside, []);
  assert.deepEqual(errors, []);
});
