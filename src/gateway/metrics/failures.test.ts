import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failures, MAX_FAILURES } from './failures.ts';

test('a failure is a sentence: whom, what, why; the last one first', () => {
  const failures = new Failures();
  failures.add(1, 'milter.failed', { milter: 'rspamd', kind: 'connect', error: 'connection refused' });
  failures.add(2, 'spool.low', { free: 0 });
  assert.deepEqual(failures.list(), [
    { at: 2, text: 'too little free space: new mail is refused for now' },
    { at: 1, text: 'rspamd: a filter could not be used — connection refused' },
  ]);
});

test('the same trouble again is told once, with how often', () => {
  const failures = new Failures();
  for (let n = 1; n <= 3; n++) failures.add(n, 'milter.failed', { milter: 'a', error: `e${n}` });
  failures.add(4, 'milter.failed', { milter: 'b', error: 'e' });
  assert.deepEqual(
    failures.list().map(({ at, text }) => [at, text]),
    [
      [4, 'b: a filter could not be used — e'],
      [3, 'a: a filter could not be used — e3 (3 times)'],
    ],
  );
});

test('what strangers say is harmless and cut, and few are kept', () => {
  const failures = new Failures();
  for (let n = 0; n < MAX_FAILURES + 5; n++) failures.add(n, 'delivery.unreached', { destination: `d${n}` });
  failures.add(99, 'smtp.session-cut', { listener: 'l', reason: `\x1b[31m\n${'<b>'.repeat(1000)}` });
  const list = failures.list();
  assert.equal(list.length, MAX_FAILURES);
  assert.match(list[0]!.text, /— \?\[31m\?<b><b>/);
  assert.ok(list[0]!.text.length < 450);
});
