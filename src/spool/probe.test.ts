import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Probe } from './probe.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('a file system that takes writes is one byte fuller, however often it is asked', async () => {
  const path = join(root, 'probe');
  const probe = new Probe(path);
  for (let n = 0; n < 3; n++) await probe.ask();
  assert.equal(statSync(path).size, 1);
  await probe.close();
});

test('asked by several at the same time it opens one file', async () => {
  const path = join(root, 'shared');
  const probe = new Probe(path);
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
  const probe = new Probe(path);
  await assert.rejects(probe.ask(), { code: 'io' });
  rmSync(path);
  writeFileSync(path, '');
  await probe.ask();
  await probe.close();
});

test('no room for the file itself is no fault: the data file has its room ahead', async () => {
  const probe = new Probe('/dev/full');
  await probe.ask();
  await probe.ask();
  await probe.close();
});
