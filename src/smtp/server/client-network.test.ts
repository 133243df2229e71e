import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientNetwork } from './client-network.ts';

test('an IPv4 client counts by itself, an IPv6 client as its /64, whatever the form', () => {
  assert.equal(clientNetwork('192.0.2.1'), '192.0.2.1');
  assert.equal(clientNetwork(''), '');
  assert.equal(clientNetwork('2001:db8:1:2::1'), clientNetwork('2001:db8:1:2:ffff:1:2:3'));
  assert.equal(clientNetwork('2001:db8::1'), clientNetwork('2001:db8:0:0:9::'));
  assert.notEqual(clientNetwork('2001:db8:1:2::1'), clientNetwork('2001:db8:1:3::1'));
});
