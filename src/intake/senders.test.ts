import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathOf } from '#message';
import { senderRefusal } from './senders.ts';

const lists: Record<string, readonly string[] | null> = {
  any: null,
  none: [],
  ann: ['ann@in.test', '@out.test'],
};
const sendersOf = (user: string) => lists[user]!;
const allowed = (user: string, sender: string): boolean =>
  senderRefusal({ sendersOf }, user, pathOf(sender)) === null;

test('a user may send as whom the list names, in any case of letters, and as the null sender', () => {
  for (const sender of ['ann@in.test', 'ANN@In.Test', 'x@out.test', '"a@b"@OUT.test', ''])
    assert.ok(allowed('ann', sender), sender);
  for (const sender of [
    'tim@in.test',
    'x@sub.out.test',
    'out.test',
    '@out.test.',
    'ann@in.test.evil.test',
    'ann',
  ])
    assert.ok(!allowed('ann', sender), sender);
  assert.equal(senderRefusal({ sendersOf }, 'ann', pathOf('tim@in.test'))?.code, 550);
});

test('without a list any sender will do; an empty one leaves the null sender', () => {
  assert.ok(allowed('any', 'whoever@where.test'));
  assert.ok(!allowed('none', 'a@in.test') && allowed('none', ''));
  assert.ok(allowed('', 'a@in.test'));
  assert.equal(senderRefusal({}, 'ann', pathOf('tim@in.test')), null);
});
