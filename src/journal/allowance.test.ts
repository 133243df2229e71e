import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '#clock';
import { Allowance } from './allowance.ts';

const RING = 8 * 1024 * 1024;

test('an eighth of the ring at once, then a ring in ten minutes; what is saved up has a bound', () => {
  const clock = new ManualClock();
  const allowance = new Allowance(clock, RING);
  assert.ok(allowance.take(RING / 8));
  assert.ok(!allowance.take(1));
  clock.advance(6000);
  assert.ok(!allowance.take(RING / 100 + 1));
  assert.ok(allowance.take(RING / 100));
  clock.advance(86_400_000);
  assert.ok(!allowance.take(RING / 8 + 1));
  assert.ok(allowance.take(RING / 8));
});

test('however content comes, never more than a ring in ten minutes is kept beyond what was saved up', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5000), fc.nat(200_000)), { maxLength: 200 }), (steps) => {
      const clock = new ManualClock();
      const allowance = new Allowance(clock, RING);
      let kept = 0;
      for (const [ms, bytes] of steps) {
        clock.advance(ms);
        if (allowance.take(bytes)) kept += bytes;
        assert.ok(kept <= RING / 8 + (clock.elapsed() * RING) / 600_000 + 1);
      }
    }),
  );
});
