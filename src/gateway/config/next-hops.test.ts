import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BOUNDS } from './defaults.ts';
import { loadConfig, type RouteConfig } from './index.ts';

type Fields = Readonly<Record<string, unknown>>;

const load = (route: Fields, more: Fields = {}) =>
  loadConfig(
    {
      text: JSON.stringify({
        hostname: 'mx.test',
        delivery: { routes: [{ match: 'true', ...route }], ...more },
      }),
      name: 'test',
      base: '/base',
    },
    { env: { SECRET: 'pässword', EMPTY: '' } },
  );

function routeOf(route: Fields): RouteConfig {
  const loaded = load(route);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config.delivery.routes[0]!;
}

/** Places and messages of what was refused. */
function refusals(route: Fields, more: Fields = {}): string[] {
  const loaded = load(route, more);
  return loaded.ok ? [] : loaded.errors.map((e) => `${e.path.replace('delivery.', '')}: ${e.message}`);
}

const SMTP = { via: 'smtp', to: ['10.0.0.1', 'mail.example.org:2525', '[2001:db8::1]:587'] };

test('a route to next hops has its defaults', () => {
  const { match: _, ...route } = routeOf(SMTP);
  assert.deepEqual(route, {
    concurrency: null,
    rate: null,
    via: 'smtp',
    to: [
      { host: '10.0.0.1', port: 25, path: '' },
      { host: 'mail.example.org', port: 2525, path: '' },
      { host: '2001:db8::1', port: 587, path: '' },
    ],
    tls: 'opportunistic',
    tlsCa: '',
    balance: 'order',
    auth: null,
    source: '',
  });
});

test('LMTP goes to hosts at port 24 and to unix sockets', () => {
  const { match: _, ...route } = routeOf({ via: 'lmtp', to: ['127.0.0.1', 'unix:run/lmtp', 'unix:/run/x'] });
  assert.deepEqual(route, {
    concurrency: null,
    rate: null,
    via: 'lmtp',
    to: [
      { host: '127.0.0.1', port: 24, path: '' },
      { host: 'localhost', port: 0, path: '/base/run/lmtp' },
      { host: 'localhost', port: 0, path: '/run/x' },
    ],
    tls: 'opportunistic',
    tlsCa: '',
    balance: 'order',
    source: '',
  });
  assert.deepEqual(refusals({ via: 'lmtp', to: 'unix:/run/x', tls: 'require' }), [
    'routes[0].tls: a unix socket has no TLS',
  ]);
  for (const to of ['unix:', `unix:/${'x'.repeat(108)}`])
    assert.match(refusals({ via: 'lmtp', to })[0]!, /^routes\[0\]\.to: .* is no unix socket$/);
  assert.match(refusals({ via: 'smtp', to: 'unix:/run/x' })[0]!, /is no host to connect to$/);
});

test('an account needs TLS, and gets it by default', () => {
  const auth = { user: 'relay', password: { env: 'SECRET' } };
  const route = routeOf({ ...SMTP, auth });
  assert.ok(route.via === 'smtp');
  assert.equal(route.tls, 'require');
  assert.deepEqual(route.auth, { user: 'relay', password: 'p\xc3\xa4ssword' });
  assert.deepEqual(refusals({ ...SMTP, auth, tls: 'opportunistic' }), [
    'routes[0].tls: is too little for auth',
  ]);
  assert.deepEqual(refusals({ ...SMTP, auth, tls: 'off' }), [
    'routes[0].tls: would show the password to the network',
  ]);
  assert.deepEqual(refusals({ via: 'smtp', to: ['127.0.0.9:25', '::1'], auth, tls: 'off' }), []);
  assert.match(refusals({ ...SMTP, auth: { user: 'a' } })[0]!, /password/);
});

test('a password is never shown, wherever it stands', () => {
  for (const password of [
    12345678,
    'a'.repeat(1025),
    'hush\0hush',
    ['hush'],
    { env: 'EMPTY' },
    { env: 'NONE' },
  ]) {
    const loaded = load({ ...SMTP, auth: { user: 'a', password } });
    assert.ok(!loaded.ok);
    assert.equal(loaded.errors.length, 1);
    assert.ok(!/12345678|aaaa|hush/.test(JSON.stringify(loaded.errors)), JSON.stringify(loaded.errors));
  }
  for (const length of [1, 1024]) routeOf({ ...SMTP, auth: { user: 'a', password: 'p'.repeat(length) } });
});

