/** Operators' orders where it gets difficult: without a gateway, with several workers, a spool in memory, and racing the delivery (A17). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { Cleanup } from './support/folders.ts';
import { killWorker, mill, said } from './support/mill.ts';
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

/** An order over the control socket; its HTTP status. */
function order(socket: string, id: string, verb: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-operator': 'racer' };
    const path = `/api/v1/queue/${id}/${verb}`;
    const made = request({ socketPath: socket, method: 'POST', path, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    made.once('error', reject);
    made.end('{}');
  });
}

test('A17: orders of four clients race the delivery of 500 messages: every answer is true, nothing is lost or doubled', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port, hop } = await relaying(cleanup);
  const ids = await send(port, 500);
  await deferred(gateway, 500);
  hop.answer = TAKES;
  const socket = join(folder, 'state/control.sock');
  const deleted = new Set<string>();
  const statuses = new Map<string, Set<number>>();
  const verbs = ['retry', 'hold', 'release', 'delete'];
  const client = async (offset: number): Promise<void> => {
    for (let n = 0; n < ids.length; n++) {
      const id = ids[(n + offset * 125) % ids.length]!;
      // Every client gives every order to some; each deletes one in eight.
      const verb = verbs[(n + offset) % 4]!;
      if (verb === 'delete' && n % 8 > 3) continue;
      const status = await order(socket, id, verb);
      statuses.set(verb, (statuses.get(verb) ?? new Set()).add(status));
      if (verb === 'delete' && status === 200) deleted.add(id);
    }
  };
  await Promise.all([0, 1, 2, 3].map(client));
  for (const [verb, seen] of statuses)
    for (const status of seen) assert.ok([200, 404, 409].includes(status), `${verb} ${status}`);
  assert.ok(deleted.size > 20, `${deleted.size} were deleted`);
  await millrace(folder, 'quarantine', 'release', '--all');
  await millrace(folder, 'queue', 'retry', '--all');
  await until('the queue to be empty', 30_000, async () => (await gateway.queue()).length === 0);
  const copies = new Map<string, number>();
  for (const { content } of hop.taken) {
    const n = /^Subject: (\d+)/m.exec(content)![1]!;
    copies.set(n, (copies.get(n) ?? 0) + 1);
  }
  for (const [n, id] of ids.entries())
    assert.equal(copies.get(String(n)) ?? 0, deleted.has(id) ? 0 : 1, `message ${n} ${id}`);
  const audited = said(gateway, 'queue.ordered').filter(
    (l) => l['verb'] === 'delete' && l['result'] === 'done',
  );
  assert.equal(audited.length, deleted.size);
  assert.ok(audited.every((l) => l['by'] === 'operator:racer'));
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
