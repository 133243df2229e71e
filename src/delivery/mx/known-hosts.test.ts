import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { status } from '#message';
import type { Found } from './find-hosts.ts';
import { KnownHosts, SHORTEST_KEPT } from './known-hosts.ts';

/** A memory, and searches that are counted. */
function memory(max?: number, ttl = 60_000) {
  const clock = new ManualClock();
  const known = new KnownHosts(clock, max);
  const searched: string[] = [];
  const find = (domain: string): Found | Promise<Found> =>
    known.find(domain, () => {
      searched.push(domain);
      return Promise.resolve({ status: status(550, '5.1.2', domain), ttl });
    });
  return { clock, known, searched, find };
}

test('what is known is told at once until its time is over', async () => {
  const { clock, searched, find } = memory();
  const first = await find('a.test');
  assert.equal(find('a.test'), first);
  clock.advance(59_999);
  assert.equal(find('a.test'), first);
  clock.advance(1);
  assert.notEqual(await find('a.test'), first);
  assert.deepEqual(searched, ['a.test', 'a.test']);
});

test('many who ask at the same time wait for one search', async () => {
  const { searched, find } = memory();
  const found = await Promise.all([1, 2, 3].map(async () => find('a.test')));
  assert.equal(new Set(found).size, 1);
  assert.deepEqual(searched, ['a.test']);
});

test('a time to live of nothing still spares the name server', async () => {
  const { clock, searched, find } = memory(undefined, 0);
  await find('a.test');
  clock.advance(SHORTEST_KEPT - 1);
  await find('a.test');
  assert.equal(searched.length, 1);
  clock.advance(1);
  await find('a.test');
  assert.equal(searched.length, 2);
});

test('no more is remembered than there is room for, the oldest goes first', async () => {
  for (const [max, again] of [
    [0, ['a', 'b', 'c', 'c', 'a']],
    [1, ['a', 'b', 'c', 'a']],
    [2, ['a', 'b', 'c', 'a']],
    [3, ['a', 'b', 'c']],
  ] as const) {
    const { searched, find } = memory(max);
    for (const domain of ['a', 'b', 'c', 'c', 'a']) await find(domain);
    assert.deepEqual(searched, again, `${max}`);
  }
});

test('a search that fails is not remembered', async () => {
  const { known, find, searched } = memory();
  await assert.rejects(
    async () => known.find('a.test', () => Promise.reject(new TypeError('a bug'))),
    TypeError,
  );
  await find('a.test');
  assert.deepEqual(searched, ['a.test']);
});
