/** Every page in both themes: nothing serious by axe, nothing from elsewhere, no error; its states; and by keyboard alone. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { ACTIONS, PROTOCOL } from '../../src/ui/milters/flags.ts';
import { SMFIF, SMFIP } from '#milter/protocol';
import { axeFindings, shoot, startBrowser, watchedPage, type Watched } from '../support/browser.ts';
import { ensurePages } from '../support/built-pages.ts';
import { Cleanup } from '../support/folders.ts';
import { skipWithout } from '../support/processes.ts';
import { startFixture, type FixtureOptions } from '../support/ui-fixture.ts';
import { PAGES } from '../support/ui-pages.ts';
import { until } from '../support/wait.ts';

const skip = skipWithout('chromium');
before(ensurePages);

async function open(
  cleanup: Cleanup,
  options: FixtureOptions & { scheme?: 'light' | 'dark'; width?: number } = {},
) {
  const fixture = await startFixture(cleanup, options);
  const browser: Browser = await startBrowser(cleanup);
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: 900 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  });
  const watched: Watched = await watchedPage(context, fixture.url);
  return { fixture, context, ...watched };
}

/** Goes there and waits until nothing loads any more. */
async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(
    () => document.querySelector('[aria-label^="Loading"], .rows .skeleton') === null,
  );
}

/** Puts the focus on the first row of a list, once it stands still. */
async function focusFirstRow(page: Page): Promise<void> {
  const row = page.locator('.row-line[data-index="0"]');
  await row.locator('a').first().waitFor();
  await until('the first row to have the focus', 5000, async () => {
    await row.focus();
    return row.evaluate((element) => element === document.activeElement);
  });
}

for (const scheme of ['light', 'dark'] as const)
  test(
    `every page, ${scheme}: axe finds nothing serious, nothing comes from elsewhere, the policy is kept`,
    { skip },
    async (t) => {
      const { fixture, page, outside, errors } = await open(new Cleanup(t), { scheme });
      for (const [name, path] of PAGES) {
        await visit(page, fixture.url + path);
        await shoot(page, `${name}-${scheme}`);
        assert.deepEqual(await axeFindings(page), [], `${name}, ${scheme}`);
        assert.deepEqual(errors, [], `${name}, ${scheme}`);
      }
      assert.deepEqual(outside, []);
    },
  );

test(
  'the figures of a filter: a map of waits with its table, answers, edits, the latest error of each kind, bytes spared',
  { skip },
  async (t) => {
    const { fixture, page, errors } = await open(new Cleanup(t));
    await visit(page, `${fixture.url}/settings/mta/filters/milters`);
    const card = page.locator('.milter-card').first();
    await card.getByText('Figures').focus();
    await page.keyboard.press('Enter');
    await card.getByRole('img', { name: /^Waits of [\d,]+ messages for rspamd/ }).waitFor();
    await card.getByText('Waits as a table').focus();
    await page.keyboard.press('Enter');
    const minutes = card.getByRole('region', { name: 'Waits for rspamd as a table' }).getByRole('row');
    assert.equal(await minutes.count(), 61);
    await card.getByText('no answer within 60000 ms').waitFor();
    await card.getByRole('row', { name: /add header 3,512 2/ }).waitFor();
    await card.getByText('spared 41 MB by SKIP').waitFor();
    await shoot(page, 'milter-figures');
    assert.deepEqual(await axeFindings(page), []);
    await page.setViewportSize({ width: 320, height: 900 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${over} pixels too wide`);
    assert.deepEqual(errors, []);
  },
);

test('a narrow window, 320 pixels, as with 400 % zoom: nothing is cut off sideways', { skip }, async (t) => {
  const { fixture, page } = await open(new Cleanup(t), { width: 320 });
  for (const [name, path] of PAGES) {
    await visit(page, fixture.url + path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name} is ${over} pixels too wide`);
  }
  await shoot(page, 'narrow');
});

