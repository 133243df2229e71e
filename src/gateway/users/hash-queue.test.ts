import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import type { ScryptHash } from '#gateway/config';
import { HashQueue, type Check, type HashThread } from './hash-queue.ts';
import type { HashTask } from './hash-task.ts';

const HASH: ScryptHash = {
  kind: 'scrypt',
  ln: 4,
  r: 8,
  p: 1,
  salt: Buffer.alloc(16),
  hash: Buffer.alloc(32),
};

/** A thread that answers when told. */
class Thread extends EventEmitter {
  readonly tasks: string[] = [];
  ended = false;

  postMessage({ password }: HashTask): void {
    this.tasks.push(Buffer.from(password).toString('latin1'));
  }
  terminate(): Promise<number> {
    this.ended = true;
    return Promise.resolve(0);
  }
  ref(): void {}
  unref(): void {}
}

function rig() {
  const clock = new ManualClock();
  const threads: Thread[] = [];
  const said: string[] = [];
  const start = (): HashThread => {
    const thread = new Thread();
    threads.push(thread);
    return thread as unknown as HashThread;
  };
  const queue = new HashQueue(clock, (name, { reason }) => said.push(`${name}: ${String(reason)}`), start);
  const ask = (password: string, more: Partial<Check> = {}): Promise<boolean | null> =>
    queue.ask({
      name: 'tim',
      password,
      hash: HASH,
      client: '192.0.2.1',
      sessionFailures: 0,
      clientFailures: 0,
      signal: new AbortController().signal,
      ...more,
    });
  return { clock, queue, threads, said, ask };
}

test('the thread is started for the first check and has one at a time', async () => {
  const { threads, ask } = rig();
  assert.equal(threads.length, 0);
  const [a, b] = [ask('a'), ask('b')];
  assert.deepEqual(threads[0]!.tasks, ['a']);
  threads[0]!.emit('message', true);
  assert.equal(await a, true);
  assert.deepEqual(threads[0]!.tasks, ['a', 'b']);
  threads[0]!.emit('message', false);
  assert.equal(await b, false);
  assert.equal(threads.length, 1);
});

test('who has failed, or asks for much, waits behind who has not, but not for ever', () => {
  const { clock, threads, ask } = rig();
  const order = ['honest', 'colleague', 'failed here', 'rush 2', 'late', 'rush 3'];
  const rush = { client: '192.0.2.9', clientFailures: 2 };
  void ask('rush 1', rush);
  void ask('failed here', { client: '192.0.2.8', sessionFailures: 2 });
  void ask('rush 2', rush);
  void ask('rush 3', rush);
  clock.advance(100);
  void ask('honest');
  void ask('colleague', { ...rush, name: 'tom' });
  clock.advance(2000);
  void ask('late');
  for (let i = 0; i < order.length; i++) threads[0]!.emit('message', true);
  assert.deepEqual(threads[0]!.tasks, ['rush 1', ...order]);
});

test('when the queue is full the one due last is turned away', async () => {
  const { threads, ask } = rig();
  void ask('now');
  const rush = Array.from({ length: 64 }, (_, i) => ask(`rush ${i}`, { client: '192.0.2.9' }));
  const honest = ask('honest', { client: '192.0.2.7' });
  assert.equal(await rush.at(-1), null);
  assert.equal(await ask('failed', { client: '192.0.2.8', sessionFailures: 20 }), null);
  threads[0]!.emit('message', true);
  threads[0]!.emit('message', true);
  assert.ok(threads[0]!.tasks.includes('honest'), threads[0]!.tasks.join());
  threads[0]!.emit('message', true);
  assert.equal(await honest, true);
});

test('a thread that dies or takes too long is replaced; only who it worked for has no answer', async () => {
  const { clock, threads, said, ask } = rig();
  const [a, b] = [ask('a'), ask('b')];
  threads[0]!.emit('error', new Error('out of memory'));
  assert.equal(await a, null);
  threads[0]!.emit('exit', 1);
  assert.deepEqual(threads[1]!.tasks, ['b']);
  clock.advance(10_000);
  assert.equal(await b, null);
  assert.equal(threads[1]!.ended, true);
  threads[1]!.emit('message', true);
  const c = ask('c');
  threads[2]!.emit('message', true);
  assert.equal(await c, true);
  assert.deepEqual(said, [
    'gateway.hash-thread-failed: out of memory',
    'gateway.hash-thread-failed: no answer in time',
  ]);
});

test('a check that nobody waits for is not made; after the end there are no more', async () => {
  const { threads, queue, ask } = rig();
  const gone = new AbortController();
  const [a, b, c] = [ask('a', { signal: gone.signal }), ask('b', { signal: gone.signal }), ask('c')];
  gone.abort();
  assert.deepEqual(await Promise.all([a, b]), [null, null]);
  assert.equal(await ask('d', { signal: gone.signal }), null);
  threads[0]!.emit('message', true);
  assert.deepEqual(threads[0]!.tasks, ['a', 'c']);
  queue.close();
  assert.equal(await c, null);
  assert.equal(await ask('e'), null);
  assert.deepEqual([threads.length, threads[0]!.ended], [1, true]);
});

test('checks that a real thread makes do not stop this one', async () => {
  const queue = new HashQueue(
    { now: Date.now, elapsed: () => performance.now(), after: () => () => {} },
    () => {},
  );
  const { signal } = new AbortController();
  const hash: ScryptHash = { ...HASH, ln: 15 };
  const base = {
    name: 'tim',
    password: 'x',
    hash,
    client: '',
    sessionFailures: 0,
    clientFailures: 0,
    signal,
  };
  const answer = queue.ask(base);
  let turns = 0;
  const state = { over: false };
  void answer.then(() => (state.over = true));
  while (!state.over && turns < 1e7) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  assert.equal(await answer, false);
  assert.ok(turns > 10, `${turns} turns of the event loop`);
  assert.equal(await queue.ask({ ...base, hash: { ...hash, ln: 40 } }), null);
  queue.close();
});
