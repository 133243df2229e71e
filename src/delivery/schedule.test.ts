import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '#clock';
import { SHORTEST_WAIT, expiryTime, nextAttempt, retryWait } from './schedule.ts';

const DAY = 86_400_000;

test('the waits follow the list and the last one repeats', () => {
  const waits = [1, 2, 3, 4, 99].map((n) => retryWait([1000, 5000, 60_000], n, 0));
  assert.deepEqual(waits, [1000, 5000, 60_000, 60_000, 60_000]);
});

test('jitter only lengthens a wait, by a tenth at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 50, max: 1e9 }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (wait, r) => {
        const got = retryWait([wait], 1, r);
        assert.ok(got >= wait && got <= Math.ceil(wait * 1.1), `${wait} became ${got}`);
      },
    ),
  );
});

test('no list makes a tight loop', () => {
  assert.equal(retryWait([0], 1, 0), SHORTEST_WAIT);
  assert.equal(retryWait([], 1, 0), SHORTEST_WAIT);
  assert.equal(retryWait([1000], 0, 0), 1000);
});

test('waits of 30 and of 100 days are dates like any other', () => {
  for (const days of [30, 100]) {
    const at = nextAttempt(1e12, retryWait([days * DAY], 1, 0), 1e12 + 365 * DAY);
    assert.equal(at, 1e12 + days * DAY);
  }
});

test('the last attempt is made when the life of the entry ends, not later', () => {
  assert.equal(nextAttempt(1000, 5000, 3000), 3000);
  assert.equal(nextAttempt(1000, 5000, 6000), 6000);
  assert.equal(nextAttempt(1000, 5000, 6001), 6000);
  assert.equal(nextAttempt(1000, 5000, 1001), 1050, 'never at once');
  assert.equal(nextAttempt(1000, 5000, 1000), 6000);
});

test('a wall clock that jumps forward does not expire what is fresh, one that jumps back does neither', () => {
  let wall = 1e12;
  const manual = new ManualClock();
  const clock = { now: () => wall, elapsed: () => manual.now(), after: manual.after.bind(manual) };
  const time = expiryTime(clock);
  wall += 10 * DAY;
  assert.equal(time(), 1e12);
  manual.advance(1000);
  assert.equal(time(), 1e12 + 1000);
  wall = 1e12 - DAY;
  assert.equal(time(), 1e12 - DAY);
});
