import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { DataRate } from './data-rate.ts';

/** A pace of at least `least`, with its clock; `after` says whether bytes that came after so many milliseconds are in time. */
function pace(least: number, most = 300_000) {
  const clock = new ManualClock(1000);
  const rate = new DataRate(clock, least, most);
  rate.begin();
  return {
    clock,
    rate,
    after: (ms: number, bytes: number): boolean => {
      rate.wait();
      clock.advance(ms);
      return rate.keepsUp(bytes);
    },
  };
}

test('a drip below the rate is in time for the first half minute, and no longer', () => {
  const { after } = pace(100);
  let lived = 0;
  while (after(1000, 1)) lived += 1000;
  assert.equal(lived, 30_000); // each byte of the thirty earned 10 ms
});

test('exactly the rate goes on for ever, one byte per second less does not', () => {
  const right = pace(100);
  for (let i = 0; i < 10_000; i++) assert.ok(right.after(1000, 100));
  const less = pace(100);
  let seconds = 0;
  while (less.after(1000, 99)) seconds++;
  assert.ok(seconds >= 2999 && seconds <= 3001, String(seconds));
});

test('a fast beginning saves up for a time without network, but no more than the bound', () => {
  const fast = pace(100);
  assert.ok(fast.after(10, 10_000_000));
  assert.ok(fast.after(300_000, 1));
  const slow = pace(100);
  assert.ok(slow.after(10, 10_000_000));
  assert.ok(!slow.after(300_200, 1));
});

test('time in which the client is not waited for is not its own', () => {
  const { rate, clock, after } = pace(100);
  assert.ok(after(29_000, 1));
  clock.advance(1_000_000);
  assert.ok(rate.keepsUp(1));
  assert.ok(!after(1100, 1));
});

test('without a least rate any pace will do, and one byte a second is a rate', () => {
  assert.ok(pace(0).after(1e9, 0));
  assert.ok(pace(1).after(29_999, 0));
  assert.ok(!pace(1).after(30_001, 0));
});

test('the beginning has no more than the bound either', () => {
  assert.ok(pace(10, 2000).after(2000, 0));
  assert.ok(!pace(10, 2000).after(2001, 0));
});
