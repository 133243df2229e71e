import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '#message';
import { deliveredBefore, loops } from './loop.ts';

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

test('a mailbox the message has been in is found by its Delivered-To field', () => {
  const header = bytesOf(
    'X-Delivered-To: x@in.test\r\nDelivered-To: a@In.Test\r\nSubject: Delivered-To: s@in.test\r\n' +
      'DELIVERED-TO:\r\n\t"b c"@in.test \r\nDelivered-To: postmaster\r\nDelivered-To:\r\n',
  );
  const found = (address: string) => deliveredBefore(header, address);
  for (const address of ['a@in.test', 'a@IN.TEST', '"b c"@in.test', 'postmaster'])
    assert.ok(found(address), address);
  for (const address of ['A@in.test', 'x@in.test', 's@in.test', 'a@in.test.org', 'a', 'b@in.test'])
    assert.ok(!found(address), address);
  assert.equal(deliveredBefore(new Uint8Array(), 'a@in.test'), false);
});
