import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntryMeta, EntryState, Lease, RecipientState } from './store.ts';
import {
  allows,
  amended,
  checkNew,
  claimed,
  ENTRY_MOVES,
  hastened,
  held,
  IllegalMove,
  RECIPIENT_MOVES,
  recovered,
  released,
  renewed,
  settled,
} from './states.ts';
import type { Move } from './states.ts';
import { metaOf, recipient } from './samples.cases.ts';

const lease: Lease = { owner: 'w', token: 't', until: 2000 };
const IN: Record<EntryState, EntryMeta> = {
  queued: metaOf(),
  leased: metaOf({ state: 'leased', lease }),
  held: metaOf({ state: 'held', hold: { reason: 'r', by: 'b' } }),
};

const MOVES: Record<Exclude<Move, 'commit' | 'remove'>, (meta: EntryMeta) => EntryMeta | null> = {
  claim: (meta) => claimed(meta, lease),
  renew: (meta) => renewed(meta, 3000),
  retry: (meta) => settled(meta, { kind: 'retry', recipients: meta.recipients, due: 3000 }),
  suspend: (meta) => settled(meta, { kind: 'hold', reason: 'r', by: 'b' }),
  done: (meta) => settled(meta, { kind: 'done' }),
  recover: (meta) => recovered(meta),
  hasten: (meta) => hastened(meta, 3000),
  release: (meta) => released(meta, 3000),
  hold: (meta) => held(meta, 'r', 'b'),
  amend: (meta) => amended(meta, { ...meta, due: 3000 }),
};

test('every move does what its row says from every state, and throws from the others', () => {
  for (const [move, make] of Object.entries(MOVES) as [keyof typeof MOVES, (m: EntryMeta) => EntryMeta][])
    for (const meta of Object.values(IN)) {
      if (!allows(move, meta.state)) {
        assert.throws(() => make(meta), IllegalMove, `${move} from ${meta.state}`);
        continue;
      }
      const next = make(meta);
      const to: readonly string[] = ENTRY_MOVES[move].to;
      assert.ok(to.includes(next?.state ?? 'absent'), `${move} from ${meta.state}`);
      if (next === null) continue;
      assert.equal(next.lease !== null, next.state === 'leased');
      assert.equal(next.hold !== null, next.state === 'held');
      checkNew(next); // whatever a move makes could also be committed
    }
});

test('a recipient that is finished stays as it is', () => {
  const states: RecipientState[] = ['pending', 'delivered', 'failed', 'expired'];
  for (const from of states)
    for (const to of states) {
      const meta = metaOf({ state: 'leased', lease, recipients: [recipient('a@b', { state: from })] });
      const retry = (): unknown =>
        settled(meta, { kind: 'retry', recipients: [recipient('a@b', { state: to })], due: 1 });
      if (RECIPIENT_MOVES[from].includes(to)) retry();
      else assert.throws(retry, IllegalMove);
      assert.equal(RECIPIENT_MOVES[from].includes(to), from === 'pending' || from === to);
    }
});

test('times that are none are mistakes', () => {
  assert.throws(() => claimed(IN.queued, { ...lease, until: Infinity }), IllegalMove);
  assert.throws(() => renewed(IN.leased, Number.NaN), IllegalMove);
  assert.throws(() => released(IN.held, -Infinity), IllegalMove);
});

test('the mistake has a stable code', () => {
  assert.throws(() => recovered(IN.held), { code: 'spool_illegal_move', name: 'IllegalMove' });
});
