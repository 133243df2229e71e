/** Who gets in to the admin interface, and who does not (reliability A01, A02, A03, A05; P26). */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { json, millrace } from './support/operator.ts';
import { pause } from './support/wait.ts';
import {
  ADMIN,
  administered,
  ask,
  raw,
  sessionOf,
  TOKEN,
  tokenOf,
  waysIn,
  type Headers,
} from './support/web.ts';

const QUEUE = '/api/v1/queue';
const NEW = { name: 'made', scope: 'viewer' };

/** Nothing of the gateway's secrets is in an answer. */
function bland(text: string): void {
  for (const secret of [TOKEN, 'tokens.json', '/state', 'node:', 'at async'])
    assert.ok(!text.includes(secret), text);
}

test('A01: no way in opens without a token, with a wrong one, or with a session that is over', async (t) => {
  const { admin } = await administered(new Cleanup(t));
  const ways = await waysIn(admin);
  assert.ok(ways.length >= 30, `${ways.length} ways in`);
  const over = await sessionOf(admin, TOKEN);
  assert.equal((await ask(admin, 'DELETE', '/api/v1/session', { headers: over.full })).status, 204);
  const revoked = await tokenOf(admin, 'gone', 'admin');
  const orphan = await sessionOf(admin, revoked);
  assert.equal((await ask(admin, 'GET', QUEUE, { headers: orphan.cookie })).status, 200);
  assert.equal((await ask(admin, 'DELETE', '/api/v1/tokens/gone', { headers: ADMIN })).status, 204);
  const strangers: readonly Headers[] = [
    {},
    over.full,
    orphan.full,
    { cookie: 'millrace_session=' },
    { cookie: 'millrace_session=__proto__' },
    { authorization: TOKEN },
    { authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` },
    { authorization: 'Bearer' },
  ];
  for (const { method, path } of ways.filter(
    (way) => !(way.method === 'POST' && way.path === '/api/v1/session'),
  ))
    for (const headers of strangers) {
      const answer = await ask(admin, method, path, { headers, ...(method !== 'GET' && { body: {} }) });
      assert.equal(answer.status, 401, `${method} ${path} ${JSON.stringify(headers)}`);
      bland(answer.text);
    }
  for (const token of [`${TOKEN}x`, TOKEN.slice(1), revoked, 'x'.repeat(600)]) {
    const answer = await ask(admin, 'GET', QUEUE, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 401);
    bland(answer.text);
  }
  assert.equal((await ask(admin, 'GET', '/healthz')).status, 200);
});

test('A01: other methods and ways of writing a path open nothing and change nothing', async (t) => {
  const { admin } = await administered(new Cleanup(t));
  const refused = (answer: { status: number; text: string; headers: object }, what: string): void => {
    // What is no path of the API may be a page, which tells nothing.
    const page = answer.status === 200 && /text\/html/.test(JSON.stringify(answer.headers));
    assert.ok(page || [400, 401, 403, 404, 405].includes(answer.status), `${what}: ${answer.status}`);
    assert.ok(!answer.text.includes('"entries"'), what);
    bland(answer.text);
  };
  for (const method of ['OPTIONS', 'HEAD', 'TRACE', 'PATCH', 'PUT', 'PROPFIND', 'M-SEARCH'])
    refused(await ask(admin, method, QUEUE), method);
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override'])
    for (const method of ['GET', 'POST'])
      refused(
        await ask(admin, method, '/api/v1/tokens', {
          headers: { [name]: method === 'GET' ? 'POST' : 'GET' },
        }),
        name,
      );
  for (const path of [
    '//api/v1/queue',
    '/./api/v1/queue',
    '/api//v1/queue',
    '/api/./v1/queue',
    '/api/v1/../v1/queue',
    '/healthz/../api/v1/queue',
    '/api/v1/session/../queue',
    '/%61pi/v1/queue',
    '/api/v1/%71ueue',
    '/api%2fv1%2fqueue',
    '/api/v1/%2e%2e/v1/queue',
    '/API/v1/queue',
    '/api/V1/QUEUE',
    '/api/v1/queue.',
    '/api/v1/queue/',
    '/api/v1/queue;x',
    '/api/v1/queue%00',
    '/api/v1/queue?token=' + TOKEN,
    '/\\api\\v1\\queue',
    'http://127.0.0.1/api/v1/queue',
  ])
    refused(await ask(admin, 'GET', path), path);
  assert.match(
    await raw(admin, 'CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
    /^(?:$|HTTP\/1\.1 40)/,
  );
  const made = await ask(admin, 'GET', '/api/v1/tokens', { headers: ADMIN });
  assert.deepEqual(
    (made.json() as { name: string }[]).map(({ name }) => name),
    ['default'],
  );
});

test('A01: a scope does what it may and no more, by token and by session', async (t) => {
  const { admin, gateway } = await administered(new Cleanup(t));
  const viewer = await tokenOf(admin, 'looks', 'viewer');
  const operator = await tokenOf(admin, 'works', 'operator');
  const ways = await waysIn(admin);
  const OPERATORS =
    /^\/api\/v1\/(?:queue|suspensions|quarantine|jobs|conversations|capture|history|milters\/x1\/(?:pause|resume|reset|health)$)/;
  /** Changes nothing and tells nothing of the gateway: an expression is tried. */
  const TRIES = /^\/api\/v1\/expressions\//;
  const session = await sessionOf(admin, viewer);
  for (const { method, path } of ways.filter(({ path: p }) => p !== '/api/v1/session')) {
    const body = method === 'GET' ? {} : { body: {} };
    const by = async (headers: Headers): Promise<number> =>
      (await ask(admin, method, path, { headers, ...body })).status;
    if (TRIES.test(path)) assert.notEqual(await by({ authorization: `Bearer ${viewer}` }), 403, path);
    else if (method !== 'GET') {
      assert.equal(await by({ authorization: `Bearer ${viewer}` }), 403, `viewer ${method} ${path}`);
      assert.equal(await by(session.full), 403, `viewer's session ${method} ${path}`);
      if (!OPERATORS.test(path))
        assert.equal(await by({ authorization: `Bearer ${operator}` }), 403, `operator ${method} ${path}`);
    } else if (/\/(?:tokens|config|config\/history)$/.test(path))
      assert.equal(await by({ authorization: `Bearer ${operator}` }), 403, `operator ${method} ${path}`);
    else if (/\/(?:message|header)$/.test(path))
      assert.equal(await by({ authorization: `Bearer ${viewer}` }), 403, `content ${path}`);
  }
  assert.equal(
    (await ask(admin, 'GET', QUEUE, { headers: { authorization: `Bearer ${viewer}` } })).status,
    200,
  );
  // Who gave an order is whose token it was, whatever the request says.
  const headers = { authorization: `Bearer ${operator}`, 'x-operator': 'somebody-else' };
  const suspended = await ask(admin, 'POST', '/api/v1/suspensions', {
    headers,
    body: { kind: 'domain', name: 'a.test', reason: 'r' },
  });
  assert.equal((suspended.json() as { by: string }).by, 'operator:works');
  assert.equal(gateway.strayLines.length, 0);
});

