/** Signing in to the interface for operators with the password of a user, and what it costs to guess (reliability A01, A03, A05). */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { hashPassword } from '#gateway';
import { Cleanup } from './support/folders.ts';
import { until } from './support/wait.ts';
import { ADMIN, administered, ask, sessionOf, tokenOf, type Headers } from './support/web.ts';

const SESSION = '/api/v1/session';
const QUEUE = '/api/v1/queue';
const RIGHT = 'correct horse bättery';

let hash = '';
let other = '';
before(async () => {
  hash = await hashPassword(RIGHT);
  other = await hashPassword('another');
});

/** Eva stands in the users file, the others in the configuration; mail-only has no scope. */
async function gatewayOf(t: TestContext) {
  const started = await administered(new Cleanup(t), {
    users: ['otto', 'default', 'mail-only'].map((name) => ({ name, password: hash })),
  });
  const change = async (edit: (config: { admin: object; users: object[] }) => void): Promise<void> => {
    const now = await ask(started.admin, 'GET', '/api/v1/config', { headers: ADMIN });
    const { text } = now.json() as { text: string };
    const config = JSON.parse(text) as { admin: object; users: object[] };
    edit(config);
    const changed = await ask(started.admin, 'PUT', '/api/v1/config', {
      headers: { ...ADMIN, 'if-match': '*' },
      body: { text: JSON.stringify(config) },
    });
    assert.equal(changed.status, 200, changed.text);
  };
  const file = join(started.folder, 'users');
  await writeFile(file, `eva@example.org:${hash}\n`);
  const scopes = (more: Readonly<Record<string, string>>) =>
    change((config) =>
      Object.assign(config, {
        usersFile: file,
        admin: { ...config.admin, users: Object.entries(more).map(([name, scope]) => ({ name, scope })) },
      }),
    );
  await scopes({ 'eva@example.org': 'operator', otto: 'admin', default: 'viewer' });
  const begin = (user: string, password: string, headers: Headers = {}) =>
    ask(started.admin, 'POST', SESSION, { body: { user, password }, headers });
  const signIn = async (user: string) => {
    const begun = await begin(user, RIGHT);
    assert.equal(begun.status, 200, begun.text);
    const cookie = String(begun.headers['set-cookie']?.[0]).split(';')[0]!;
    const { csrf, ...who } = begun.json() as { csrf: string; name: string; scope: string };
    return { who, begun, cookie: { cookie }, full: { cookie, 'x-csrf-token': csrf } };
  };
  return { ...started, change, scopes, begin, signIn, file };
}

test('A01: a user with a scope signs in with name and password, and may do what the scope says', async (t) => {
  const { admin, begin, signIn } = await gatewayOf(t);
  const eva = await signIn('eva@example.org');
  assert.deepEqual(eva.who, { name: 'eva@example.org', scope: 'operator' });
  assert.deepEqual(String(eva.begun.headers['set-cookie']).split('; ').slice(1).toSorted(), [
    'HttpOnly',
    'Path=/',
    'SameSite=Strict',
  ]);
  assert.equal((await ask(admin, 'GET', QUEUE, { headers: eva.cookie })).status, 200);
  assert.equal((await ask(admin, 'GET', '/api/v1/config', { headers: eva.full })).status, 403);
  const order = { kind: 'domain', name: 'a.test', reason: 'r' };
  const suspend = (headers: Headers) => ask(admin, 'POST', '/api/v1/suspensions', { headers, body: order });
  assert.equal((await suspend(eva.cookie)).status, 403, 'no CSRF value');
  const said = { ...eva.full, 'x-operator': 'somebody-else' };
  assert.equal(((await suspend(said)).json() as { by: string }).by, 'operator:eva@example.org');
  for (const from of [
    { origin: 'http://evil.test' },
    { 'sec-fetch-site': 'cross-site' },
  ] as readonly Headers[])
    assert.equal((await begin('otto', RIGHT, from)).status, 403, 'no other site signs somebody in');
  for (const bearer of [RIGHT, `otto:${RIGHT}`, Buffer.from(`otto:${RIGHT}`).toString('base64')])
    for (const kind of ['Bearer', 'Basic'])
      assert.equal(
        (await ask(admin, 'GET', QUEUE, { headers: { authorization: `${kind} ${encodeURI(bearer)}` } }))
          .status,
        401,
        'a password is no token',
      );
});

