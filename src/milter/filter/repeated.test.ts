import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepeatedHeader } from './repeated.ts';

const SENT = [
  { name: 'Subject', wire: 'hi' },
  { name: 'X-Fold', wire: 'a\n\tb' },
];
const through = (chunks: string[], sent = SENT) => {
  const filter = new RepeatedHeader(sent);
  const out = chunks.flatMap((c) => filter.push(Buffer.from(c, 'latin1')));
  return Buffer.concat([...out, ...filter.end()]).toString('latin1');
};
const HEAD = 'Subject: hi\r\nX-Fold: a\r\n\tb\r\n\r\n';

test('a repeated header goes, whole, byte by byte and cut at every offset', () => {
  const all = HEAD + 'body\r\n';
  assert.equal(through([all]), 'body\r\n');
  assert.equal(through(all.split('')), 'body\r\n');
  for (let i = 1; i < all.length; i++)
    assert.equal(through([all.slice(0, i), all.slice(i)]), 'body\r\n', String(i));
  assert.equal(through([HEAD]), '');
});

test('anything else passes untouched, however it is cut', () => {
  const bodies = [
    '',
    'Hello',
    'Subject: ho\r\n\r\nx',
    'Subject: hi\r\n\r\nx',
    'Subject: hi\r\nX-Fold: a\r\n\tb\r\nExtra: 1\r\n\r\nx',
    'Subject: hi\r\nX-Fold: a\r\n\tb\r\nno field\r\n\r\nx',
    HEAD.slice(0, -2),
    'Subject',
    '\r\nSubject: hi',
  ];
  for (const body of bodies) {
    assert.equal(through([body]), body);
    assert.equal(through(body.split('')), body);
  }
  assert.equal(through([HEAD + 'x'], []), HEAD + 'x');
});

test('what is held back is bounded', () => {
  const filter = new RepeatedHeader(SENT);
  const endless = Buffer.from('Subject: ' + 'x'.repeat(2000));
  let out = 0;
  for (let i = 0; i < 10; i++) out += filter.push(endless).reduce((sum, c) => sum + c.length, 0);
  assert.ok(endless.length * 10 - out === 0, 'given up on and passed through');
});
