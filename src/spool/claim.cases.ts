/** Cases of store.cases.ts: claiming, renewing, settling. */
import assert from 'node:assert/strict';
import { bodyOf, status } from '#message';
import { bytesIn, entryOf, idsOf, pattern, recipient } from './samples.cases.ts';
import type { Case } from './samples.cases.ts';
import { IllegalMove } from './states.ts';
import type { EntryMeta, Lease } from './store.ts';

const leaseOf = (meta: EntryMeta | undefined): Lease => meta!.lease!;
const LEASE = 10_000;

export const claimCases: readonly Case[] = [
  [
    'claiming takes what is due, oldest first, and no more than asked',
    async (store) => {
      const due = [3000, 1000, 2000, 1000, 9000];
      const made = due.map((at) => entryOf({ due: at }));
      for (const entry of made) await store.commit(entry);
      const order = [1, 3, 2, 0].map((i) => made[i]!.meta.id);
      assert.deepEqual(await store.claim('w', 999, LEASE, 10), []);
      assert.deepEqual(await store.claim('w', 5000, LEASE, 0), []);
      assert.deepEqual(idsOf(await store.claim('w', 5000, LEASE, 2)), order.slice(0, 2));
      assert.deepEqual(idsOf(await store.claim('w', 5000, LEASE, 10)), order.slice(2));
      assert.deepEqual(await store.claim('w', 5000, LEASE, 10), []);
    },
  ],
  [
    'an entry is due at its very millisecond',
    async (store) => {
      await store.commit(entryOf({ due: 1000 }));
      assert.equal((await store.claim('w', 1000, LEASE, 1)).length, 1);
    },
  ],
  [
    'two workers that claim at the same time never get the same entry',
    async (store) => {
      for (let i = 0; i < 20; i++) await store.commit(entryOf());
      const [a, b] = await Promise.all([
        store.claim('a', 5000, LEASE, 12),
        store.claim('b', 5000, LEASE, 12),
      ]);
      assert.equal(a.length + b.length, 20);
      assert.equal(new Set([...idsOf(a), ...idsOf(b)]).size, 20);
    },
  ],
  [
    'a lease that ran out is claimed by another, and the first owner has lost it',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [first] = await store.claim('a', 1000, 500, 1);
      assert.equal(first!.lease!.until, 1500);
      assert.deepEqual(await store.claim('b', 1499, 500, 1), []);
      const [second] = await store.claim('b', 1500, 500, 1);
      assert.equal(second!.id, 'A1');
      assert.notEqual(leaseOf(second).token, leaseOf(first).token);
      assert.equal(await store.settle('A1', leaseOf(first), { kind: 'done' }), false);
      assert.equal((await store.get('A1'))!.state, 'leased');
      assert.equal(await store.settle('A1', leaseOf(second), { kind: 'done' }), true);
      assert.equal(await store.get('A1'), null);
      assert.equal(await store.content('A1'), null);
    },
  ],
  [
    'renewing extends what an owner holds and names what it lost',
    async (store) => {
      for (const id of ['A1', 'A2', 'A3']) await store.commit(entryOf({ id }));
      const mine = await store.claim('a', 1000, 500, 3);
      assert.deepEqual(await store.renew('a', 1600), []);
      assert.deepEqual(await store.claim('b', 1599, 500, 1), []);
      assert.equal(await store.settle('A2', leaseOf(mine[1]), { kind: 'done' }), true);
      const [stolen] = await store.claim('b', 1600, 5000, 1);
      assert.deepEqual(await store.renew('a', 3000), [stolen!.id]);
      assert.deepEqual(await store.renew('a', 3000), []);
      assert.deepEqual(await store.renew('nobody', 3000), []);
      assert.equal((await store.get('A3'))!.lease!.until, 3000);
      assert.equal((await store.get('A1'))!.lease!.until, 6600);
      assert.equal(
        await store.settle('A3', leaseOf(mine[2]), { kind: 'done' }),
        true,
        'a renewed lease settles',
      );
    },
  ],
  [
    'a lease that ran out but was not taken is still good',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [mine] = await store.claim('a', 1000, 10, 1);
      assert.deepEqual(await store.renew('a', 9000), []);
      assert.equal(await store.settle('A1', leaseOf(mine), { kind: 'done' }), true);
    },
  ],
  [
    'the next due time is that of the first queued entry or the first lease to end',
    async (store) => {
      await store.commit(entryOf({ id: 'A1', due: 2000 }));
      await store.commit(entryOf({ id: 'A2', due: 7000 }));
      await store.commit(entryOf({ state: 'held', due: 1, hold: { reason: 'r', by: 'b' } }));
      assert.equal(await store.nextDue(), 2000);
      const [mine] = await store.claim('a', 2000, 500, 1);
      assert.equal(await store.nextDue(), 2500);
      await store.settle('A1', leaseOf(mine), { kind: 'hold', reason: 'r', by: 'b' });
      assert.equal(await store.nextDue(), 7000);
    },
  ],
];

