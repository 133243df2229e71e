import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '#clock';
import type { EntryMeta, EntryRecipient } from '#spool';
import { Figures } from './figures.ts';
import { QueueFigures, type Counting } from './queue-figures.ts';

const START = 1_000_000;

const recipient = (address: string, state: EntryRecipient['state'] = 'pending'): EntryRecipient => ({
  address,
  params: [],
  state,
  attempts: 0,
  lastStatus: null,
});

/** A queued entry for two recipients, changed as wanted. */
const metaOf = (more: Partial<EntryMeta> = {}): EntryMeta => ({
  id: 'm',
  state: 'queued',
  receivedAt: 500,
  sender: 'a@out.test',
  senderParams: [],
  recipients: [recipient('b@in.test'), recipient('c@in.test')],
  origin: {
    listener: 'smtp',
    clientAddress: '192.0.2.1',
    clientName: '',
    helo: '',
    user: '',
    localPort: 25,
    source: 'smtp',
  },
  size: 30,
  due: 1000,
  expiresAt: 1_000_000,
  attempts: 0,
  hold: null,
  lease: null,
  ...more,
});

/** A store of these entries that counts how often it is read from its beginning. */
function storeOf(entries: readonly EntryMeta[], page?: () => void) {
  const store = { looks: 0 };
  const counting: Counting = {
    async list({ after, limit }) {
      if (after === undefined) store.looks++;
      page?.();
      await turn();
      const from = after === undefined ? 0 : entries.findIndex(({ id }) => id === after) + 1;
      return entries.slice(from, from + limit);
    },
  };
  return { store, counting };
}

const valueOf = (figures: Figures, name: Parameters<Figures['number']>[0], ...labels: string[]): number =>
  figures.number(name).cell(...labels).n;

test('entries count by their state, with recipients that wait, bytes and the oldest', async () => {
  const done = recipient('done@in.test', 'delivered');
  const lease = { owner: 'o', token: 't', until: 1 };
  const { counting } = storeOf([
    metaOf({ id: 'a', receivedAt: START - 5000, size: 10 }),
    metaOf({
      id: 'b',
      receivedAt: START - 9000,
      size: 20,
      attempts: 2,
      recipients: [recipient('x@y'), done],
    }),
    metaOf({ id: 'c', receivedAt: START - 1000, size: 40, attempts: 2, state: 'leased', lease }),
    metaOf({ id: 'd', state: 'held', size: 80, hold: { reason: 'r', by: 'f' } }),
  ]);
  const figures = new Figures();
  await new QueueFigures(counting, new ManualClock(START)).show(figures);
  const states = ['active', 'deferred', 'held'];
  const row = (name: Parameters<Figures['number']>[0]): number[] =>
    states.map((s) => valueOf(figures, name, s));
  assert.deepEqual(row('queue_messages'), [2, 1, 1]);
  assert.deepEqual(row('queue_recipients'), [4, 1, 2]);
  assert.deepEqual(row('queue_bytes'), [50, 20, 80]);
  assert.deepEqual(row('queue_oldest_age_seconds').slice(0, 2), [5, 9]);
  assert.deepEqual([valueOf(figures, 'quarantine_messages'), valueOf(figures, 'quarantine_bytes')], [1, 80]);
});

test('a count is good for five seconds, a slow one for twenty times what it took', async () => {
  const clock = new ManualClock(START);
  let slow = 0;
  const { store, counting } = storeOf([metaOf()], () => clock.advance(slow));
  const queue = new QueueFigures(counting, clock);
  await queue.count();
  await queue.count();
  assert.equal(store.looks, 1);
  clock.advance(5000);
  slow = 2000;
  await queue.count();
  await queue.stop();
  assert.equal(store.looks, 2);
  const again = new QueueFigures(counting, clock);
  slow = 1000;
  await again.count();
  slow = 0;
  for (let s = 0; s < 19; s++) {
    clock.advance(1000);
    await again.count();
  }
  assert.equal(store.looks, 3);
  clock.advance(1000);
  await again.count();
  assert.equal(store.looks, 4);
});

test('a spool that fails leaves the last count; an empty queue is told as such', async () => {
  const clock = new ManualClock(START);
  let fails = false;
  const queue = new QueueFigures(
    { list: () => (fails ? Promise.reject(new RangeError('io')) : Promise.resolve([])) },
    clock,
  );
  assert.equal((await queue.count())!.states.active.messages, 0);
  fails = true;
  clock.advance(10_000);
  assert.equal((await queue.count())!.states.active.messages, 0);
});

test('200,000 entries: whoever looks again while they are counted is not kept waiting', async () => {
  const meta = metaOf();
  const page = Array.from({ length: 512 }, (_, i) => ({ ...meta, id: `m${i}` }));
  let pages = 0;
  const list = async (): Promise<readonly EntryMeta[]> => {
    await turn();
    return ++pages % 391 === 0 ? page.slice(0, 320) : page;
  };
  const clock = new ManualClock(START);
  const queue = new QueueFigures({ list }, clock);
  const began = performance.now();
  const first = await queue.count();
  assert.equal(first!.states.active.messages, 390 * 512 + 320);
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
});