test('pages with nothing to show say which command fills them', { skip }, async (t) => {
  const { fixture, page } = await open(new Cleanup(t), { empty: true });
  for (const [path, command] of [
    ['/messages', 'swaks'],
    ['/conversations', 'swaks'],
    ['/queue', 'millrace queue'],
    ['/queue/suspended', 'millrace queue suspend'],
    ['/quarantine', 'millrace queue hold'],
    ['/settings/mta/filters/milters', 'millrace milter check'],
  ] as const) {
    await visit(page, fixture.url + path);
    await page.locator('.command', { hasText: command }).waitFor();
  }
  await shoot(page, 'empty');
});

test(
  'a viewer sees what he may not, and why; a file that cannot be written is said so',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const { fixture, page } = await open(cleanup, { scope: 'viewer' });
    await visit(page, `${fixture.url}/messages/00000000000001j9/source`);
    await page.getByText('needs the scope operator').waitFor();
    await visit(page, `${fixture.url}/settings/users`);
    await page.getByText('Your token does not allow this').waitFor();
    await visit(page, `${fixture.url}/queue/deferred`);
    assert.equal(await page.getByRole('button', { name: /Mark all/ }).count(), 0);
    const other = await open(cleanup, { writable: false });
    await visit(other.page, `${other.fixture.url}/settings/mta/filters/milters/rspamd`);
    await other.page.getByText('The configuration file cannot be written here').waitFor();
    await other.page.getByRole('region', { name: 'YAML of this milter' }).waitFor();
    await shoot(other.page, 'read-only');
  },
);

test(
  'trouble is told with its reason and a way to try again; a gateway that is away has a banner',
  { skip },
  async (t) => {
    const { fixture, page, context } = await open(new Cleanup(t));
    await visit(page, `${fixture.url}/queue/deferred`);
    await page.route('**/api/v1/quarantine?*', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: '{"title":"x","status":503,"detail":"the spool has trouble"}',
      }),
    );
    await page.getByRole('link', { name: 'Quarantine' }).click();
    await page.getByText('the spool has trouble').waitFor();
    await page.unroute('**/api/v1/quarantine?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.row-line').first().waitFor();
    await context.setOffline(true);
    await page.getByText('The gateway cannot be reached.', { exact: false }).first().waitFor();
    await shoot(page, 'away');
    await context.setOffline(false);
    await page.locator('.banner').waitFor({ state: 'detached' });
  },
);

test(
  'by keyboard alone: search, go places, walk a list, open, come back to the same row, order',
  { skip },
  async (t) => {
    const { fixture, page } = await open(new Cleanup(t));
    const keys = page.keyboard;
    await visit(page, fixture.url);
    await keys.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the page');
    await keys.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
    await keys.press('g');
    await keys.press('m');
    await page.waitForURL('**/messages');
    const row = page.locator('.row-line[data-index="0"]');
    await row.focus();
    for (const key of ['j', 'j', 'ArrowDown', 'k']) await keys.press(key);
    const current = () => page.evaluate(() => document.activeElement?.getAttribute('data-index'));
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-index') === '2');
    await keys.press('Enter');
    await page.waitForURL('**/messages/*');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await keys.press('Escape');
    await page.waitForURL('**/messages');
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-index') === '2');
    assert.equal(await current(), '2');
    await keys.press('/');
    await keys.type('timeoutData');
    await page.getByRole('option').first().waitFor();
    await keys.press('ArrowDown');
    await keys.press('Enter');
    await page.waitForURL('**/settings/mta/filters/milters');
    await keys.press('g');
    await keys.press('u');
    await page.waitForURL('**/quarantine');
    await focusFirstRow(page);
    await keys.press('x');
    await keys.press('j');
    await keys.press('j');
    await keys.press('Shift+X');
    await page.getByText('3 marked').waitFor();
    await keys.press('Delete');
    await page.getByRole('dialog', { name: 'Delete' }).waitFor();
    assert.equal(
      await page.evaluate(() => document.activeElement?.textContent),
      'Leave it',
      'the harmless button has the focus',
    );
    await keys.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keys.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.getByRole('switch', { name: 'Single keys do something' }).uncheck();
    await keys.press('Escape');
    await keys.press('g');
    await keys.press('d');
    await page.waitForTimeout(200);
    assert.match(page.url(), /quarantine$/, 'switched off, keys do nothing');
  },
);

