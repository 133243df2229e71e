import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { AwaitedAnswers } from './awaited.ts';
import { Deadline } from './deadline.ts';

const made = (): { clock: ManualClock; deadline: Deadline; missed: number[]; timers: () => number } => {
  const clock = new ManualClock();
  let timers = 0;
  const counting = Object.assign(Object.create(clock) as ManualClock, {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    after: (ms: number, fn: () => void) => {
      timers++;
      return clock.after(ms, fn);
    },
  });
  const missed: number[] = [];
  const deadline = new Deadline(counting, () => missed.push(clock.elapsed()));
  return { clock, deadline, missed, timers: () => timers };
};

test('a deadline is missed at its time, once', () => {
  const { clock, deadline, missed } = made();
  deadline.set(100);
  clock.advance(99);
  assert.deepEqual([missed, deadline.running], [[], true]);
  clock.advance(1);
  clock.advance(1000);
  assert.deepEqual([missed, deadline.running], [[100], false]);
});

test('moving it forward a thousand times needs one timer', () => {
  const { clock, deadline, missed, timers } = made();
  for (let i = 0; i < 1000; i++) {
    deadline.set(5000);
    clock.advance(1);
    deadline.clear();
  }
  assert.equal(timers(), 1);
  deadline.set(5000);
  clock.advance(4999);
  assert.deepEqual(missed, []);
  clock.advance(1);
  assert.deepEqual(missed, [6000]);
});

test('moving it nearer is honoured, and stopping gives the timer back', () => {
  const { clock, deadline, missed } = made();
  deadline.set(1000);
  deadline.set(10);
  clock.advance(10);
  assert.deepEqual(missed, [10]);
  deadline.set(10);
  deadline.stop();
  clock.advance(5000);
  assert.deepEqual(missed, [10]);
});

test('an answer is due only once its event has left, and knows what left after it', () => {
  const due = new AwaitedAnswers();
  due.asked('header', 10);
  assert.deepEqual([due.count, due.bytes, due.oldest], [1, 10, undefined]);
  due.asked('body', 20);
  due.left(5);
  due.asked('end', 5);
  assert.equal(due.oldest, 'header');
  assert.deepEqual(due.answered(), { sent: 5, followed: true });
  assert.deepEqual([due.oldest, due.bytes], ['body', 25]);
  assert.deepEqual(due.answered(), { sent: 5, followed: false });
  assert.equal(due.oldest, undefined);
  due.left(9);
  due.told('header');
  due.left(9);
  assert.deepEqual(due.answered(), { sent: 9, followed: true });
  assert.deepEqual([due.count, due.bytes], [0, 0]);
});
