import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Deadline } from './deadline.ts';

test('fires once, at the last deadline set, earlier or later than the timer', () => {
  const clock = new ManualClock();
  const fired: number[] = [];
  const deadline = new Deadline(clock, () => fired.push(clock.elapsed()));
  deadline.set(100);
  clock.advance(50);
  deadline.set(100);
  clock.advance(99);
  assert.deepEqual(fired, []);
  clock.advance(1);
  assert.deepEqual(fired, [150]);
  deadline.set(1000);
  deadline.set(10);
  clock.advance(2000);
  assert.deepEqual(fired, [150, 160]);
});

test('does not fire when cleared or stopped, and may be set again', () => {
  const clock = new ManualClock();
  let fired = 0;
  const deadline = new Deadline(clock, () => fired++);
  deadline.set(100);
  deadline.clear();
  clock.advance(1000);
  assert.equal(fired, 0);
  deadline.set(100);
  clock.advance(100);
  assert.equal(fired, 1);
  deadline.set(Infinity);
  deadline.set(0);
  clock.advance(1);
  assert.equal(fired, 2);
  deadline.set(5);
  deadline.stop();
  clock.advance(1000);
  assert.equal(fired, 2);
});

test('a thousand deadlines cost one timer', () => {
  const clock = new ManualClock();
  let armed = 0;
  const deadline = new Deadline(
    {
      now: () => 0,
      elapsed: () => clock.elapsed(),
      after: (ms, fn) => {
        armed++;
        return clock.after(ms, fn);
      },
    },
    () => assert.fail('never'),
  );
  for (let i = 0; i < 1000; i++) {
    clock.advance(1);
    deadline.set(300_000);
  }
  assert.equal(armed, 1);
});
