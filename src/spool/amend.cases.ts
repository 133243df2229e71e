/** What every SpoolStore must do about an operator's changes of entries nobody works on; part of store.cases.ts. */
import assert from 'node:assert/strict';
import { bodyOf } from '#message';
import { bytesIn, entryOf, idsOf, metaOf, pattern, recipient } from './samples.cases.ts';
import type { Case } from './samples.cases.ts';
import { IllegalMove } from './states.ts';
import type { SpoolStore } from './store.ts';

const HOLD = { reason: 'looks odd', by: 'milter:f' };

const committed = async (store: SpoolStore, more: Parameters<typeof entryOf>[0]) => {
  const entry = entryOf(more);
  await store.commit(entry);
  return (await store.get(entry.meta.id))!;
};

export const amendCases: readonly Case[] = [
  [
    'an entry is changed when it is as it was seen: time, recipients, state',
    async (store) => {
      const seen = await committed(store, { id: 'A1', due: 9000 });
      const next = { ...seen, due: 2000, recipients: [seen.recipients[0]!, recipient('eve@example.com')] };
      assert.equal(await store.amend(seen, next), true);
      assert.deepEqual(await store.get('A1'), next);
      assert.equal(await store.nextDue(), 2000);
      const held = { ...next, state: 'held', hold: { ...HOLD, since: 77 } } as const;
      assert.equal(await store.amend(next, held), true);
      assert.deepEqual(store.totals(), { queued: 0, leased: 0, held: 1 });
      assert.equal(await store.nextDue(), null);
      assert.equal(await store.amend(held, { ...held, state: 'queued', hold: null, due: 5 }), true);
      assert.equal(await store.nextDue(), 5);
      assert.equal(await bytesIn((await store.content('A1'))!.body).then(String), 'hello\r\n');
    },
  ],
  [
    'somebody who was faster makes a change fail, and nothing of it exists',
    async (store) => {
      const seen = await committed(store, { id: 'A1' });
      const also = entryOf({ id: 'N1' }, bodyOf([pattern(100_000)]));
      assert.equal(await store.hold('A1', 'why', 'me', 42), true);
      assert.equal(await store.amend(seen, { ...seen, due: 1 }, [also]), false);
      assert.equal(await store.get('N1'), null);
      assert.deepEqual((await store.get('A1'))!.hold, { reason: 'why', by: 'me', since: 42 });
      const other = await committed(store, { id: 'B1' });
      await store.claim('w', 5000, 1000, 1);
      assert.equal(await store.amend(other, null, [also]), false);
      assert.equal(await store.amend(metaOf({ id: 'Z' }), null, [also]), false);
      assert.deepEqual(idsOf(await store.list({ limit: 9 })), ['A1', 'B1']);
    },
  ],
  [
    'an entry that ends and one that comes in its place are one step, the bytes of the first in the second',
    async (store) => {
      const body = pattern(100_000, 7);
      const first = entryOf({ id: 'A1', state: 'held', hold: HOLD }, bodyOf([body]));
      await store.commit(first);
      const seen = (await store.get('A1'))!;
      const content = (await store.content('A1'))!;
      const second = { ...content, meta: metaOf({ id: 'A2' }) };
      assert.equal(await store.amend(seen, null, [second]), true);
      assert.equal(await store.get('A1'), null);
      assert.equal(await store.content('A1'), null);
      assert.deepEqual(await bytesIn((await store.content('A2'))!.body), Buffer.from(body));
      assert.deepEqual(store.totals(), { queued: 1, leased: 0, held: 0 });
    },
  ],
  [
    'an entry that is split goes on under two ids with the same bytes, each removed alone',
    async (store) => {
      const body = pattern(100_000, 3);
      const first = entryOf({ id: 'A1', state: 'held', hold: HOLD }, bodyOf([body]));
      await store.commit(first);
      const seen = (await store.get('A1'))!;
      const [one, two] = seen.recipients;
      const part = { ...(await store.content('A1'))!, meta: metaOf({ id: 'A2', recipients: [two!] }) };
      assert.equal(await store.amend(seen, { ...seen, recipients: [one!] }, [part]), true);
      assert.equal(await store.remove('A1'), true);
      assert.deepEqual(await bytesIn((await store.content('A2'))!.body), Buffer.from(body));
    },
  ],
  [
    'what the table does not allow is a mistake and changes nothing',
    async (store) => {
      const seen = await committed(store, {
        id: 'A1',
        recipients: [recipient('a@b', { state: 'delivered' }), recipient('c@d')],
      });
      const [done, open] = seen.recipients;
      const wrong = [
        { ...seen, id: 'B1' },
        { ...seen, size: 1 },
        { ...seen, due: NaN },
        { ...seen, state: 'held' as const },
        { ...seen, hold: HOLD },
        { ...seen, lease: { owner: 'w', token: 't', until: 1 } },
        { ...seen, recipients: [{ ...done!, state: 'pending' as const }, open!] },
        { ...seen, recipients: [done!] },
      ];
      for (const next of wrong) await assert.rejects(store.amend(seen, next), IllegalMove);
      await store.claim('w', 5000, 1000, 1);
      const leased = (await store.get('A1'))!;
      await assert.rejects(store.amend(leased, null), IllegalMove);
      assert.deepEqual(await store.get('A1'), leased);
    },
  ],
  [
    'of many changes made from one reading exactly one happens',
    async (store) => {
      const seen = await committed(store, { id: 'A1' });
      const tries = Array.from({ length: 20 }, (_, i) =>
        store.amend(seen, i % 2 ? null : { ...seen, due: 100 + i }, [entryOf({ id: `N${i}` })]),
      );
      const happened = (await Promise.all(tries)).filter(Boolean);
      assert.equal(happened.length, 1);
      const left = (await store.list({ limit: 99 })).filter((m) => m.id.startsWith('N'));
      assert.equal(left.length, 1);
    },
  ],
];
