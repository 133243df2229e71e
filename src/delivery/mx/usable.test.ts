import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unusable } from './usable.ts';

test('addresses that lead into this machine or to nobody are told apart, at the edges of their networks', () => {
  for (const [address, kind] of [
    ['0.0.0.0', 'unspecified'],
    ['0.255.255.255', 'unspecified'],
    ['1.0.0.0', null],
    ['126.255.255.255', null],
    ['127.0.0.0', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['128.0.0.0', null],
    ['169.253.255.255', null],
    ['169.254.169.254', 'link-local'],
    ['223.255.255.255', null],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'multicast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', null],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', null],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', null],
    // Private networks are served too.
    ['10.0.0.1', null],
    ['192.168.1.1', null],
    ['fd00::1', null],
  ] as const)
    assert.equal(unusable(address, false), kind, address);
});

test('loopback may be allowed, nothing else', () => {
  assert.equal(unusable('127.0.0.1', true), null);
  assert.equal(unusable('::1', true), null);
  assert.equal(unusable('0.0.0.0', true), 'unspecified');
  assert.equal(unusable('169.254.1.1', true), 'link-local');
});
