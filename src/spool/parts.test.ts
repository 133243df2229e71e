import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { bodyOf } from '#message';
import { makeOwner } from '#spool';
import { ContentCache } from './cache.ts';
import { spoolError } from './errors.ts';
import { Leases } from './leases.ts';
import { fateOf, OWNER_NAME } from './owner.ts';
import { SpoolError } from './store.ts';
import { metaOf } from './samples.cases.ts';

const content = { header: new Uint8Array(0), body: bodyOf([]) };

test('the cache keeps the newest up to its bytes', () => {
  const cache = new ContentCache(100);
  cache.put('a', content, 40);
  cache.put('b', content, 40);
  cache.put('c', content, 20);
  assert.equal(cache.bytes, 100);
  cache.put('d', content, 1);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((id) => cache.get(id) !== undefined),
    [false, true, true, true],
  );
  cache.put('e', content, 101);
  assert.equal(cache.get('e'), undefined);
  cache.put('b', content, 10);
  assert.equal(cache.bytes, 31);
  for (const id of ['b', 'c', 'd', 'nobody']) cache.drop(id);
  assert.equal(cache.bytes, 0);
});

test('a cache of nothing keeps nothing', () => {
  const cache = new ContentCache(0);
  cache.put('a', content, 1);
  assert.equal(cache.get('a'), undefined);
});

test('leases are told apart by owner and token', () => {
  const leases = new Leases();
  const of = (owner: string, token: string): ReturnType<typeof metaOf> =>
    metaOf({ id: 'A1', state: 'leased', lease: { owner, token, until: 1 } });
  const [a, b] = [of('a', '1'), of('b', '2')];
  leases.set({ meta: a, file: null, version: 1 });
  leases.set({ meta: b, file: null, version: 2 });
  assert.equal(leases.get('A1', a.lease!)!.version, 1);
  assert.equal(leases.get('A1', { ...a.lease!, token: '2' }), undefined);
  leases.get('A1', b.lease!)!.settling = true;
  assert.deepEqual(leases.of('b'), []);
  leases.drop('A1', { ...a.lease!, token: 'old' });
  assert.equal(leases.of('a').length, 1);
  leases.drop('A1', a.lease!);
  assert.deepEqual(leases.of('a'), []);
  assert.ok(leases.get('A1', b.lease!));
});

test('this process is alive, and one that shares only its number is not', () => {
  const owner = makeOwner();
  assert.match(owner, OWNER_NAME);
  assert.equal(fateOf(owner), 'alive');
  const [pid, start, boot, space] = owner.split('-');
  assert.equal(fateOf(`${pid}-${start}x-${boot}-${space}`), start === '0' ? 'alive' : 'gone');
  assert.equal(fateOf(`${pid}-${start}-deadbeef-${space}`), 'gone');
  assert.equal(fateOf(`4194399-${start}-${boot}-${space}`), 'gone');
  assert.equal(fateOf(`${pid}-0-${boot}-${space}`), 'alive', 'its start is not known');
  for (const odd of ['', 'w', 'worker-1', '1-2', '1-2-3', '../1-2-3-4']) assert.equal(fateOf(odd), 'unknown');
});

test('a process that has ended is gone, also while nobody has asked how it ended', async (t) => {
  // The shell becomes a program that never asks for its child.
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(String(said));
  const [, , boot, space] = makeOwner().split('-');
  for (;;) {
    const stat = readFileSync(`/proc/${child}/stat`, 'latin1').split(' ');
    if (stat[2] === 'Z') {
      assert.equal(fateOf(`${child}-${Number(stat[21]).toString(36)}-${boot}-${space}`), 'gone');
      return;
    }
    await turn();
  }
});

test('of a process in another PID namespace nothing is known, unless the machine was started anew since', () => {
  const [pid, start, boot, space] = makeOwner().split('-');
  const elsewhere = `${space}9`;
  for (const number of [pid, '1', '4194399'])
    assert.equal(fateOf(`${number}-${start}-${boot}-${elsewhere}`), 'unknown');
  assert.equal(fateOf(`${pid}-${start}-deadbeef-${elsewhere}`), 'gone');
});

test('missing room is told apart from other trouble, by names and by numbers', () => {
  for (const code of ['ENOSPC', 'EDQUOT', 28, -30792])
    assert.equal(spoolError(Object.assign(new Error('x'), { code }), 'commit').code, 'full');
  for (const error of [Object.assign(new Error('x'), { code: 'EIO' }), new Error('x'), null, 'text'])
    assert.equal(spoolError(error, 'commit').code, 'io');
  const own = new SpoolError('damaged', 'x');
  assert.equal(spoolError(own, 'commit'), own);
});
