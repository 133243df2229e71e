import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf } from '#message';
import { MemorySpool } from '#spool';
import { entryOf, pattern } from './samples.cases.ts';
import { storeCases } from './store.cases.ts';

storeCases('memory store', async () => new MemorySpool());

test('memory store: what it holds is bounded, and room comes back', async () => {
  const header = entryOf().header.length;
  const spool = new MemorySpool({ maxBytes: header + 100 });
  assert.equal(spool.freeBytes(), header + 100);
  await assert.rejects(spool.commit(entryOf({ id: 'A' }, bodyOf([pattern(101)]))), { code: 'full' });
  await spool.commit(entryOf({ id: 'A' }, bodyOf([pattern(100)])));
  assert.equal(spool.freeBytes(), 0);
  await assert.rejects(spool.commit(entryOf({ id: 'B' }, bodyOf([]))), { code: 'full' });
  await spool.remove('A');
  assert.equal(spool.freeBytes(), header + 100);
  await spool.commit(entryOf({ id: 'B' }, bodyOf([])));
});

test('memory store: room for nothing takes nothing', async () => {
  const spool = new MemorySpool({ maxBytes: 0 });
  await assert.rejects(spool.commit(entryOf()), { code: 'full' });
});
