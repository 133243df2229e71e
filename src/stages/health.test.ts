import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { FilterHealth, HALF_WINDOW } from './health.ts';

test('percentiles are within a fifth of the truth, over the last one to two minutes', () => {
  const clock = new ManualClock(0);
  const health = new FilterHealth(clock, null);
  assert.deepEqual(health.percentiles(), { p50: 0, p95: 0, p99: 0, messages: 0 });
  for (let ms = 1; ms <= 1000; ms++) health.message(ms, 'continue');
  const near = (value: number, truth: number): void =>
    assert.ok(Math.abs(value - truth) / truth < 0.2, `${value} for ${truth}`);
  const { p50, p95, p99, messages } = health.percentiles();
  near(p50, 500);
  near(p95, 950);
  near(p99, 990);
  assert.equal(messages, 1000);
  clock.advance(HALF_WINDOW);
  health.message(4, 'continue');
  assert.equal(health.percentiles().messages, 1001);
  clock.advance(HALF_WINDOW);
  assert.equal(health.percentiles().messages, 1);
  near(health.percentiles().p99, 4);
  clock.advance(2 * HALF_WINDOW);
  assert.equal(health.percentiles().messages, 0);
});

test('waits beyond all buckets, none at all and nonsense are counted all the same', () => {
  const health = new FilterHealth(new ManualClock(0), null);
  for (const ms of [0, -1, 1e12, 0.001]) health.message(ms, 'accept');
  assert.equal(health.percentiles().messages, 4);
  assert.ok(health.percentiles().p99 > 1_000_000);
});

test('last words, refused connections and faults are counted by kind', () => {
  const clock = new ManualClock(1000);
  const health = new FilterHealth(clock, null);
  assert.equal(health.used, false);
  health.answered('mail', 'continue', 1);
  health.message(1, 'continue');
  health.message(1, 'reject');
  health.message(1, 'failed');
  health.message(1, '__proto__');
  health.answered('connect', 'reject', 1);
  health.answered('rcpt', 'reject', 1); // its message tells of it
  health.failed('disconnected', 'gone');
  health.failed('disconnected', 'gone again');
  assert.deepEqual(health.answers, { continue: 1, reject: 2 });
  assert.deepEqual(health.errors, { disconnected: 2 });
  assert.deepEqual(health.lastError, { at: 1000, kind: 'disconnected', text: 'gone again' });
  assert.equal(health.used, true);
});
