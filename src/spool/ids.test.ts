import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { makeQueueId } from '#spool';
import { ENTRY_ID } from './states.ts';

test('ids are 16 letters and digits, unique and in order of making', () => {
  const clock = new ManualClock(1_700_000_000_000);
  const next = makeQueueId(clock);
  const made: string[] = [];
  for (let i = 0; i < 5000; i++) {
    if (i % 7 === 0) clock.advance(i % 3);
    made.push(next());
  }
  assert.ok(made.every((id) => id.length === 16 && ENTRY_ID.test(id)));
  assert.equal(new Set(made).size, made.length);
  assert.deepEqual(made, made.toSorted());
});

test('ids of a later millisecond sort behind those of any other process', () => {
  const [early, late] = [1_700_000_000_000, 1_700_000_000_001].map((at) => new ManualClock(at));
  assert.ok(makeQueueId(early!, 36 ** 7 - 1)() < makeQueueId(late!, 0)());
});

test('two processes that start at the same moment make different ids', () => {
  const clock = new ManualClock(1);
  const made = new Set(Array.from({ length: 200 }, () => makeQueueId(clock)()));
  assert.equal(made.size, 200);
});

test('ids go on growing when the clock jumps back', () => {
  let now = 5000;
  const clock = Object.assign(new ManualClock(), { now: () => now });
  const next = makeQueueId(clock);
  const first = next();
  now = 10;
  assert.ok(next() > first);
});

test('ids go on growing when the counter is used up', () => {
  const next = makeQueueId(new ManualClock(5000), 36 ** 7 - 2);
  const made = [next(), next(), next(), next()];
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, 4);
  assert.ok(made.every((id) => id.length === 16));
});
