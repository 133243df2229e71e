/**
 * What every SpoolStore must do, run against each implementation by its own test file.
 *
 * Every case opens an empty store, and none looks behind the interface.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf } from '#message';
import { amendCases } from './amend.cases.ts';
import { claimCases, settleCases } from './claim.cases.ts';
import { bytesIn, entryOf, idsOf, metaOf, pattern, recipient } from './samples.cases.ts';
import type { Case } from './samples.cases.ts';
import { IllegalMove } from './states.ts';
import { SpoolError } from './store.ts';
import type { EntryMeta, Lease, SpoolStore } from './store.ts';

/** Opens a fresh store for one case; the case closes it. */
export type OpenStore = () => Promise<SpoolStore>;

const leaseOf = (meta: EntryMeta | undefined): Lease => meta!.lease!;
const LEASE = 10_000;

const contentCases: readonly Case[] = [
  [
    'an entry and its bytes come back as they were committed',
    async (store) => {
      const entry = entryOf({ id: 'A1' });
      await store.commit(entry);
      assert.deepEqual(await store.get('A1'), entry.meta);
      const content = await store.content('A1');
      assert.deepEqual(Buffer.from(content!.header), Buffer.from(entry.header));
      assert.deepEqual(await bytesIn(content!.body), Buffer.from('hello\r\n'));
      assert.equal(content!.body.size, 7);
    },
  ],
  [
    'an empty body and an empty header are kept',
    async (store) => {
      await store.commit({ meta: metaOf({ id: 'E' }), header: new Uint8Array(0), body: bodyOf([]) });
      const content = await store.content('E');
      assert.equal(content!.header.length, 0);
      assert.equal(content!.body.size, 0);
      assert.equal((await bytesIn(content!.body)).length, 0);
    },
  ],
  [
    'bodies of every size around the bounds round-trip through a draft',
    async (store) => {
      for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000, 1_500_000]) {
        const bytes = pattern(size, size & 255);
        const draft = store.draft();
        for (let at = 0; at < size; at += 9_973) await draft.write(bytes.subarray(at, at + 9_973));
        const body = await draft.finish();
        assert.equal(body.size, size);
        assert.ok((await bytesIn(body)).equals(bytes), `draft of ${size}`);
        const entry = entryOf({}, body);
        await store.commit(entry);
        const content = await store.content(entry.meta.id);
        assert.equal(content!.body.size, size);
        assert.ok((await bytesIn(content!.body)).equals(bytes), `entry of ${size}`);
      }
    },
  ],
  [
    'a large body in memory and one body in two entries are kept',
    async (store) => {
      const bytes = pattern(300_000);
      const first = entryOf({}, bodyOf([bytes.subarray(0, 100_000), bytes.subarray(100_000)]));
      await store.commit(first);
      const kept = await store.content(first.meta.id);
      const second = entryOf({}, kept!.body);
      await store.commit(second);
      assert.equal(await store.remove(first.meta.id), true);
      assert.ok((await bytesIn((await store.content(second.meta.id))!.body)).equals(bytes));
    },
  ],
  [
    'a discarded draft leaves nothing and never throws',
    async (store) => {
      for (const size of [10, 200_000]) {
        const draft = store.draft();
        await draft.write(pattern(size));
        draft.discard();
        draft.discard();
        await draft.write(pattern(10));
        const finished = store.draft();
        await finished.write(pattern(size));
        await finished.finish();
        finished.discard();
      }
      assert.deepEqual(store.totals(), { queued: 0, leased: 0, held: 0 });
    },
  ],
  [
    'what does not exist is null or false',
    async (store) => {
      assert.equal(await store.get('nobody'), null);
      assert.equal(await store.get(''), null);
      assert.equal(await store.content('nobody'), null);
      assert.equal(await store.content(''), null);
      assert.equal(await store.release('nobody', 1), false);
      assert.equal(await store.hold('nobody', 'r', 'b'), false);
      assert.equal(await store.remove('nobody'), false);
      const lease = { owner: 'w', token: 't', until: 5 };
      assert.equal(await store.settle('nobody', lease, { kind: 'done' }), false);
      assert.equal(await store.nextDue(), null);
      assert.deepEqual(await store.claim('w', 1e15, LEASE, 10), []);
      assert.deepEqual(await store.list({ limit: 10 }), []);
    },
  ],
];