export const settleCases: readonly Case[] = [
  [
    'a retry keeps the finished recipients, counts the run and waits for its time',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [mine] = await store.claim('a', 1000, LEASE, 1);
      const later = status(451, '4.3.0', 'try again', 'mx.example.net');
      const recipients = [
        recipient('bob@example.net', { state: 'delivered', attempts: 1, lastStatus: status(250, '', 'ok') }),
        recipient('j\xc3\xb6rg@example.net', { attempts: 1, lastStatus: later }),
      ];
      assert.equal(await store.settle('A1', leaseOf(mine), { kind: 'retry', recipients, due: 4000 }), true);
      const now = await store.get('A1');
      assert.deepEqual(now!.recipients, recipients);
      assert.deepEqual([now!.state, now!.lease, now!.due, now!.attempts], ['queued', null, 4000, 1]);
      assert.deepEqual(await store.claim('a', 3999, LEASE, 1), []);
      const [again] = await store.claim('a', 4000, LEASE, 1);
      const back = { kind: 'retry', recipients, due: 5000 } as const;
      assert.equal(await store.settle('A1', leaseOf(again), back), true);
      assert.equal((await store.get('A1'))!.attempts, 1, 'giving back untried is no run');
    },
  ],
  [
    'that its sender was told of the delay is kept, through later runs too',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [mine] = await store.claim('a', 1000, LEASE, 1);
      const { recipients } = mine!;
      const told = { kind: 'retry', recipients, due: 1000, delayTold: true } as const;
      assert.equal(await store.settle('A1', leaseOf(mine), told), true);
      const [again] = await store.claim('a', 1000, LEASE, 1);
      assert.equal(again!.delayTold, true);
      await store.settle('A1', leaseOf(again), { kind: 'retry', recipients, due: 1000 });
      assert.equal((await store.get('A1'))!.delayTold, true);
    },
  ],
  [
    'a finished recipient cannot come back, and the entry stays leased',
    async (store) => {
      const done = recipient('bob@example.net', { state: 'delivered' });
      await store.commit(entryOf({ id: 'A1', recipients: [done] }));
      const [mine] = await store.claim('a', 1000, LEASE, 1);
      for (const recipients of [[recipient('bob@example.net')], [recipient('eve@example.net')], []])
        await assert.rejects(
          store.settle('A1', leaseOf(mine), { kind: 'retry', recipients, due: 1 }),
          IllegalMove,
        );
      assert.equal((await store.get('A1'))!.state, 'leased');
    },
  ],
  [
    'a notice is committed together with the settlement, or not at all',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      await store.commit(entryOf({ id: 'A2' }));
      const [first, second] = await store.claim('a', 1000, 10, 2);
      const notice = entryOf({ id: 'N1', sender: '' }, bodyOf([pattern(100)]));
      assert.equal(await store.settle('A1', leaseOf(first), { kind: 'done' }, [notice]), true);
      assert.equal(await store.get('A1'), null);
      assert.deepEqual(await store.get('N1'), notice.meta);
      assert.ok((await bytesIn((await store.content('N1'))!.body)).equals(pattern(100)));
      await store.claim('b', 1010, LEASE, 5);
      const lost = [entryOf({ id: 'N2' }), entryOf({ id: 'N3' }, bodyOf([pattern(100_000)]))];
      assert.equal(await store.settle('A2', leaseOf(second), { kind: 'done' }, lost), false);
      assert.equal(await store.get('N2'), null);
      assert.equal(await store.get('N3'), null);
      assert.equal(await store.content('N3'), null);
    },
  ],
  [
    'the same lease settles once, even when asked twice at the same time',
    async (store) => {
      await store.commit(entryOf({ id: 'A1' }));
      const [mine] = await store.claim('a', 1000, LEASE, 1);
      const asked = [1, 2].map(() => store.settle('A1', leaseOf(mine), { kind: 'done' }));
      const answers = await Promise.all(asked);
      assert.notEqual(answers[0], answers[1]);
      assert.deepEqual(store.totals(), { queued: 0, leased: 0, held: 0 });
    },
  ],
  [
    'renewals and settlements that cross leave every entry settled',
    async (store) => {
      for (let i = 0; i < 20; i++) await store.commit(entryOf());
      const mine = await store.claim('a', 1000, LEASE, 20);
      const settling = mine.map((meta) => store.settle(meta.id, leaseOf(meta), { kind: 'done' }));
      const renewing = store.renew('a', 90_000);
      assert.deepEqual(await renewing, []);
      assert.ok((await Promise.all(settling)).every(Boolean));
      const more = Array.from({ length: 20 }, () => entryOf());
      for (const entry of more) await store.commit(entry);
      const others = await store.claim('a', 1000, LEASE, 20);
      const first = store.renew('a', 95_000);
      const then = others.map((meta) => store.settle(meta.id, leaseOf(meta), { kind: 'done' }));
      assert.ok((await Promise.all(then)).every(Boolean));
      assert.deepEqual(await first, []);
      assert.deepEqual(store.totals(), { queued: 0, leased: 0, held: 0 });
    },
  ],
];
