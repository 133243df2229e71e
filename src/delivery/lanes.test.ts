import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Lanes, PATIENCE } from './lanes.ts';

const tick = () => new Promise((r) => setImmediate(r));

/** Enters and remembers the answer when it comes. */
function enter(lanes: Lanes, destination: string): { answer: boolean | 'waiting' } {
  const seen: { answer: boolean | 'waiting' } = { answer: 'waiting' };
  const got = lanes.enter(destination);
  if (got instanceof Promise) void got.then((a) => (seen.answer = a));
  else seen.answer = got;
  return seen;
}

test('as many as allowed enter, the next waits for one to leave', async () => {
  const lanes = new Lanes({ total: 10, perDestination: 2 }, new ManualClock());
  const all = [1, 2, 3, 4].map(() => enter(lanes, 'a'));
  assert.deepEqual(
    all.map((e) => e.answer),
    [true, true, 'waiting', 'waiting'],
  );
  lanes.leave('a');
  await tick();
  assert.deepEqual(
    all.map((e) => e.answer),
    [true, true, true, 'waiting'],
  );
  assert.equal(lanes.running, 2);
});

test('the total bounds all destinations together, and free places go round them', async () => {
  const lanes = new Lanes({ total: 2, perDestination: 2 }, new ManualClock());
  enter(lanes, 'a');
  enter(lanes, 'a');
  const a = [enter(lanes, 'a'), enter(lanes, 'a')];
  const b = enter(lanes, 'b');
  assert.equal(b.answer, 'waiting');
  lanes.leave('a');
  await tick();
  lanes.leave('a');
  await tick();
  assert.equal(b.answer, true);
  assert.deepEqual(
    a.map((e) => e.answer),
    [true, 'waiting'],
  );
  assert.equal(lanes.running, 2);
});

test('a slow destination sends its waiters away after the patience and then lets few wait', async () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 100, perDestination: 2 }, clock);
  const first = Array.from({ length: 10 }, () => enter(lanes, 'slow'));
  clock.advance(PATIENCE - 1);
  await tick();
  assert.equal(first.filter((e) => e.answer === 'waiting').length, 8);
  clock.advance(1);
  await tick();
  assert.equal(first.filter((e) => e.answer === false).length, 8);
  const second = Array.from({ length: 5 }, () => enter(lanes, 'slow'));
  assert.deepEqual(
    second.map((e) => e.answer),
    ['waiting', 'waiting', false, false, false],
  );
  assert.equal(enter(lanes, 'quick').answer, true);
});

test('a destination that caught up is not slow any more', async () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 100, perDestination: 1 }, clock);
  enter(lanes, 'a');
  enter(lanes, 'a');
  clock.advance(PATIENCE);
  lanes.leave('a');
  enter(lanes, 'a');
  assert.deepEqual(
    [enter(lanes, 'a'), enter(lanes, 'a')].map((e) => e.answer),
    ['waiting', 'waiting'],
  );
});

test('closing sends everybody away and lets nobody in', async () => {
  const lanes = new Lanes({ total: 1, perDestination: 1 }, new ManualClock());
  enter(lanes, 'a');
  const waiting = enter(lanes, 'a');
  lanes.close();
  await tick();
  assert.equal(waiting.answer, false);
  lanes.leave('a');
  assert.equal(enter(lanes, 'a').answer, false);
});

test('wider limits let those in who wait', async () => {
  const lanes = new Lanes({ total: 1, perDestination: 1 }, new ManualClock());
  const all = [1, 2, 3].map(() => enter(lanes, 'a'));
  lanes.reconfigure({ total: 3, perDestination: 2 });
  await tick();
  assert.deepEqual(
    all.map((e) => e.answer),
    [true, true, 'waiting'],
  );
});
