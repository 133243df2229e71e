import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, pathOf, type Origin } from '#message';
import { HEAD_START, newEntry } from './entry.ts';

const ORIGIN: Pick<Origin, 'listener' | 'remoteAddress' | 'clientName' | 'helo' | 'user' | 'localPort'> = {
  listener: 'smtp',
  remoteAddress: '192.0.2.1',
  clientName: '',
  helo: 'x',
  user: '',
  localPort: 25,
};
const NOW = 1_000_000_000;

function dueOf(senderParams: readonly string[]): number {
  const recipients = [{ path: pathOf('b@in.test'), params: ['NOTIFY=NEVER'] }];
  const envelope = { sender: pathOf('a@out.test'), senderParams, recipients };
  const message = { envelope, fields: [], body: bodyOf([]), quarantine: null };
  const { meta } = newEntry(message, {
    id: 'm1',
    origin: ORIGIN as Origin,
    now: NOW,
    expire: 5,
    lease: null,
  });
  assert.deepEqual(meta.senderParams, senderParams);
  assert.deepEqual(meta.recipients[0]!.params, ['NOTIFY=NEVER']);
  assert.equal(meta.expiresAt, NOW + 5);
  return NOW - meta.due;
}

test('mail of higher priority is due earlier, mail of lower priority not later', () => {
  assert.equal(dueOf([]), 0);
  for (const [value, steps] of [
    ['-9', 0],
    ['0', 0],
    ['1', 1],
    ['9', 9],
  ] as const)
    assert.equal(dueOf(['RET=HDRS', `MT-PRIORITY=${value}`]), steps * HEAD_START, value);
});