test('A01: who has no scope, a wrong password or no name gets nothing, and the log tells none of them', async (t) => {
  const { gateway, begin } = await gatewayOf(t);
  const wrong = [
    ['eva@example.org', 'x'],
    ['eva@example.org', RIGHT.normalize('NFD')],
    ['EVA@example.org', RIGHT],
    ['nobody-is-called-this', RIGHT],
    ['mail-only', 'x'],
  ] as const;
  const answers = await Promise.all(wrong.map(([user, password]) => begin(user, password)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    wrong.map(() => 401),
  );
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer for all of them');
  assert.ok(answers.every(({ headers }) => headers['set-cookie'] === undefined));
  const barred = await begin('mail-only', RIGHT);
  assert.equal(barred.status, 403);
  assert.match(barred.text, /admin\.users/);
  const log = JSON.stringify(gateway.log);
  assert.match(log, /admin\.refused/);
  for (const secret of [RIGHT, 'nobody-is-called-this', hash]) assert.ok(!log.includes(secret));
});

test('A01: a session follows its user: another scope, another password, no scope at all', async (t) => {
  const { admin, scopes, signIn, change, file } = await gatewayOf(t);
  const [eva, otto, named] = await Promise.all(['eva@example.org', 'otto', 'default'].map(signIn));
  const status = async (headers: Headers, path = QUEUE): Promise<number> =>
    (await ask(admin, 'GET', path, { headers })).status;
  assert.equal(await status(otto!.full, '/api/v1/config'), 200);
  await scopes({ 'eva@example.org': 'operator', otto: 'viewer', default: 'operator' });
  assert.equal(await status(otto!.full, '/api/v1/config'), 403);
  assert.equal(await status(otto!.full), 200);
  // The token of the configuration has this name too; what it may, this user may not.
  const suspended = await ask(admin, 'POST', '/api/v1/suspensions', {
    headers: { ...named!.full, 'x-operator': 'somebody-else' },
    body: { kind: 'domain', name: 'b.test', reason: 'r' },
  });
  assert.equal((suspended.json() as { by: string }).by, 'operator:default');
  await change((config) => {
    config.users = config.users.map((user) =>
      'name' in user && user.name === 'otto' ? { ...user, password: other } : user,
    );
  });
  assert.equal(await status(otto!.full), 401, 'another password');
  await writeFile(file, `eva@example.org:${other}\n`);
  await until('the users file is read', 10_000, async () => (await status(eva!.full)) === 401);
  await scopes({ otto: 'viewer' });
  assert.equal(await status(named!.full), 401, 'no scope any more');
});

test('a token and a user of one name are two', async (t) => {
  const { admin, signIn } = await gatewayOf(t);
  const token = await tokenOf(admin, 'otto', 'viewer');
  const [byPassword, byToken] = [await signIn('otto'), await sessionOf(admin, token)];
  assert.equal((await ask(admin, 'DELETE', '/api/v1/tokens/otto', { headers: ADMIN })).status, 204);
  assert.equal((await ask(admin, 'GET', QUEUE, { headers: byToken.full })).status, 401);
  assert.equal((await ask(admin, 'GET', QUEUE, { headers: byPassword.full })).status, 200);
});

test('A05: guessed passwords are braked, many at once as well; tokens from there still open', async (t) => {
  const { admin, begin, gateway } = await gatewayOf(t);
  const guesses = await Promise.all(Array.from({ length: 40 }, (_, n) => begin('otto', `guess ${n}`)));
  const refused = guesses.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 29, `${refused.length} of 40 refused`);
  assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1));
  assert.ok(guesses.every(({ status }) => status === 429 || status === 401));
  assert.equal((await ask(admin, 'GET', QUEUE, { headers: ADMIN })).status, 200);
  // The right one is let in as soon as the wait is over.
  await until('the wait is over', 20_000, async () => (await begin('otto', RIGHT)).status === 200);
  assert.ok(!JSON.stringify(gateway.log).includes('guess'));
});

test('a log-in says a token, or a user and a password, and nothing else', async (t) => {
  const { admin, begin } = await gatewayOf(t);
  const status = async (body: unknown): Promise<number> =>
    (await ask(admin, 'POST', SESSION, { body })).status;
  for (const body of [
    {},
    { user: 'otto' },
    { password: RIGHT },
    { user: 'otto', password: '' },
    { user: '', password: RIGHT },
    { user: 'otto', password: RIGHT, token: 'x' },
    { user: 'otto', password: RIGHT, scope: 'admin' },
    { user: ['otto'], password: RIGHT },
    { user: 'o'.repeat(301), password: RIGHT },
    { user: 'otto', password: 'x'.repeat(1025) },
  ])
    assert.equal(await status(body), 400, JSON.stringify(body).slice(0, 80));
  assert.equal(await status({ user: 'otto', password: 'x'.repeat(5000) }), 413);
  assert.equal((await begin('otto', 'x'.repeat(1024))).status, 401);
});