const commitCases: readonly Case[] = [
  [
    'an entry can be committed held, queued, or leased by its maker',
    async (store) => {
      await store.commit(entryOf({ state: 'held', hold: { reason: 'virus', by: 'milter:av' } }));
      await store.commit(entryOf());
      const lease = { owner: 'w', token: 'mine', until: 2000 };
      const leased = entryOf({ state: 'leased', lease });
      await store.commit(leased);
      assert.deepEqual(store.totals(), { queued: 1, leased: 1, held: 1 });
      assert.equal(await store.settle(leased.meta.id, lease, { kind: 'done' }), true);
      assert.deepEqual(store.totals(), { queued: 1, leased: 0, held: 1 });
    },
  ],
  [
    'entries that contradict themselves are refused as mistakes',
    async (store) => {
      const lease = { owner: 'w', token: 't', until: 1 };
      const hold = { reason: 'r', by: 'b' };
      const wrong: Partial<EntryMeta>[] = [
        { id: '' },
        { id: '../x' },
        { id: 'a'.repeat(65) },
        { state: 'leased' },
        { lease },
        { state: 'held' },
        { hold },
        { due: Number.NaN },
        { expiresAt: Infinity },
      ];
      for (const more of wrong) await assert.rejects(store.commit(entryOf(more)), IllegalMove);
      assert.deepEqual(await store.list({ limit: 10 }), []);
    },
  ],
  [
    'an id is used once, and the first entry stays',
    async (store) => {
      await store.commit(entryOf({ id: 'A1', sender: 'first@example.org' }));
      await assert.rejects(store.commit(entryOf({ id: 'A1', sender: 'second@example.org' })), IllegalMove);
      assert.equal((await store.get('A1'))!.sender, 'first@example.org');
      assert.deepEqual(store.totals(), { queued: 1, leased: 0, held: 0 });
    },
  ],
  [
    'many concurrent commits all arrive, each with its own bytes',
    async (store) => {
      const entries = Array.from({ length: 60 }, (_, i) => entryOf({}, bodyOf([pattern(i * 40, i)])));
      await Promise.all(entries.map((entry) => store.commit(entry)));
      assert.equal(store.totals().queued, 60);
      for (const { meta, body } of entries)
        assert.ok((await bytesIn((await store.content(meta.id))!.body)).equals(await bytesIn(body)));
    },
  ],
];

/** A settlement that makes a finished recipient pending again. */
const undoing = { kind: 'retry', due: 9000, recipients: [recipient('a@example.org')] } as const;

const mistakeCases: readonly Case[] = [
  [
    'a settlement that is no legal move throws, changes nothing, and lets the lease run out',
    async (store) => {
      const finished = recipient('a@example.org', { state: 'delivered', attempts: 1 });
      await store.commit(entryOf({ id: 'A1', recipients: [finished] }));
      const [mine] = await store.claim('w', 1000, LEASE, 1);
      await assert.rejects(store.settle('A1', leaseOf(mine), undoing), IllegalMove);
      assert.deepEqual(await store.get('A1'), mine);
      assert.deepEqual(await store.renew('w', 1e9), []);
      assert.deepEqual(await store.get('A1'), mine, 'the lease was not renewed');
      const [again] = await store.claim('w', 1000 + LEASE, LEASE, 1);
      assert.equal(await store.settle('A1', leaseOf(again), { kind: 'done' }), true);
    },
  ],
  [
    'a notice that is no legal entry throws, and lets the lease run out too',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      await store.commit(entryOf({ id: 'B1', due: 1e9 }));
      const [mine] = await store.claim('w', 1000, LEASE, 1);
      for (const wrong of [entryOf({ id: '' }), entryOf({ id: 'N1', due: Number.NaN })])
        await assert.rejects(store.settle('A1', leaseOf(mine), { kind: 'done' }, [wrong]), IllegalMove);
      assert.deepEqual(await store.renew('w', 1e9), []);
      assert.deepEqual(await store.get('A1'), mine);
      assert.deepEqual(idsOf(await store.list({ limit: 9 })), ['A1', 'B1']);
    },
  ],
];

