import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bytes, moment, momentInFull, span, timeOf } from './format.ts';

test('spans and sizes in the unit that fits', () => {
  assert.deepEqual([0.42, 12.4, 999, 3100, 59_000, 240_000, 7_200_000, 259_200_000, null].map(span), [
    '0.4 ms',
    '12 ms',
    '999 ms',
    '3.1 s',
    '59 s',
    '4 min',
    '2 h',
    '3 d',
    '–',
  ]);
  assert.deepEqual([0, 999, 1000, 901_120, 52_428_800].map(bytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '901 kB',
    '52 MB',
  ]);
});

test('times are short today and long on other days, and say their zone in full', () => {
  const time = Date.UTC(2026, 11, 1, 10, 42, 7, 5);
  assert.equal(moment(time, 'utc', time + 1000), '10:42:07');
  assert.equal(moment(time, 'utc', time + 86_400_000), '2026-12-01 10:42:07');
  assert.equal(momentInFull(time, 'utc'), '2026-12-01 10:42:07.005 UTC');
  assert.equal(ago(time, time + 180_000), '3 min ago');
  assert.equal(ago(time, time - 20_000), 'in 20 s');
  assert.deepEqual(
    [timeOf('2026-12-01T10:42:07.005Z'), timeOf(5), timeOf(null), timeOf('x')],
    [time, 5, null, null],
  );
});
