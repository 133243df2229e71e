import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownLine, shownReply } from './observer.ts';

const CASES: readonly (readonly [line: string, shown: string])[] = [
  ['MAIL FROM:<a@b.test> AUTH=<>', 'MAIL FROM:<a@b.test> AUTH=<>'],
  ['AUTH PLAIN AGEAYg==', 'AUTH PLAIN ***'],
  ['auth login', 'AUTH login'],
  ['AUTH\tscram-sha-256 abc', 'AUTH scram-sha-256 ***'],
  ['AUTH AGEAYg==', 'AUTH ***'],
  [' AUTH PLAIN AGEAYg==', 'AUTH PLAIN ***'],
  ['AUTHPLAIN AGEAYg==', 'AUTH ***'],
  ['\0AUTH PLAIN AGEAYg==', 'AUTH ***'],
  ['AUTH NOSUCH AGEAYg==', 'AUTH ***'],
  ['AUTH', 'AUTH ***'],
  ['ATRN', 'ATRN'],
];

for (const [line, shown] of CASES)
  test(`${JSON.stringify(line)} is kept as ${shown}`, () => {
    assert.equal(shownLine(line, false), shown);
    assert.equal(shownLine(line, true), '***');
  });

test('a challenge is kept without its text, other replies as they are', () => {
  assert.equal(shownReply('334 UGFzc3dvcmQ6\r\n'), '334 ***\r\n');
  assert.equal(shownReply('235 2.7.0 ok\r\n'), '235 2.7.0 ok\r\n');
});