test('A02: without a configured token one is made for its owner alone, and nothing opens without it', async (t) => {
  const { admin, control } = await administered(new Cleanup(t), { admin: undefined });
  await assert.rejects(ask(admin, 'GET', QUEUE), 'without admin in the configuration nothing listens');
  assert.equal((await stat(control)).mode & 0o777, 0o600);
  assert.equal((await ask(control, 'GET', QUEUE)).status, 200);
});

test('A02: the token that is made is random and told in no log', async (t) => {
  const cleanup = new Cleanup(t);
  const first = await administered(cleanup);
  const { admin: port, folder, gateway } = first;
  const text = (await readFile(gateway.configFile, 'utf8')).replace(/,\s*"token": "[^"]*"/, '');
  await gateway.stop();
  await writeFile(gateway.configFile, text);
  await gateway.start();
  await first.opened();
  const file = join(folder, 'state', 'admin.token');
  const token = (await readFile(file, 'latin1')).trim();
  assert.match(token, /^[\w-]{43}$/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await ask(port, 'GET', QUEUE)).status, 401);
  for (const guess of ['admin', 'default', 'changeme', 'millrace', TOKEN])
    assert.equal(
      (await ask(port, 'GET', QUEUE, { headers: { authorization: `Bearer ${guess}` } })).status,
      401,
    );
  assert.equal(
    (await ask(port, 'GET', QUEUE, { headers: { authorization: `Bearer ${token}` } })).status,
    200,
  );
  assert.ok(!JSON.stringify(gateway.log).includes(token));
});

