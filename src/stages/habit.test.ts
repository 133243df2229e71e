import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Habit, REST } from './habit.ts';

const LAPSES = 3;

test('a habit is given up after failures in a row, and not when something worked in between', () => {
  const habit = new Habit(new ManualClock(), true, LAPSES);
  for (let n = 1; n < LAPSES; n++) assert.equal(habit.failed(), false);
  habit.worked();
  for (let n = 1; n < LAPSES; n++) assert.equal(habit.failed(), false);
  assert.equal(habit.kept, true);
  assert.equal(habit.failed(), true);
  assert.equal(habit.kept, false);
  habit.worked();
  assert.equal(habit.failed(), false, 'what is given up is not given up again');
  assert.equal(habit.kept, false);
});

test('it is tried again after its rest: one failure ends it, a success brings it back whole', () => {
  const clock = new ManualClock();
  const habit = new Habit(clock, true, LAPSES);
  const giveUp = (times: number): void => {
    for (let n = 1; n <= times; n++) assert.equal(habit.failed(), n === times);
  };
  giveUp(LAPSES);
  clock.advance(REST - 1);
  assert.equal(habit.kept, false);
  clock.advance(1);
  assert.equal(habit.kept, true);
  giveUp(1);
  clock.advance(REST);
  habit.worked();
  giveUp(LAPSES);
});

test('what surely fails is given up at once and for good; what is not wanted is never tried', () => {
  const clock = new ManualClock();
  const habit = new Habit(clock, true, LAPSES);
  assert.equal(habit.failed(true), true);
  clock.advance(1000 * REST);
  assert.equal(habit.kept, false);
  habit.reset();
  assert.equal(habit.kept, true, 'but an operator may have it forgotten');
  const unwanted = new Habit(clock, false, LAPSES);
  assert.deepEqual([unwanted.kept, unwanted.failed(true)], [false, false]);
});
