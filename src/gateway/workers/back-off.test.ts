import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackOff } from './back-off.ts';

test('a worker that worked for a while is replaced at once, every time', () => {
  const place = new BackOff();
  for (let i = 0; i < 20; i++) assert.equal(place.next(5000), 0);
});

test('a worker that ends at once again and again is replaced at once, then ever later, up to half a minute', () => {
  const place = new BackOff();
  const waits = Array.from({ length: 10 }, () => place.next(4999));
  assert.deepEqual(waits, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('a worker that never was ready counts as ended at once, and one that worked makes that forgotten', () => {
  const place = new BackOff();
  assert.deepEqual([place.next(0), place.next(0), place.next(60_000), place.next(0)], [0, 500, 0, 0]);
});
