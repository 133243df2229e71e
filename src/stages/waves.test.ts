import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitsFor, type Participant } from './waves.ts';

const filter = (input: 'chained' | 'original', rights = ''): Participant => ({
  input,
  changesContent: rights !== '',
  replacesBody: rights === 'body',
});

test('a chained filter waits for every filter before it that may change the message', () => {
  const plan = waitsFor([
    filter('chained', 'header'),
    filter('chained'),
    filter('chained'),
    filter('original', 'header'),
    filter('chained'),
  ]);
  assert.deepEqual(plan, [[], [0], [0], [], [0, 3]]);
});

test('a filter on the original waits only where two bodies would collide', () => {
  assert.deepEqual(
    waitsFor([filter('original', 'body'), filter('original', 'header'), filter('original', 'body')]),
    [[], [], [0]],
  );
});

test('filters without rights are all asked at once', () => {
  assert.deepEqual(waitsFor([filter('chained'), filter('chained'), filter('chained')]), [[], [], []]);
});