test('a rate is messages and a time', () => {
  for (const [written, rate] of [
    ['100/1m', { messages: 100, ms: 60_000 }],
    ['1 / 1s', { messages: 1, ms: 1000 }],
    ['1000000/1d', { messages: 1_000_000, ms: 86_400_000 }],
  ] as const)
    assert.deepEqual(routeOf({ ...SMTP, rate: written }).rate, rate);
  for (const written of ['0/1m', '1000001/1m', '5/999ms', '5/2d', '5', '5/', '/1m', '-1/1m', '1.5/1m', '5/m'])
    assert.match(refusals({ ...SMTP, rate: written })[0]!, /^routes\[0\]\.rate: .* is no rate$/, written);
});

test('a source address is an address, of the kind that the hops have', () => {
  const route = routeOf({ via: 'smtp', to: ['10.0.0.1', 'mail.example.org'], source: '10.0.0.9' });
  assert.ok(route.via === 'smtp' && route.source === '10.0.0.9');
  assert.match(refusals({ ...SMTP, source: 'here' })[0]!, /is not an IP address$/);
  assert.deepEqual(refusals({ ...SMTP, source: '10.0.0.9' }), [
    'routes[0].source: is of another kind than 2001:db8::1',
  ]);
});

test('keys that have no meaning with a means are refused', () => {
  const all = {
    tls: 'off',
    balance: 'order',
    auth: { user: 'a', password: 'b' },
    source: '10.0.0.1',
    concurrency: 1,
    rate: '1/1s',
  };
  const refused = (via: string, to?: string) =>
    refusals({ via, to, ...all })
      .filter((r) => r.includes('no meaning'))
      .map((r) => /routes\[0\]\.(\w+)/.exec(r)![1]!);
  assert.deepEqual(refused('discard'), ['tls', 'balance', 'auth', 'source', 'concurrency', 'rate']);
  assert.deepEqual(refused('maildir', '/m'), ['tls', 'balance', 'auth', 'source']);
  assert.deepEqual(refused('lmtp', '10.0.0.1'), ['auth']);
  assert.deepEqual(refused('smtp', '127.0.0.1'), []);
});

test('waits for next hops are those that were written, from 100 ms to an hour', () => {
  const timeoutsOf = (timeouts: Fields) => {
    const loaded = load(SMTP, { timeouts });
    return loaded.ok ? loaded.config.delivery.timeouts : null;
  };
  assert.deepEqual(timeoutsOf({}), {});
  assert.deepEqual(timeoutsOf({ connect: '100ms', dot: '1h' }), { connect: 100, dot: 3_600_000 });
  assert.equal(timeoutsOf({ connect: '99ms' }), null);
  assert.equal(timeoutsOf({ dot: '3600001ms' }), null);
  assert.equal(timeoutsOf({ quit: '1s' }), null);
});

test('a file of authorities holds certificates, and is for routes that check them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'authorities-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const refused = async (name: string, content: string): Promise<string[]> =>
    refusals({ ...SMTP, tls: 'require', tlsCa: await file(name, content) });
  assert.deepEqual(await refused('empty', ''), [`routes[0].tlsCa: ${folder}/empty holds no certificate`]);
  assert.deepEqual(await refused('text', 'hush'), [`routes[0].tlsCa: ${folder}/text holds no certificate`]);
  const most = '#'.repeat(BOUNDS.authorities);
  assert.match((await refused('most', most))[0]!, /most holds no certificate$/);
  assert.match((await refused('more', `${most}#`))[0]!, /more is too large$/);
  for (const via of ['smtp', 'lmtp', 'mx'])
    assert.deepEqual(
      refusals({ via, ...(via !== 'mx' && { to: 'a.test' }), tls: 'require', tlsCa: 'none.pem' }),
      ['routes[0].tlsCa: /base/none.pem cannot be read (ENOENT)'],
    );
  assert.match(
    refusals({ ...SMTP, tlsCa: join(folder, 'text') })[0]!,
    /tlsCa: has no meaning with tls: opportunistic$/,
  );
});