const operatorCases: readonly Case[] = [
  [
    'a held entry waits for release, and a queued one can be held',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      assert.equal(await store.release('A1', 1), false, 'it is not held');
      assert.equal(await store.hold('A1', 'looks odd', 'admin:ann'), true);
      assert.deepEqual((await store.get('A1'))!.hold, { reason: 'looks odd', by: 'admin:ann' });
      assert.equal(await store.hold('A1', 'again', 'x'), false);
      assert.deepEqual(await store.claim('w', 5000, LEASE, 5), []);
      assert.equal(await store.release('A1', 3000), true);
      assert.deepEqual(await store.claim('w', 2999, LEASE, 5), []);
      const [mine] = await store.claim('w', 3000, LEASE, 5);
      assert.equal(mine!.hold, null);
      assert.equal(await store.hold('A1', 'r', 'b'), false, 'it is leased');
      const hold = { kind: 'hold', reason: 'quarantine', by: 'milter:x' } as const;
      assert.equal(await store.settle('A1', leaseOf(mine), hold), true);
      assert.deepEqual(store.totals(), { queued: 0, leased: 0, held: 1 });
    },
  ],
  [
    'queued and held entries can be removed, leased ones cannot',
    async (store) => {
      await store.commit(entryOf({ id: 'Q', due: 9000 }, bodyOf([pattern(100_000)])));
      await store.commit(entryOf({ id: 'H', state: 'held', hold: { reason: 'r', by: 'b' } }));
      await store.commit(entryOf({ id: 'L' }));
      await store.claim('w', 1000, LEASE, 1);
      assert.equal(await store.remove('Q'), true);
      assert.equal(await store.remove('Q'), false);
      assert.equal(await store.remove('H'), true);
      assert.equal(await store.remove('L'), false);
      assert.equal(await store.content('Q'), null);
      assert.deepEqual(store.totals(), { queued: 0, leased: 1, held: 0 });
    },
  ],
  [
    'what is due too late to have been meant so is made due, and nothing else',
    async (store) => {
      const entries = Array.from({ length: 600 }, () => entryOf({ due: 9001 }));
      await Promise.all(entries.map((entry) => store.commit(entry)));
      await store.commit(entryOf({ id: 'E', due: 9000 }));
      await store.commit(entryOf({ id: 'H', due: 9500, state: 'held', hold: { reason: 'r', by: 'b' } }));
      await store.commit(entryOf({ id: 'L', due: 1 }));
      assert.deepEqual(idsOf(await store.claim('w', 1, 1e6, 5)), ['L']);
      assert.equal(await store.hasten(9000, 700), 600);
      assert.equal(await store.hasten(9000, 700), 0);
      assert.equal(await store.nextDue(), 700);
      assert.equal((await store.claim('w', 700, LEASE, 1000)).length, 600);
      assert.equal((await store.get('H'))!.due, 9500);
      assert.equal((await store.get('E'))!.due, 9000);
    },
  ],
  [
    'moves that cross end in one state that some order explains',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [held, removed, taken] = await Promise.all([
        store.hold('A1', 'r', 'b'),
        store.remove('A1'),
        store.claim('w', 1000, LEASE, 1),
      ]);
      const state = (await store.get('A1'))?.state ?? 'absent';
      const { queued, leased, held: inHold } = store.totals();
      assert.equal(queued + leased + inHold, state === 'absent' ? 0 : 1);
      if (removed) assert.equal(state, 'absent');
      else assert.equal(state, taken.length > 0 ? 'leased' : 'held');
      assert.ok(held || removed || taken.length > 0);
    },
  ],
  [
    'listing goes by id, page by page, by state or all',
    async (store) => {
      const made = Array.from({ length: 25 }, (_, i) => {
        const held = i % 5 === 0;
        return entryOf({
          due: 9000 - i,
          ...(held && { state: 'held', hold: { reason: 'r', by: 'b' } }),
        });
      });
      for (const entry of made.toReversed()) await store.commit(entry);
      const all = made.map(({ meta }) => meta.id);
      assert.deepEqual(idsOf(await store.list({ limit: 100 })), all);
      assert.deepEqual(idsOf(await store.list({ limit: 10 })), all.slice(0, 10));
      assert.deepEqual(idsOf(await store.list({ limit: 10, after: all[9]! })), all.slice(10, 20));
      assert.deepEqual(idsOf(await store.list({ limit: 10, after: all[24]! })), []);
      assert.deepEqual(await store.list({ limit: 0 }), []);
      const held = all.filter((_, i) => i % 5 === 0);
      assert.deepEqual(idsOf(await store.list({ limit: 100, state: 'held' })), held);
      assert.deepEqual(
        idsOf(await store.list({ limit: 2, after: held[1]!, state: 'held' })),
        held.slice(2, 4),
      );
      const queued = all.filter((_, i) => i % 5 !== 0);
      assert.deepEqual(
        idsOf(await store.list({ limit: 7, after: all[3]!, state: 'queued' })),
        queued.slice(3, 10),
      );
      assert.deepEqual(await store.list({ limit: 7, state: 'leased' }), []);
    },
  ],
  [
    'a closed store answers with an error',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      await store.close();
      const io = (error: unknown): boolean => error instanceof SpoolError && error.code === 'io';
      await assert.rejects(store.commit(entryOf()), io);
      await assert.rejects(store.get('A2'), io);
      await assert.rejects(store.claim('w', 5000, LEASE, 1), io);
    },
  ],
];

/** Runs every case against stores made by `open`. */
export function storeCases(name: string, open: OpenStore): void {
  const all = [
    ...contentCases,
    ...commitCases,
    ...claimCases,
    ...settleCases,
    ...mistakeCases,
    ...operatorCases,
    ...amendCases,
  ];
  for (const [says, run] of all)
    void test(`${name}: ${says}`, async () => {
      const store = await open();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
}