test(
  'a message of the history is run through the filters again, dry, with its envelope and its bytes',
  { skip },
  async (t) => {
    const { fixture, page, errors } = await open(new Cleanup(t));
    await visit(page, `${fixture.url}/messages/00000000000001j9`);
    await page.getByRole('link', { name: 'Run again, dry' }).click();
    await page.getByText('00000000000001j9.eml').waitFor();
    const envelope = page.getByLabel('From', { exact: true });
    assert.notEqual(await envelope.inputValue(), 'sender@example.org');
    await page.getByText(/bytes of it are not kept/).waitFor();
    await page.getByRole('button', { name: 'Run all stages' }).click();
    await page.getByText('It would be refused by rspamd').waitFor();
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(errors, []);
  },
);

test('an order about many says how far it came, and why it ended early', { skip }, async (t) => {
  const { fixture, page } = await open(new Cleanup(t));
  await visit(page, `${fixture.url}/queue/deferred`);
  await focusFirstRow(page);
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  await page.keyboard.press('r');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /2$/ }).click();
  await dialog.getByText('Finished: 12 done, 1 not').waitFor();
  await dialog.getByRole('alert').getByText('the spool cannot be read').waitFor();
  await dialog.getByText('no such file').waitFor();
  assert.deepEqual(await axeFindings(page), []);
});

test(
  'a conversation is walked by n, p and e, folds open, and the packet is in the address',
  { skip },
  async (t) => {
    const { fixture, page } = await open(new Cleanup(t));
    await visit(page, `${fixture.url}/conversations/s1`);
    await page.keyboard.press('e');
    await page.waitForFunction(
      () => document.querySelector('.packets tr[aria-current]')?.textContent?.includes('CHGHEADER') === true,
    );
    await page.keyboard.press('n');
    await page.waitForFunction(
      () => document.querySelector('.packets tr[aria-current]')?.textContent?.includes('REPLYCODE') === true,
    );
    assert.match(page.url(), /n=1-\d+/);
    const before = await page.locator('.packets tbody tr').count();
    await page.getByRole('button', { name: /Unfold 9 packets/ }).click();
    assert.equal(await page.locator('.packets tbody tr').count(), before + 8);
    await page.locator('.packets tr', { hasText: 'SMFIR_OPTNEG' }).first().click();
    await page.getByRole('heading', { name: 'Macros it wants' }).waitFor();
    await page.getByText('i {auth_type}').waitFor();
    await page.getByLabel('Filter packets').fill('errors');
    await page.getByText(/^\d of \d+ lines/).waitFor();
  },
);

test(
  'the form: what is wrong stands at its field and in a summary that leads there; flags show their number',
  { skip },
  async (t) => {
    const { fixture, page } = await open(new Cleanup(t));
    await visit(page, `${fixture.url}/settings/mta/filters/milters/new`);
    assert.equal(
      await page
        .getByRole('navigation', { name: 'Where you are' })
        .innerText()
        .then((text) => text.replace(/\s+/g, ' ')),
      'Settings MTA Filters Milters New',
    );
    await page.getByLabel('Data', { exact: true }).fill('soon');
    await page.getByRole('button', { name: 'Review and save' }).click();
    await page.getByText('2 things are wrong').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'field-hostname');
    await page.getByRole('button', { name: /^Data:/ }).click();
    await page.waitForFunction(() => document.activeElement?.id === 'field-timeoutData');
    await page.getByLabel('Hostname').fill('192.0.2.9');
    await page.getByText('over the network unencrypted').waitFor();
    await page.getByLabel('Data', { exact: true }).fill('30s');
    await page.getByLabel('QUARANTINE').uncheck();
    await page.getByText('479 (0x1df)').waitFor();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('This is clamd, not a milter').waitFor();
    await shoot(page, 'test-connection');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Review and save' }).click();
    await page.getByRole('region', { name: 'Difference in the configuration' }).waitFor();
    await shoot(page, 'review');
    assert.deepEqual(await axeFindings(page), []);
  },
);

test('the flags of the pages are those of the protocol', () => {
  assert.deepEqual(Object.fromEntries(ACTIONS.map((flag) => [flag.name, flag.bit])), SMFIF);
  assert.deepEqual(Object.fromEntries(PROTOCOL.map((flag) => [flag.name, flag.bit])), SMFIP);
});
