import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Breaker, FAILURES, FIRST_PROBE, LONGEST_WAIT } from './breaker.ts';

/** A breaker on a clock moved by hand, with a filter that is up or down. */
function scene(): {
  clock: ManualClock;
  breaker: Breaker;
  said: string[];
  filter: { up: boolean; probes: number[] };
} {
  const clock = new ManualClock();
  const filter = { up: false, probes: [] as number[] };
  const said: string[] = [];
  const probe = (): Promise<void> => {
    filter.probes.push(clock.elapsed());
    return filter.up ? Promise.resolve() : Promise.reject(new Error('down'));
  };
  const listener = {
    opened: (n: number) => said.push(`opened ${n}`),
    closed: (ms: number) => said.push(`closed ${ms}`),
  };
  return {
    clock,
    filter,
    said,
    breaker: new Breaker(clock, probe, {
      opened: (n) => void listener.opened(n),
      closed: (ms) => void listener.closed(ms),
    }),
  };
}

/** Lets promises of a probe settle. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('opens after failures in a row, not after failures with an answer between', () => {
  const { breaker } = scene();
  for (let i = 1; i < FAILURES; i++) breaker.failed();
  breaker.succeeded();
  for (let i = 1; i < FAILURES; i++) breaker.failed();
  assert.equal(breaker.open, false);
  breaker.failed();
  assert.equal(breaker.open, true);
});

test('probes after one second, then doubling to thirty, and closes with the first probe that succeeds', async () => {
  const { clock, breaker, filter, said } = scene();
  for (let i = 0; i < FAILURES + 5; i++) breaker.failed();
  for (let s = 0; s < 100; s++) {
    clock.advance(1000);
    await settle();
  }
  const waits = filter.probes.map((at, i) => at - (filter.probes[i - 1] ?? 0));
  assert.deepEqual(waits, [FIRST_PROBE, 2000, 4000, 8000, 16_000, LONGEST_WAIT, LONGEST_WAIT]);
  filter.up = true;
  clock.advance(21_000);
  await settle();
  assert.equal(breaker.open, false);
  assert.deepEqual(said, [`opened ${FAILURES}`, 'closed 121000']);
  // It begins anew.
  for (let i = 0; i < FAILURES; i++) breaker.failed();
  clock.advance(FIRST_PROBE);
  assert.equal(filter.probes.length, 9);
});

test('a stopped breaker probes no more', async () => {
  const { clock, breaker, filter } = scene();
  for (let i = 0; i < FAILURES; i++) breaker.failed();
  breaker.stop();
  clock.advance(LONGEST_WAIT);
  await settle();
  assert.equal(filter.probes.length, 0);
});

test('a reset closes it at once, and a probe that was under way tells nothing', async () => {
  const { clock, breaker, filter, said } = scene();
  for (let i = 0; i < FAILURES; i++) breaker.failed();
  assert.deepEqual(breaker.outage, { since: 0, tries: 0, nextAt: FIRST_PROBE });
  clock.advance(FIRST_PROBE);
  breaker.reset();
  await settle();
  assert.equal(breaker.open, false);
  assert.equal(breaker.outage, null);
  assert.deepEqual(said, [`opened ${FAILURES}`, `closed ${FIRST_PROBE}`]);
  clock.advance(60_000);
  await settle();
  assert.equal(filter.probes.length, 1);
  for (let i = 1; i < FAILURES; i++) breaker.failed();
  assert.equal(breaker.open, false);
  breaker.reset();
  breaker.failed();
  assert.equal(breaker.open, false);
});

test('an outage tells of its probes', async () => {
  const { clock, breaker } = scene();
  for (let i = 0; i < FAILURES; i++) breaker.failed();
  for (let s = 0; s < 4; s++) {
    clock.advance(1000);
    await settle();
  }
  assert.deepEqual(breaker.outage, { since: 0, tries: 2, nextAt: 7000 });
});
