/** The checker must be able to fail: falsified evidence of every kind turns it red, true evidence does not. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { check, faults } from './checker.ts';
import { Cleanup, tempFolder } from './folders.ts';
import { hashOf, Ledger, type Evidence } from './ledger.ts';
import { startNextHop } from './next-hop.ts';
import { freePort } from './ports.ts';
import { Random } from './random.ts';
import { Senders } from './senders.ts';
import { until } from './wait.ts';

const honest: Evidence = {
  sent: [
    { id: 'a', hash: 'h1', recipients: new Map([['r0.a', 'acked' as const]]) },
    {
      id: 'b',
      hash: 'h2',
      recipients: new Map([
        ['r0.b', 'acked' as const],
        ['r1.b', 'refused' as const],
      ]),
    },
    { id: 'c', hash: 'h3', recipients: new Map([['r0.c', 'unknown' as const]]) },
  ],
  delivered: [{ id: 'a', recipient: 'r0.a', hash: 'h1', at: 10 }],
  queued: [{ recipient: 'r0.b' }],
  kills: [{ from: 20, to: 21 }],
};

test('evidence without fault is judged without fault', () => {
  assert.equal(faults(check(honest)), '');
  const { acked, refused, unknown, copies } = check(honest);
  assert.deepEqual({ acked, refused, unknown, copies }, { acked: 2, refused: 1, unknown: 1, copies: 1 });
});

test('a message whose sender never heard the reply may be delivered or not', () => {
  const delivered = [...honest.delivered, { id: 'c', recipient: 'r0.c', hash: 'h3', at: 11 }];
  assert.equal(faults(check({ ...honest, delivered })), '');
});

test('an acked message that is nowhere is lost', () => {
  assert.deepEqual(check({ ...honest, queued: [] }).lost, ['b r0.b']);
  assert.deepEqual(check({ ...honest, delivered: [] }).lost, ['a r0.a']);
});

test('a refused message that is delivered is forbidden', () => {
  const delivered = [...honest.delivered, { id: 'b', recipient: 'r1.b', hash: 'h2', at: 11 }];
  assert.deepEqual(check({ ...honest, delivered }).forbidden, ['b r1.b']);
});

test('one changed byte is corruption, a trace field is not', () => {
  const message = 'From: a\r\nSubject: b\r\n\r\nbody\r\n';
  const traced = `Received: from x\r\n\tby y; now\r\n${message}`.replace(
    'Subject',
    'X-Filter-Marker: 1\r\nSubject',
  );
  assert.equal(hashOf(traced), hashOf(message));
  assert.notEqual(hashOf(message.replace('body', 'bodz')), hashOf(message));
  assert.notEqual(hashOf(message.replace('Subject: b', 'Subject: c')), hashOf(message));
  assert.notEqual(hashOf(message.replace('body\r\n', 'body\n')), hashOf(message));
  const delivered = [{ id: 'a', recipient: 'r0.a', hash: 'other', at: 10 }];
  assert.deepEqual(check({ ...honest, delivered }).corrupt, ['a r0.a']);
});

test('a message nobody sent, or to a recipient nobody named, is a phantom', () => {
  const delivered = [
    ...honest.delivered,
    { id: 'z', recipient: 'r0.z', hash: 'h', at: 11 },
    { id: 'a', recipient: 'r9.a', hash: 'h1', at: 11 },
  ];
  assert.deepEqual(check({ ...honest, delivered }).phantom, ['z r0.z', 'a r9.a']);
});

test('a second copy needs a kill between the two, a third one needs another kill', () => {
  const copy = (at: number) => ({ id: 'a', recipient: 'r0.a', hash: 'h1', at });
  const judge = (...times: number[]) => check({ ...honest, delivered: times.map(copy) });
  assert.deepEqual(judge(10, 30).unexplained, []);
  assert.deepEqual(judge(10, 30).extra, ['a r0.a']);
  assert.deepEqual(judge(10, 15).unexplained, ['a r0.a']);
  assert.deepEqual(judge(30, 40).unexplained, ['a r0.a']);
  assert.deepEqual(judge(10, 30, 40).unexplained, ['a r0.a']);
});

test('a power cut explains a second copy only of what was taken shortly before it', () => {
  const copy = (at: number) => ({ id: 'a', recipient: 'r0.a', hash: 'h1', at });
  const evidence = { ...honest, delivered: [copy(10), copy(30)] };
  assert.deepEqual(check(evidence, 10).unexplained, []);
  assert.deepEqual(check(evidence, 9).unexplained, ['a r0.a']);
});

test('a server that says 250 and forgets one message in fifty is caught by senders, next hop and checker together', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const file = join(folder, 'ledger');
  const ledger = await Ledger.open(file);
  cleanup.after(() => ledger.close());
  const port = await freePort();
  let count = 0;
  await startNextHop(cleanup, port, async ({ sender, recipients, content }) => {
    count += 1;
    if (count % 50 !== 0) await ledger.taken(sender.split('@')[0] ?? '', recipients, hashOf(content));
    return '250 2.0.0 ok';
  });
  const setup = { port, ledger, sessions: 5, domain: 'in.test' };
  const senders = new Senders({
    ...setup,
    random: new Random(1),
    size: [500, 2000],
    recipients: [1, 1],
  });
  await until('120 messages to be taken', 10_000, () => count >= 120, 5);
  await senders.stop();
  const findings = check(ledger.evidence([]));
  assert.equal(findings.lost.length, Math.floor(count / 50));
  assert.equal(findings.acked, count);
  assert.equal(findings.corrupt.length + findings.phantom.length + findings.forbidden.length, 0);
  // What the checker judged is also on disk, line for line: one before each message, one per reply, one per copy taken.
  const lines = (await readFile(file, 'latin1')).trimEnd().split('\n');
  assert.equal(lines.length, 2 * count + findings.copies);
});
