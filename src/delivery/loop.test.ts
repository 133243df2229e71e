import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '#message';
import { loops } from './loop.ts';

test('a hundred trace fields are no loop, one more is', () => {
  for (const field of ['Received: from x by y\r\n', 'RECEIVED:\r\n', 'received: a\r\n\treceived: b\r\n']) {
    assert.equal(loops(bytesOf(field.repeat(100))), false, field);
    assert.equal(loops(bytesOf(field.repeat(101))), true, field);
  }
});

test('other fields do not count', () => {
  assert.equal(loops(bytesOf('X-Received: a\r\nReceived-SPF: b\r\nRe: c\r\n'.repeat(200))), false);
  assert.equal(loops(bytesOf('')), false);
});
