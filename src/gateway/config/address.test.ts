import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, isHostName, parseBind, parseHostPort, parseNetwork } from './address.ts';
import { Problem } from './diagnostics.ts';

test('an address to listen on is an IP address with port, localhost, or a unix path', () => {
  assert.deepEqual(parseBind('0.0.0.0:25'), { kind: 'tcp', host: '0.0.0.0', port: 25 });
  assert.deepEqual(parseBind('[::]:25'), { kind: 'tcp', host: '::', port: 25 });
  assert.deepEqual(parseBind('[0:0::1]:0'), { kind: 'tcp', host: '::1', port: 0 });
  assert.deepEqual(parseBind('localhost:65535'), { kind: 'tcp', host: '127.0.0.1', port: 65_535 });
  assert.deepEqual(parseBind('unix:/run/x'), { kind: 'unix', path: '/run/x' });
  for (const bad of [
    '',
    '25',
    ':25',
    '0.0.0.0',
    '0.0.0.0:',
    '0.0.0.0:65536',
    '::1:25',
    '[::1]',
    '[1.2.3.4]:25',
    'mx.example.org:25',
    '1.2.3:25',
    '010.0.0.1:25',
    'unix:',
    'unix:/a\0b',
    '[fe80::1%eth0]:25',
    '0.0.0.0:-1',
    '0.0.0.0:2 5',
  ])
    assert.ok(parseBind(bad) instanceof Problem, bad);
});

test('a next hop is a host name or an address, with a default port', () => {
  assert.deepEqual(parseHostPort('10.0.0.5:2525', 25), { host: '10.0.0.5', port: 2525 });
  assert.deepEqual(parseHostPort('10.0.0.5', 25), { host: '10.0.0.5', port: 25 });
  assert.deepEqual(parseHostPort('MX.Example.org', 25), { host: 'mx.example.org', port: 25 });
  assert.deepEqual(parseHostPort('mail:1', 25), { host: 'mail', port: 1 });
  assert.deepEqual(parseHostPort('[2001:DB8::1]:25', 1), { host: '2001:db8::1', port: 25 });
  assert.deepEqual(parseHostPort('2001:db8::1', 25), { host: '2001:db8::1', port: 25 });
  for (const bad of [
    '',
    'a:0',
    'a:99999',
    'a b',
    '-a',
    'a..b',
    '1.2.3',
    '999.1.1.1',
    'a:b',
    `${'a'.repeat(64)}.de`,
  ])
    assert.ok(parseHostPort(bad, 25) instanceof Problem, bad);
});

test('a network loses its host bits, and a mapped one becomes IPv4', () => {
  assert.deepEqual(parseNetwork('127.0.0.1/8'), { family: 4, address: '127.0.0.0', bits: 8 });
  assert.deepEqual(parseNetwork('192.0.2.255/25'), { family: 4, address: '192.0.2.128', bits: 25 });
  assert.deepEqual(parseNetwork('10.1.2.3'), { family: 4, address: '10.1.2.3', bits: 32 });
  assert.deepEqual(parseNetwork('0.0.0.0/0'), { family: 4, address: '0.0.0.0', bits: 0 });
  assert.deepEqual(parseNetwork('::1'), { family: 6, address: '::1', bits: 128 });
  assert.deepEqual(parseNetwork('2001:db8:ffff::/33'), { family: 6, address: '2001:db8:8000::', bits: 33 });
  assert.deepEqual(parseNetwork('::ffff:10.1.2.3/104'), { family: 4, address: '10.0.0.0', bits: 8 });
  for (const bad of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10/8',
    '10.0.0.0/',
    'example.org',
    '1.2.3.4/8/8',
    'fe80::1%a',
  ])
    assert.ok(parseNetwork(bad) instanceof Problem, bad);
});

test('no text makes the parsers throw', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.[\]/%x-]*$/));
  fc.assert(
    fc.property(text, (t) => {
      parseBind(t);
      parseHostPort(t, 25);
      parseNetwork(t);
      canonicalAddress(t);
      isHostName(t);
    }),
    { numRuns: 500 },
  );
});
