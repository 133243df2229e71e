/** Operators' orders where it gets difficult: without a gateway, with several workers, a spool in memory. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Cleanup } from './support/folders.ts';
import { killWorker, mill } from './support/mill.ts';
import { startNextHop } from './support/next-hop.ts';
import {
  deferred,
  json,
  millrace,
  recipientsOf,
  relaying,
  send,
  TAKES,
  type Result,
} from './support/operator.ts';
import { until } from './support/wait.ts';

test('without a gateway orders go to the spool itself, and count when it starts', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port, hop } = await relaying(cleanup);
  const ids = await send(port, 4);
  await deferred(gateway, 4);
  await gateway.kill();
  const queue = (...args: string[]) => millrace(folder, 'queue', ...args);
  assert.equal((await queue('list', '--json')).out.length, 4);
  assert.equal((await queue('hold', ids[0]!, '--reason', 'x')).code, 0);
  assert.equal((await queue('delete', ids[1]!)).code, 0);
  assert.equal((await queue('redirect', ids[2]!, '--to', 'new@in.test')).code, 0);
  assert.equal((await queue('retry', ids[3]!)).code, 0);
  assert.equal((await queue('bounce', 'gone')).code, 4);
  hop.answer = TAKES;
  await gateway.start();
  await until('two messages', 10_000, () => hop.taken.length === 2);
  assert.deepEqual(recipientsOf(hop.taken), ['b@in.test', 'new@in.test']);
  assert.deepEqual(
    (await gateway.queue()).map((e) => [e.id, e.state]),
    [[ids[0], 'held']],
  );
});

test('with several workers orders reach the one that delivers, also after it was replaced', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port, nextHopPort } = await mill(cleanup, { admin: undefined });
  const socket = join(folder, 'state/control.sock');
  await until('the control socket', 5000, () => existsSync(socket));
  await send(port, 2);
  assert.equal((await millrace(folder, 'queue', 'hold', '--where', 'age>=0')).out.length, 2);
  await killWorker(gateway, 1);
  const taken: string[] = [];
  await startNextHop(cleanup, nextHopPort, ({ recipients }) => {
    taken.push(...recipients);
    return '250 2.0.0 taken';
  });
  const released = await millrace(folder, 'quarantine', 'release', '--all', '--json');
  assert.deepEqual([released.code, json<Result>(released.out).length], [0, 2], released.errors);
  await until('both messages', 10_000, () => taken.length === 2);
  await gateway.stop();
  assert.equal(existsSync(socket), false);
});

test('a spool in memory is seen and worked on through its gateway, and by nobody else', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port } = await relaying(cleanup, { spool: { engine: 'memory' } });
  const [id = ''] = await send(port, 1);
  await deferred(gateway, 1);
  assert.equal((await millrace(folder, 'queue', 'delete', id)).code, 0);
  await gateway.stop();
  assert.equal((await millrace(folder, 'queue', 'list')).code, 5);
});
