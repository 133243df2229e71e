import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf, instantOf, requestOf } from './query.ts';

test('durations with and without a unit', () => {
  assert.deepEqual(['500ms', '30s', '2h', '1.5s', '7', 'soon', ''].map(durationOf), [
    500,
    30_000,
    7_200_000,
    1500,
    7,
    null,
    null,
  ]);
});

test('times are UTC unless they say otherwise; a span counts back from now', () => {
  const noon = Date.UTC(2026, 11, 1, 12);
  assert.equal(instantOf('2026-12-01T12:00'), noon);
  assert.equal(instantOf('2026-12-01T13:00+01:00'), noon);
  assert.equal(instantOf('2h', noon), noon - 7_200_000);
  assert.equal(instantOf('-1d', noon), noon - 86_400_000);
  assert.equal(instantOf('yesterday-ish'), null);
});

test('only known words get into a request, and what is not understood goes through', () => {
  const parameters = new URLSearchParams('from=a%40b&slower=2s&since=x&evil=1&q=');
  assert.deepEqual(requestOf(parameters, ['from', 'slower', 'since', 'q']), {
    from: 'a@b',
    slower: '2000',
    since: 'x',
  });
});