test('A03: the cookie is out of reach for scripts and other sites, and over TLS alone behind a proxy with TLS', async (t) => {
  const { admin } = await administered(new Cleanup(t));
  const { begun } = await sessionOf(admin, TOKEN);
  const attributes = String(begun.headers['set-cookie']).split('; ').slice(1).toSorted();
  assert.deepEqual(attributes, ['HttpOnly', 'Path=/', 'SameSite=Strict']);
  assert.deepEqual(Object.keys(begun.json() as object).toSorted(), ['csrf', 'name', 'scope']);
  const proxied = await ask(admin, 'POST', '/api/v1/session', {
    headers: { 'x-forwarded-proto': 'https' },
    body: { token: TOKEN },
  });
  assert.match(String(proxied.headers['set-cookie']), /; Secure(?:;|$)/);
});

test('A03: what another site makes a browser send is refused and changes nothing', async (t) => {
  const { admin: port } = await administered(new Cleanup(t));
  const { cookie, full } = await sessionOf(port, TOKEN);
  const foreign: readonly Headers[] = [
    { origin: 'http://evil.test' },
    { origin: 'null' },
    { origin: `http://127.0.0.1:${port + 1}` },
    { origin: `http://127.0.0.1.evil.test:${port}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  const post = (headers: Headers, body: unknown = NEW) =>
    ask(port, 'POST', '/api/v1/tokens', { headers, body });
  for (const from of foreign) {
    assert.equal((await post({ ...full, ...from })).status, 403, JSON.stringify(from));
    assert.equal(
      (await ask(port, 'GET', QUEUE, { headers: { ...full, ...from } })).status,
      403,
      'GET and events too',
    );
    const logIn = await ask(port, 'POST', '/api/v1/session', { headers: from, body: { token: TOKEN } });
    assert.equal(logIn.status, 403, 'nor can it log somebody in');
  }
  assert.equal((await post(cookie)).status, 403, 'no CSRF value');
  assert.equal((await post({ ...cookie, 'x-csrf-token': 'x' })).status, 403);
  assert.equal(
    (await post({ ...cookie, 'x-csrf-token': (await sessionOf(port, TOKEN)).full['x-csrf-token']! })).status,
    403,
    'of another session',
  );
  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    '',
  ]) {
    const sent = { ...full, 'content-type': type };
    assert.ok([400, 415].includes((await post(sent, JSON.stringify(NEW))).status), type);
    const logIn = await ask(port, 'POST', '/api/v1/session', {
      headers: { 'content-type': type },
      body: JSON.stringify({ token: TOKEN }),
    });
    assert.ok([400, 415].includes(logIn.status), `log-in as ${type}`);
  }
  for (const method of ['GET', 'HEAD'])
    for (const path of [
      '/api/v1/tokens?name=made&scope=viewer',
      '/api/v1/queue-orders?verb=delete&all=true',
      '/api/v1/config/rollback',
    ])
      await ask(port, method, path, { headers: full });
  const upgrade = {
    ...full,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'x',
    origin: 'http://evil.test',
  };
  assert.notEqual((await ask(port, 'GET', QUEUE, { headers: upgrade })).status, 101);
  assert.equal(
    ((await ask(port, 'GET', '/api/v1/tokens', { headers: full })).json() as unknown[]).length,
    1,
    'nothing was made',
  );
  const own = {
    ...full,
    origin: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    'sec-fetch-site': 'same-origin',
  };
  assert.equal((await post(own)).status, 201, 'a page of ours may');
});

test('A03: a name that leads to this machine is not one of ours (DNS rebinding)', async (t) => {
  const { admin: port } = await administered(new Cleanup(t));
  for (const host of [
    'evil.test',
    `evil.test:${port}`,
    '127.0.0.1.evil.test',
    'localhost@evil.test',
    '10.0.0.1',
  ]) {
    const answer = await ask(port, 'GET', QUEUE, { headers: { ...ADMIN, host } });
    assert.ok([400, 403].includes(answer.status), host);
  }
  for (const host of ['Host:\r\n', '']) {
    const request = `GET ${QUEUE} HTTP/1.1\r\n${host}Authorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`;
    assert.match(await raw(port, request), /^HTTP\/1\.1 40[03] /, JSON.stringify(host));
  }
  for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, 'mx.test'])
    assert.equal((await ask(port, 'GET', QUEUE, { headers: { ...ADMIN, host } })).status, 200, host);
  assert.equal(
    (await ask(port, 'GET', '/healthz', { headers: { host: 'evil.test' } })).status,
    200,
    'health tells nothing',
  );
});

test('A05: a thousand wrong tokens at fifty a second are slowed down, and who has a right one is let in meanwhile', async (t) => {
  const { admin, gateway } = await administered(new Cleanup(t));
  const statuses: number[] = [];
  const waits: number[] = [];
  const admitted: number[] = [];
  const rush = async (): Promise<void> => {
    const sent: Promise<unknown>[] = [];
    for (let n = 0; n < 1000; n++) {
      const wrong = `wrong-token-number-${n}`;
      const one =
        n % 2 === 0
          ? ask(admin, 'POST', '/api/v1/session', { body: { token: wrong } })
          : ask(admin, 'GET', QUEUE, { headers: { authorization: `Bearer ${wrong}` } });
      sent.push(
        one.then(({ status, headers }) => {
          statuses.push(status);
          waits.push(Number(headers['retry-after'] ?? 0));
        }),
      );
      await pause(20);
    }
    await Promise.all(sent);
  };
  const state = { rushing: true };
  const guessing = rush().finally(() => (state.rushing = false));
  while (state.rushing) {
    const begin = performance.now();
    const begun = await ask(admin, 'POST', '/api/v1/session', { body: { token: TOKEN } });
    if (begun.status === 200) admitted.push(performance.now() - begin);
    assert.equal((await ask(admin, 'GET', QUEUE, { headers: ADMIN })).status, 200);
    await pause(1000);
  }
  await guessing;
  assert.equal(statuses.filter((s) => s === 401).length, 10);
  assert.equal(statuses.filter((s) => s === 429).length, 990);
  assert.ok(
    admitted.length >= 15 && Math.max(...admitted) < 5000,
    `${admitted.length} in ${Math.max(...admitted)} ms`,
  );
  assert.equal(Math.max(...waits), 60);
  assert.ok(
    gateway.log.filter(({ event }) => event === 'admin.refused').length <= 10 && gateway.log.length < 200,
    'the log is not flooded',
  );
  const large = await ask(admin, 'POST', '/api/v1/session', { body: { token: 'x'.repeat(1_000_000) } });
  assert.equal(large.status, 413);
  for (const token of ['', 5, null, ['x'], { a: 1 }])
    assert.equal((await ask(admin, 'POST', '/api/v1/session', { body: { token } })).status, 400);
});

test('tokens and settings by command, at the control socket', async (t) => {
  const { folder, admin } = await administered(new Cleanup(t));
  const made = await millrace(folder, 'token', 'create', 'grafana', 'viewer');
  assert.equal(made.code, 0, made.errors);
  const [token = ''] = made.out;
  assert.equal(
    (await ask(admin, 'GET', QUEUE, { headers: { authorization: `Bearer ${token}` } })).status,
    200,
  );
  assert.equal((await millrace(folder, 'token', 'create', 'grafana', 'viewer')).code, 2);
  const listed = json<{ name: string; lastUsed: string | null }>(
    (await millrace(folder, 'token', 'list', '--json')).out,
  );
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['default', 'grafana'],
  );
  assert.ok(listed[1]!.lastUsed !== null);
  assert.equal((await millrace(folder, 'token', 'revoke', 'grafana')).code, 0);
  assert.equal(
    (await ask(admin, 'GET', QUEUE, { headers: { authorization: `Bearer ${token}` } })).status,
    401,
  );
  const shown = await millrace(folder, 'config', 'show');
  assert.ok(
    shown.out.includes('hostname: mx.test') &&
      shown.out.some((line) => line.includes('timeoutData') || line.includes('milters: []')),
  );
  assert.ok(!shown.out.join('\n').includes(TOKEN));
  const written = (await millrace(folder, 'config', 'show', '--non-default')).out.join('\n');
  assert.ok(written.includes('hostname') && !written.includes('shedding'));
});
