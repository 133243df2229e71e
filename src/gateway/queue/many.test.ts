import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import type { EntryMeta } from '#spool';
import type { ActResult } from './acts.ts';
import { matching, onEach, type Listed } from './many.ts';
import { DAY, heldBy, HOUR, metaOf, rig, START, to } from './rig.cases.ts';
import { AGES, MAX_DOMAINS, shapeOf, statsOf } from './survey.ts';
import { parseWhere, type Where } from './where.ts';

const where = (...conditions: string[]): Where => parseWhere(conditions) as Where;
const clock = new ManualClock(START + HOUR);

/** Entries that are only listed; counts the pages. */
function listed(entries: readonly EntryMeta[]): Listed & { pages: number } {
  return {
    pages: 0,
    list({ after = '', limit, state }) {
      this.pages++;
      const found = entries.filter((e) => e.id > after && (!state || e.state === state));
      return Promise.resolve(found.slice(0, limit));
    },
    get: (id) => Promise.resolve(entries.find((e) => e.id === id) ?? null),
  };
}

const numbered = (count: number): EntryMeta[] =>
  Array.from({ length: count }, (_, i) => metaOf({ id: String(i).padStart(6, '0') }));

test('an entry named by its id is looked up, not searched for', async () => {
  const store = listed(numbered(2000));
  const found = async (...conditions: string[]): Promise<string[]> => {
    const ids: string[] = [];
    for await (const page of matching(store, where(...conditions), clock)) ids.push(...page.map((e) => e.id));
    return ids;
  };
  assert.deepEqual(await found('id=001500'), ['001500']);
  assert.deepEqual(await found('id=001500', 'state=held'), []);
  assert.deepEqual(await found('id=001500', 'id=001501'), []);
  assert.deepEqual(await found('id=nobody'), []);
  assert.equal(store.pages, 0);
  assert.deepEqual(await found('id=00150*', 'id!=001500'), [
    '001501',
    '001502',
    '001503',
    '001504',
    '001505',
    '001506',
    '001507',
    '001508',
    '001509',
  ]);
});

test('a long queue is read page by page, each entry once, in order', async () => {
  for (const count of [0, 1, 511, 512, 513, 1024]) {
    const entries = numbered(count);
    const store = listed(entries);
    const found: string[] = [];
    for await (const page of matching(store, where(), clock)) found.push(...page.map((e) => e.id));
    assert.deepEqual(
      found,
      entries.map((e) => e.id),
    );
    assert.ok(store.pages <= Math.floor(count / 512) + 1);
  }
});

test('an order about all that match concerns those that were there, once each', async () => {
  const entries = numbered(700).map((e, i) => (i % 2 ? e : { ...e, sender: 'other@x' }));
  const seen: string[] = [];
  const order = (id: string): Promise<ActResult> => {
    seen.push(id);
    entries.push(metaOf({ id: `9${id}` })); // as a notice would come
    return Promise.resolve({ id, result: 'done', detail: '' });
  };
  const results: string[] = [];
  for await (const { id } of onEach(listed(entries), { where: where('sender!=other@x') }, order, clock))
    results.push(id);
  assert.equal(seen.length, 350);
  assert.deepEqual(results, seen);
  assert.ok(results.every((id) => Number(id) % 2 === 1));
});

test('A09: what is no id is absent and asked of nobody; ids named twice are meant once', async () => {
  const odd = ['../../etc/passwd', '..%2f', '%2e%2e/', 'a/../b', 'a\0', 'x'.repeat(10_000), '', '/', '.'];
  const asked: string[] = [];
  const order = (id: string): Promise<ActResult> => {
    asked.push(id);
    return Promise.resolve({ id, result: 'absent', detail: '' });
  };
  const results: ActResult[] = [];
  const ids = [...odd, '__proto__', 'm', 'm1', 'm1'];
  for await (const r of onEach(listed([]), { ids }, order, clock)) results.push(r);
  assert.deepEqual(asked, ['m', 'm1']);
  assert.equal(results.length, odd.length + 3);
  assert.ok(results.every((r) => r.result === 'absent'));
});

test('the shape counts waiting recipients by domain and age, the total first', async () => {
  const minutes = (n: number): number => clock.now() - n * 60_000;
  const entries = [
    metaOf({ id: '1', receivedAt: minutes(5) }),
    metaOf({ id: '2', receivedAt: minutes(6), recipients: [to('x@ONE.test'), to('y@one.test')] }),
    metaOf({
      id: '3',
      receivedAt: minutes(1281),
      recipients: [to('a@one.test', { state: 'failed' }), to('z@two.test')],
    }),
  ];
  const { rows } = await shapeOf(listed(entries), where(), 'rcpt_domain', clock);
  const counts = (at: Record<number, number>) => [...AGES, 0].map((_, i) => at[i] ?? 0);
  assert.deepEqual(rows, [
    { domain: 'TOTAL', total: 5, counts: counts({ 0: 2, 1: 2, 9: 1 }) },
    { domain: 'one.test', total: 3, counts: counts({ 0: 1, 1: 2 }) },
    { domain: 'two.test', total: 2, counts: counts({ 0: 1, 9: 1 }) },
  ]);
  const senders = await shapeOf(listed(entries), where(), 'sender_domain', clock);
  assert.deepEqual(
    senders.rows.map((r) => [r.domain, r.total]),
    [
      ['TOTAL', 3],
      ['sender.test', 3],
    ],
  );
});

test('domains are counted apart up to a bound, all of them in the total', async () => {
  const recipients = Array.from({ length: MAX_DOMAINS + 5 }, (_, i) => to(`a@d${i}.test`));
  const { rows } = await shapeOf(listed([metaOf({ recipients })]), where(), 'rcpt_domain', clock);
  assert.equal(rows.length, 1 + MAX_DOMAINS);
  assert.equal(rows[0]!.total, MAX_DOMAINS + 5);
});

test('the figures are those of a real store', async () => {
  const { spool } = await rig([
    metaOf({ id: '1', receivedAt: START - DAY }),
    metaOf({ id: '2', attempts: 0, due: START + 5 }),
    heldBy('x', { id: '3' }),
  ]);
  assert.deepEqual(await statsOf(spool, where(), clock), {
    messages: 3,
    queued: 2,
    leased: 0,
    held: 1,
    deferred: 1,
    recipients: 6,
    bytes: 300,
    oldest: new Date(START - DAY).toISOString(),
    nextAttempt: new Date(START + 5).toISOString(),
  });
  const { messages, oldest } = await statsOf(spool, where('state=leased'), clock);
  assert.deepEqual([messages, oldest], [0, null]);
});
