import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1 } from '#message';
import { Gather } from './gather.ts';

test('a piece of usual size passes untouched, and so do a few small ones', () => {
  const [big, small] = [new Uint8Array(1024), bytesOf('end')];
  const out: Uint8Array[] = [];
  const gather = new Gather();
  gather.add(big, out);
  gather.add(small, out);
  assert.deepEqual(out, [big]);
  gather.flush(out);
  assert.equal(out[0], big);
  assert.equal(out[1], small);
});

test('crumbs become few pieces, and no byte is lost or moved', () => {
  const gather = new Gather();
  const out: Uint8Array[] = [];
  for (let i = 0; i < 10_000; i++) gather.add(Uint8Array.of(i & 255), out);
  gather.flush(out);
  assert.ok(out.length <= 40, String(out.length));
  const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1020, max: 1030 }));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 600 }), (sizes) => {
      const mixed = new Gather();
      const got: Uint8Array[] = [];
      const pieces = sizes.map((n, i) => new Uint8Array(n).fill(i & 255));
      for (const piece of pieces) mixed.add(piece, got);
      mixed.flush(got);
      assert.equal(got.map((p) => latin1(p)).join(''), pieces.map((p) => latin1(p)).join(''));
    }),
  );
});
