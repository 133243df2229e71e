import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { Probe } from './probe.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('a file system that takes writes is one byte fuller, however often it is asked', async () => {
  const path = join(root, 'probe');
  const clock = new ManualClock();
  const probe = new Probe(path, clock);
  for (let n = 0; n < 3; n++) {
    await probe.ask();
    clock.advance(1000);
  }
  assert.equal(statSync(path).size, 1);
  await probe.close();
});

test('asked by several at the same time it opens one file', async () => {
  const path = join(root, 'shared');
  const probe = new Probe(path, new ManualClock());
  const open = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      const target = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
      return target?.isFile() && target.ino === statSync(path).ino;
    }).length;
  await Promise.all([probe.ask(), probe.ask(), probe.ask()]);
  assert.equal(open(), 1);
  await probe.close();
  assert.equal(open(), 0);
});

test('one that does not is a fault of the disk, and is asked anew the next time', async () => {
  const path = join(root, 'taken');
  symlinkSync(join(root, 'elsewhere'), path);
  const probe = new Probe(path, new ManualClock());
  await assert.rejects(async () => probe.ask(), { code: 'io' });
  rmSync(path);
  writeFileSync(path, '');
  await probe.ask();
  await probe.close();
});

test('no room for the file itself is no fault: the data file has its room ahead', async () => {
  const probe = new Probe('/dev/full', new ManualClock());
  await probe.ask();
  await probe.ask();
  await probe.close();
});

test('a write that came through lately counts; when the file is gone, a new one must come through, and does', async () => {
  const path = join(root, 'lately');
  const clock = new ManualClock();
  const probe = new Probe(path, clock);
  assert.ok(probe.ask() instanceof Promise, 'the first must be waited for');
  await probe.ask();
  clock.advance(49);
  assert.equal(probe.ask(), undefined);
  rmSync(path);
  const asked = probe.ask();
  assert.ok(asked instanceof Promise, 'what became of the file is not known');
  await asked;
  clock.advance(1000);
  assert.ok(probe.ask() instanceof Promise, 'one of long ago must not count');
  await probe.close();
});
