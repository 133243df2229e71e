/** Getting in and keeping others out, at the pages of a real gateway: by password, and a token made, used and revoked. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { hashPassword } from '#gateway';
import { axeFindings, shoot, startBrowser, watchedPage } from '../support/browser.ts';
import { ensurePages } from '../support/built-pages.ts';
import { Cleanup } from '../support/folders.ts';
import { skipWithout } from '../support/processes.ts';
import { administered, ask, type Headers } from '../support/web.ts';

before(ensurePages);
const skip = skipWithout('chromium');
const NAME = 'eva@example.org';
const PASSWORD = 'a password of eva';

test('a user signs in with a password, makes a token and revokes it', { skip }, async (t) => {
  const cleanup = new Cleanup(t);
  const started = await administered(cleanup, {
    users: [{ name: NAME, password: await hashPassword(PASSWORD) }],
  });
  const { admin } = started;
  const url = `http://127.0.0.1:${admin}`;
  const context = await (await startBrowser(cleanup)).newContext({ reducedMotion: 'reduce' });
  const { page, errors, outside } = await watchedPage(context, url);
  const signIn = async (password: string): Promise<void> => {
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
  };

  await page.goto(`${url}/settings/users`);
  await page.getByText('With a password').click();
  await page.getByLabel('Name', { exact: true }).fill(NAME);
  await shoot(page, 'sign-in-password');
  assert.deepEqual(await axeFindings(page), []);
  await signIn('not the password');
  await page.getByText('Name or password is wrong').waitFor();
  await signIn(PASSWORD);
  await page.getByText('this user may not use the pages').waitFor();

  const token = 'the-admin-token-of-this-test';
  const headers: Headers = { authorization: `Bearer ${token}`, 'if-match': '*' };
  const { text } = (await ask(admin, 'GET', '/api/v1/config', { headers })).json() as { text: string };
  const config = JSON.parse(text) as { admin: object };
  const changed = { ...config, admin: { ...config.admin, users: [{ name: NAME, scope: 'admin' }] } };
  const body = { text: JSON.stringify(changed) };
  assert.equal((await ask(admin, 'PUT', '/api/v1/config', { headers, body })).status, 200);
  await signIn(PASSWORD);

  // Back where one wanted to go.
  await page.getByRole('heading', { name: 'Users and tokens' }).waitFor();
  await page.getByTitle(`Signed in as ${NAME} (admin); sign out`).waitFor();
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('grafana');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const made = await dialog.locator('code').first().innerText();
  assert.match(made, /^mlr_/);
  const status = async (): Promise<number> =>
    (await ask(admin, 'GET', '/api/v1/queue', { headers: { authorization: `Bearer ${made}` } })).status;
  assert.equal(await status(), 200);
  await page.keyboard.press('Escape');
  const row = page.getByRole('row').filter({ hasText: 'grafana' });
  await row.getByRole('button', { name: /Revoke/ }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Revoke/ })
    .click();
  await row.waitFor({ state: 'detached' });
  assert.equal(await status(), 401);
  assert.deepEqual(errors, []);
  assert.deepEqual(outside, []);
});
