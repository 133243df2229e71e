import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { BUSY_WAIT, LONGEST_BUSY_WAIT, Lanes, PATIENCE } from './lanes.ts';

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

test('a slow destination sends its waiters away after the patience and then lets those wait who have a chance', async () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 100, perDestination: 2 }, clock);
  const first = Array.from({ length: 10 }, () => enter(lanes, 'slow'));
  clock.advance(PATIENCE - 1);
  await tick();
  assert.equal(first.filter((e) => e.answer === 'waiting').length, 8);
  clock.advance(1);
  await tick();
  assert.equal(first.filter((e) => e.answer === false).length, 8);
  assert.equal(enter(lanes, 'slow').answer, false, 'nothing moves there');
  lanes.leave('slow');
  const second = Array.from({ length: 5 }, () => enter(lanes, 'slow'));
  assert.deepEqual(
    second.map((e) => e.answer),
    [true, 'waiting', 'waiting', false, false],
    'two at a time that take as long as the patience',
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

test('slow destinations together leave a quarter of the places to the others', async () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 8, perDestination: 2 }, clock);
  for (const slow of ['a', 'b', 'c', 'd']) enter(lanes, slow);
  clock.advance(PATIENCE);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((slow) => enter(lanes, slow).answer),
    [true, true, false, false],
  );
  assert.deepEqual(
    [enter(lanes, 'good').answer, enter(lanes, 'fine').answer, lanes.running],
    [true, true, 8],
  );
  lanes.leave('good');
  lanes.leave('fine');
  assert.equal(enter(lanes, 'c').answer, false, 'still not for the slow ones');
  lanes.leave('a');
  assert.equal(enter(lanes, 'c').answer, true, 'a place of theirs is');
});

test('a house too small to be shared is not', () => {
  const clock = new ManualClock();
  for (const total of [1, 2, 3]) {
    const lanes = new Lanes({ total, perDestination: total }, clock);
    assert.equal(enter(lanes, 'slow').answer, true);
    clock.advance(PATIENCE + 1);
    if (total > 1) assert.equal(enter(lanes, 'slow').answer, true, `${total}`);
  }
});

test('those sent away from a slow destination come back in step with what it can do', async () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 100, perDestination: 2 }, clock);
  enter(lanes, 'slow');
  enter(lanes, 'slow');
  clock.advance(60_000);
  assert.deepEqual(
    [lanes.comeBack('slow'), lanes.comeBack('slow'), lanes.comeBack('slow')],
    [BUSY_WAIT, BUSY_WAIT + 30_000, BUSY_WAIT + 60_000],
  );
  for (let n = 0; n < 100; n++) assert.ok(lanes.comeBack('slow')! <= LONGEST_BUSY_WAIT);
  assert.equal(lanes.comeBack('slow'), LONGEST_BUSY_WAIT);
  assert.equal(lanes.comeBack('unknown'), BUSY_WAIT);
  lanes.close();
  assert.equal(lanes.comeBack('slow'), null);
});

test('who comes to a destination where nothing moves is sent away at once, and again waits when something does', () => {
  const clock = new ManualClock();
  const lanes = new Lanes({ total: 100, perDestination: 2 }, clock);
  enter(lanes, 'a');
  enter(lanes, 'a');
  assert.equal(enter(lanes, 'a').answer, 'waiting');
  clock.advance(PATIENCE);
  assert.equal(enter(lanes, 'a').answer, false);
  lanes.leave('a');
  lanes.leave('a');
  assert.equal(lanes.running, 0);
  assert.deepEqual(
    [1, 2, 3].map(() => enter(lanes, 'a').answer),
    [true, true, 'waiting'],
    'whoever begins now is quick until shown otherwise',
  );
});
