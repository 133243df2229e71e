/** `millrace queue` and `millrace quarantine` as users run them beside a gateway: what they show, what they do, what they refuse. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { said } from './support/mill.ts';
import {
  deferred,
  json,
  millrace,
  millraceWith,
  recipientsOf,
  relaying,
  send,
  TAKES,
  type Result,
} from './support/operator.ts';
import { until } from './support/wait.ts';

test('a queue is looked at and worked on beside the gateway: by id, by condition, all of it', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port } = await relaying(cleanup);
  const ids = await send(port, 3);
  const others = await send(port, 2, 'x@other.test');
  await deferred(gateway, 5);
  const queue = (...args: string[]) => millrace(folder, 'queue', ...args);

  await t.test('lists, one entry, its bytes, figures', async () => {
    const postqueue = await queue('list', '--format', 'postqueue');
    const [line] = json<Record<string, unknown>>(postqueue.out);
    assert.deepEqual(Object.keys(line!), [
      'queue_name',
      'queue_id',
      'arrival_time',
      'message_size',
      'forced_expire',
      'sender',
      'recipients',
    ]);
    assert.deepEqual([postqueue.out.length, line!['queue_id'], line!['queue_name']], [5, ids[0], 'deferred']);
    const where = await queue('list', '--where', 'rcpt_domain=other.test', '--json');
    assert.deepEqual(
      json<Result>(where.out).map((e) => e.id),
      others,
    );
    const shown = await queue('show', ids[1]!);
    assert.equal(shown.code, 0);
    assert.ok(shown.out.some((l) => /^recipient: +b@in\.test pending, 1 attempts/.test(l)));
    const message = await queue('show', ids[1]!, '--body');
    assert.ok(message.out.some((l) => l.startsWith('body 1')));
    assert.equal((await queue('show', 'nothing')).code, 4);
    const stats = json<{ messages: number; deferred: number }>((await queue('stats', '--json')).out)[0]!;
    assert.deepEqual([stats.messages, stats.deferred], [5, 5]);
    const shape = json<{ domain: string; total: number }>((await queue('shape', '--json')).out);
    assert.deepEqual(
      shape.map((r) => [r.domain, r.total]),
      [
        ['TOTAL', 5],
        ['in.test', 3],
        ['other.test', 2],
      ],
    );
  });

  await t.test('wrong usage changes nothing: nothing named, too much named, no --yes', async () => {
    assert.equal((await queue('delete')).code, 2);
    assert.equal((await queue('delete', ids[0]!, '--all')).code, 2);
    assert.equal((await queue('delete', '--all')).code, 2);
    assert.equal((await queue('hold', '--where', 'colour=red')).code, 2);
    assert.equal((await queue('redirect', ids[0]!, '--to', 'nobody')).code, 2);
    assert.equal((await queue('paint')).code, 2);
    assert.equal((await gateway.queue()).length, 5);
  });

  await t.test('A09: ids that are none are not found, whatever they look like', async () => {
    const odd = [
      '../../etc/passwd',
      '..%2f',
      'a/../b',
      '__proto__',
      '.',
      '/etc/passwd',
      '',
      '*',
      'x'.repeat(10_000),
    ];
    const deleted = await queue('delete', '--json', ...odd);
    assert.deepEqual([deleted.code, json<Result>(deleted.out).map((r) => r.id)], [4, odd]);
    for (const id of [odd[0]!, odd.at(-1)!]) assert.equal((await queue('show', id)).code, 4);
  });

  await t.test('hold, release, retry, with a dry run first', async () => {
    const dry = await queue('hold', '--where', 'rcpt_domain=other.test', '--dry-run', '--json');
    assert.deepEqual(
      json<Result>(dry.out).map((r) => [r.id, r.result]),
      others.map((id) => [id, 'would']),
    );
    const held = await queue('hold', '--where', 'rcpt_domain=other.test', '--reason', 'a look first');
    assert.deepEqual([held.code, held.out.filter((l) => / +done$/.test(l)).length], [0, 2]);
    const list = await millrace(folder, 'quarantine', 'list', '--json');
    const [first] = json<{ reason: string; by: string }>(list.out);
    assert.equal(first!.reason, 'a look first');
    assert.match(first!.by, /^operator:\w+/);
    const some = await queue('release', others[0]!, ids[0]!, 'gone', '--json');
    assert.equal(some.code, 6);
    assert.deepEqual(
      json<Result>(some.out).map((r) => r.result),
      ['done', 'unfit', 'absent'],
    );
    assert.equal((await queue('release', ids[0]!)).code, 1);
    assert.equal((await queue('retry', '--all')).code, 6);
    await deferred(gateway, 4);
  });

  await t.test('quarantine deletes what is held and nothing else', async () => {
    const deleted = await millrace(folder, 'quarantine', 'delete', others[1]!, ids[0]!, '*', '--json');
    assert.deepEqual(
      json<Result>(deleted.out).map((r) => r.result),
      ['done', 'absent', 'absent'],
    );
    assert.equal((await gateway.queue()).length, 4);
  });

  await t.test('redirect and bounce', async () => {
    assert.equal((await queue('redirect', ids[0]!, '--to', 'new@in.test')).code, 0);
    const shown = json<{ recipients: { address: string }[] }>(
      (await queue('show', ids[0]!, '--json')).out,
    )[0]!;
    assert.deepEqual(
      shown.recipients.map((r) => r.address),
      ['new@in.test'],
    );
    assert.equal(
      (await queue('bounce', '--where', `id=${ids[1]!}`, '--yes', '--reason', 'not here')).code,
      0,
    );
    await until('the notice in the log', 5000, () => said(gateway, 'delivery.notice-made').length === 1);
    const ordered = said(gateway, 'queue.ordered').findLast((l) => l['verb'] === 'bounce')!;
    assert.deepEqual([ordered['id'], ordered['result'], ordered['reason']], [ids[1], 'done', 'not here']);
    assert.match(String(ordered['by']), /^operator:/);
  });
});

test('over HTTP it wants the token, and gives the same; the control socket belongs to its owner', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port, admin } = await relaying(cleanup);
  const [id = ''] = await send(port, 1);
  await deferred(gateway, 1);
  assert.equal(statSync(join(folder, 'state/control.sock')).mode & 0o777, 0o600);
  const tokenFile = join(folder, 'state/admin.token');
  assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
  const elsewhere = await tempFolder(cleanup);
  const url = `http://127.0.0.1:${admin}`;
  const list = ['queue', 'list', '--json', '--url', url];
  assert.equal((await millrace(elsewhere, ...list)).code, 5);
  assert.equal(
    (await millraceWith(elsewhere, { MILLRACE_TOKEN: 'a-wrong-token-of-some-length' }, ...list)).code,
    5,
  );
  const listed = await millrace(elsewhere, ...list, '--token-file', tokenFile);
  assert.deepEqual([listed.code, json<Result>(listed.out).map((e) => e.id)], [0, [id]]);
  const held = await millraceWith(
    elsewhere,
    { MILLRACE_URL: url },
    'queue',
    'hold',
    id,
    '--token-file',
    tokenFile,
  );
  assert.equal(held.code, 0);
  const shown = await millrace(
    elsewhere,
    'quarantine',
    'show',
    id,
    '--headers',
    '--url',
    url,
    '--token-file',
    tokenFile,
  );
  assert.ok(shown.out.some((l) => l.startsWith('Received: ')));
  assert.equal((await millrace(elsewhere, 'queue', 'list', '--url', 'ftp://x')).code, 2);
  assert.equal((await millrace(elsewhere, 'queue', 'list', '--url', 'http://127.0.0.1:1')).code, 5);
  const log = JSON.stringify(gateway.log);
  assert.ok(!log.includes(readFileSync(tokenFile, 'latin1').trim()));
});

test('suspended domains get no mail until they are resumed', async (t) => {
  const cleanup = new Cleanup(t);
  const { folder, port, hop } = await relaying(cleanup);
  hop.answer = TAKES;
  const queue = (...args: string[]) => millrace(folder, 'queue', ...args);
  assert.equal((await queue('suspend', 'other.test')).code, 2);
  assert.equal((await queue('suspend', 'other.test', '--reason', 'moves', '--for', 'soon')).code, 2);
  assert.equal((await queue('suspend', 'Other.test', '--reason', 'moves', '--for', '2h')).code, 0);
  const [line] = json<{ name: string; reason: string; until: string }>(
    (await queue('suspended', '--json')).out,
  );
  assert.deepEqual([line!.name, line!.reason], ['other.test', 'moves']);
  assert.ok(Date.parse(line!.until) > Date.now() + 7_000_000);
  await send(port, 1, 'x@other.test');
  await send(port, 1);
  await until('the other message', 5000, () => hop.taken.length > 0);
  assert.deepEqual(recipientsOf(hop.taken), ['b@in.test']);
  assert.equal((await queue('resume', 'other.test')).code, 0);
  assert.equal((await queue('resume', 'other.test')).code, 4);
  assert.equal((await queue('retry', '--all')).code, 0);
  await until('the message', 10_000, () => hop.taken.length === 2);
});
