import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { ourselvesOf } from './ourselves.ts';

/** For listeners at these addresses, on a machine with these. */
function ownAt(
  binds: readonly string[],
  machine: readonly string[] = ['127.0.0.1', '192.0.2.1', '::1', '2001:db8::1'],
) {
  const text = JSON.stringify({ hostname: 'mx.test', listeners: [{ name: 'a', bind: binds }] });
  const loaded = loadConfig({ text, name: 'test', base: '/tmp' });
  assert.ok(loaded.ok);
  return ourselvesOf(loaded.config, () => machine.map((address) => ({ address })));
}

test('we are where we listen, on whatever port, and nowhere else', () => {
  const { hostname, isOwn } = ownAt(['192.0.2.1:2525', '[2001:db8::1]:25', 'unix:/run/millrace.sock']);
  assert.equal(hostname, 'mx.test');
  assert.deepEqual(['192.0.2.1', '2001:db8::1', '127.0.0.1', '::1', '192.0.2.2'].map(isOwn), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('who listens everywhere is every address of the machine, of that kind', () => {
  const four = ownAt(['0.0.0.0:25']);
  assert.deepEqual(['192.0.2.1', '127.0.0.1', '192.0.2.2', '::1'].map(four.isOwn), [
    true,
    true,
    false,
    false,
  ]);
  const six = ownAt(['[::]:25']);
  assert.deepEqual(['192.0.2.1', '::1', '2001:db8::1', '2001:db8::2'].map(six.isOwn), [
    false,
    true,
    true,
    false,
  ]);
});

test('the machine is asked for its addresses each time, and has at least one', () => {
  const text = JSON.stringify({ hostname: 'mx.test', listeners: [{ name: 'a', bind: '0.0.0.0:25' }] });
  const loaded = loadConfig({ text, name: 'test', base: '/tmp' });
  assert.ok(loaded.ok && ourselvesOf(loaded.config).isOwn('127.0.0.1'));
  const addresses = ['192.0.2.1'];
  const { isOwn } = ourselvesOf(loaded.config, () => addresses.map((address) => ({ address })));
  assert.equal(isOwn('192.0.2.7'), false);
  addresses.push('192.0.2.7');
  assert.equal(isOwn('192.0.2.7'), true);
});
