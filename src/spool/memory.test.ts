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

test('memory store: bodies count from their first byte, an entry takes its body over, and what is thrown away makes room', async () => {
  const header = entryOf().header.length;
  const spool = new MemorySpool({ maxBytes: header + 100 });
  const drafts = [spool.draft(), spool.draft(), spool.draft()] as const;
  for (const draft of drafts) for (let i = 0; i < 3; i++) void draft.write(pattern(10));
  assert.equal(spool.freeBytes(), header + 10);
  await assert.rejects(spool.commit(entryOf({ id: 'A' }, bodyOf([pattern(11)]))), { code: 'full' });
  const body = await drafts[0].finish();
  assert.equal(spool.freeBytes(), header + 10, 'finishing changes nothing');
  await spool.commit(entryOf({ id: 'A' }, body));
  assert.equal(spool.freeBytes(), 10, 'the body counts once');
  drafts[0].discard();
  assert.equal(spool.freeBytes(), 10, 'it is the entry’s');
  void drafts[1].write(pattern(11));
  assert.equal(spool.freeBytes(), 40, 'what has no room is dropped as a whole');
  void drafts[1].write(pattern(1));
  assert.throws(() => drafts[1].finish(), { code: 'full' });
  drafts[1].discard();
  assert.equal(spool.freeBytes(), 40);
  void drafts[2].write(pattern(40));
  assert.equal(spool.freeBytes(), 0);
  const thrownAway = await drafts[2].finish();
  drafts[2].discard();
  drafts[2].discard();
  assert.equal(spool.freeBytes(), 70);
  assert.equal(thrownAway.size, 70);
  await spool.remove('A');
  assert.equal(spool.freeBytes(), header + 100);
});
