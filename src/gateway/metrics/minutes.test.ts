import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Figures } from './figures.ts';
import { KEPT, Minutes, PARTS, quantile } from './minutes.ts';

const MINUTE = 60_000;
const START = 1_000 * MINUTE + 20_000;

function rig() {
  const clock = new ManualClock(START);
  const figures = new Figures();
  const minutes = new Minutes(figures, clock);
  const add = (outcome: string, n: number): void => {
    figures.number('smtp_messages_total').cell('smtp', outcome).n += n;
  };
  const filled = (): [number, readonly number[]][] =>
    minutes
      .last()
      .filter(({ counts }) => counts.some((n) => n > 0))
      .map(({ at, counts }) => [at / MINUTE, counts]);
  return { clock, figures, minutes, add, filled };
}

test('each minute has what happened in it, the present one at the end', () => {
  const { clock, minutes, add, filled } = rig();
  add('accepted', 3);
  clock.advance(MINUTE);
  add('quarantined', 1);
  add('aborted', 9);
  add('rejected', 2);
  clock.advance(2 * MINUTE);
  add('discarded', 1);
  assert.deepEqual(filled(), [
    [1000, [3, 0, 0, 0, 0]],
    [1001, [0, 2, 0, 1, 0]],
    [1003, [0, 0, 0, 0, 1]],
  ]);
  const all = minutes.last();
  assert.equal(all.length, KEPT);
  assert.equal(all.at(-1)!.at, 1003 * MINUTE);
  assert.equal(PARTS.length, all[0]!.counts.length);
});

test('after an hour the oldest minutes are gone, and no more is kept', () => {
  const { clock, add, filled } = rig();
  add('accepted', 1);
  for (let n = 0; n < 200; n++) {
    clock.advance(MINUTE);
    add('accepted', 1);
  }
  const all = filled();
  assert.equal(all.length, KEPT);
  assert.ok(all.every(([, counts]) => counts[0] === 1));
  assert.equal(all.at(-1)![0], 1200);
});

test('lately is the last ten minutes', () => {
  const { clock, figures, minutes } = rig();
  const accept = figures.histogram('smtp_accept_duration_seconds').cell('smtp');
  const filter = figures.histogram('milter_message_duration_seconds').cell('f');
  for (let n = 0; n < 30; n++) {
    accept.observe(0.02);
    filter.observe(1000);
    clock.advance(MINUTE);
  }
  const { accept: counts, filters } = minutes.lately();
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  assert.equal(sum(counts), 9);
  assert.equal(filters['f']!.at(-1), 9);
  minutes.stop();
});

test('a quantile lies within the bucket of its value', () => {
  const bounds = [1, 2, 4];
  assert.equal(quantile(0.5, [0, 0, 0, 0], bounds), null);
  assert.equal(quantile(0.5, [10, 0, 0, 0], bounds), 0.5);
  assert.equal(quantile(0.5, [0, 10, 0, 0], bounds), 1.5);
  assert.equal(quantile(0.95, [90, 0, 10, 0], bounds), 3);
  assert.equal(quantile(0.99, [0, 0, 0, 5], bounds), 4, 'beyond the last bound nothing more is known');
  assert.equal(quantile(1, [1, 1, 1, 0], bounds), 4);
});
