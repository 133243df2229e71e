import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import type { EntryMeta } from '#spool';
import { LONGEST_WAIT, MAX_WAITING_BYTES, handOverTo } from './hand-over.ts';

/** A hand-over on a clock moved by hand, with a delivery that writes down what it gets. */
function scene(load = 0): {
  clock: ManualClock;
  taken: string[];
  state: { load: number; room: boolean; woken: number };
  accept: (id: string, size?: number) => boolean;
  empty: () => void;
} {
  const clock = new ManualClock();
  const taken: string[] = [];
  const state = { load, room: true, woken: 0 };
  const delivery = {
    hasRoom: () => state.room,
    offer: (meta: EntryMeta) => (taken.push(meta.id), true),
    wake: () => void state.woken++,
  };
  const handOver = handOverTo(delivery, 'owner', clock, () => state.load);
  const accept = (id: string, size = 100): boolean => {
    const lease = handOver.lease();
    handOver.accepted({ id, size, lease } as EntryMeta, {
      header: new Uint8Array(),
      body: { size: 0, chunks: [], read: () => [] as never },
    });
    return lease !== null;
  };
  return { clock, taken, state, accept, empty: () => handOver.empty() };
}

test('a quiet process hands over at once, in order', () => {
  const { clock, taken, accept } = scene();
  for (const id of ['a', 'b', 'c']) accept(id);
  clock.advance(1);
  assert.deepEqual(taken, ['a', 'b', 'c']);
});

test('while clients rush in a part waits, for five seconds at most, and goes when the rush is over', () => {
  const { clock, taken, state, accept } = scene(1);
  let n = 0;
  for (let ms = 0; ms < 1000; ms++) {
    accept(`m${n++}`);
    clock.advance(1);
  }
  assert.ok(taken.length > 300 && taken.length < 600, String(taken.length));
  clock.advance(200); // the event loop is still at work, but nobody comes any more
  assert.equal(taken.length, 1000);
  for (let ms = 0; ms < LONGEST_WAIT + 100; ms++) {
    accept(`m${n++}`);
    clock.advance(1);
  }
  const oldest = 1000 + 100;
  assert.ok(taken.length >= oldest);
  assert.deepEqual(
    taken,
    Array.from({ length: taken.length }, (_, i) => `m${i}`),
  );
  state.load = 0;
});

test('without room nothing is leased, and what has waited long is given to delivery all the same', () => {
  const { clock, taken, state, accept } = scene();
  accept('a');
  state.room = false;
  assert.equal(accept('b'), false);
  assert.equal(state.woken, 1);
  clock.advance(LONGEST_WAIT - 1);
  assert.deepEqual(taken, []);
  clock.advance(50);
  assert.deepEqual(taken, ['a']);
});

test('the bytes that wait are bounded', () => {
  const { state, accept } = scene(1);
  assert.equal(accept('a', MAX_WAITING_BYTES), true);
  assert.equal(accept('b'), false);
  assert.equal(state.woken, 1);
});

test('at the end everything that waits goes to delivery, once', () => {
  const { clock, taken, accept, empty } = scene();
  accept('a');
  accept('b');
  empty();
  empty();
  clock.advance(1000);
  assert.deepEqual(taken, ['a', 'b']);
});
