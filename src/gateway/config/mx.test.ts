import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnosticLine, loadConfig } from '#gateway/config';

const load = (text: string) => loadConfig({ text, name: 'c.yaml', base: '/tmp' }, { env: {} });

function dnsOf(text: string): unknown {
  const loaded = load(text);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(diagnosticLine).join('\n'));
  return loaded.config.dns;
}

/** The only route of a configuration, without its condition. */
function routeOf(text: string): unknown {
  const loaded = load(`delivery: { routes: [{ match: 'true', ${text} }] }`);
  if (!loaded.ok) return loaded.errors.map((e) => `${e.path} ${e.code}`);
  const { match: _, ...route } = loaded.config.delivery.routes[0]!;
  return route;
}

test('a route by MX has what it needs, and nothing that belongs to named hops', () => {
  const bare = {
    concurrency: null,
    rate: null,
    via: 'mx',
    tls: 'opportunistic',
    tlsCa: '',
    source: '',
    allowLoopback: false,
  };
  assert.deepEqual(routeOf('via: mx'), bare);
  assert.deepEqual(
    routeOf("via: mx, tls: require, source: '::1', allowLoopback: true, concurrency: 3, rate: 9/1m"),
    {
      ...bare,
      tls: 'require',
      source: '::1',
      allowLoopback: true,
      concurrency: 3,
      rate: { messages: 9, ms: 60_000 },
    },
  );
  assert.deepEqual(routeOf('via: mx, to: a, balance: order, auth: { user: a, password: b }'), [
    'delivery.routes[0].to invalid',
    'delivery.routes[0].balance invalid',
    'delivery.routes[0].auth invalid',
  ]);
  assert.deepEqual(routeOf('via: smtp, to: a, allowLoopback: true'), [
    'delivery.routes[0].allowLoopback invalid',
  ]);
});

test('name servers are addresses, with a port where it is not 53', () => {
  assert.deepEqual(dnsOf('{}'), { servers: [], timeout: 5000 });
  assert.deepEqual(dnsOf('dns: {}'), { servers: [], timeout: 5000 });
  assert.deepEqual(dnsOf('dns: { servers: 192.0.2.1, timeout: 2s }'), {
    servers: ['192.0.2.1:53'],
    timeout: 2000,
  });
  assert.deepEqual(
    dnsOf("dns: { servers: ['127.0.0.1:5353', '2001:DB8::1', '[::1]', '[::1]:5353', '::ffff:192.0.2.1'] }"),
    {
      servers: ['127.0.0.1:5353', '[2001:db8::1]:53', '[::1]:53', '[::1]:5353', '192.0.2.1:53'],
      timeout: 5000,
    },
  );
});

test('what is no name server is refused, and so is a time that is too short or too long', () => {
  for (const bad of [
    'ns.example.org',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2',
    '[192.0.2.1',
    '::1]:53',
    ':53',
    '1.2.3.4:',
  ]) {
    const loaded = load(`dns: { servers: ['${bad}'] }`);
    assert.deepEqual(
      loaded.ok ? [] : loaded.errors.map((e) => `${e.path} ${e.code}`),
      ['dns.servers[0] invalid'],
      bad,
    );
  }
  for (const [time, fits] of [
    ['99', false],
    ['100', true],
    ['60000', true],
    ['60001', false],
    ['0', false],
  ] as const)
    assert.equal(load(`dns: { timeout: ${time} }`).ok, fits, time);
  assert.equal(load('dns: { servers: [] }').ok, false);
});
