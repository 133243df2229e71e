// Notices that are committed with a settlement: room for them, and no files left of those that failed.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf } from '#message';
import { silent } from '#notices';
import { openLmdbSpool } from '#spool';
import type { SpoolStore } from '#spool';
import { BodyFiles } from './bodies.ts';
import { bytesIn, entryOf, pattern } from './samples.cases.ts';
import { SpoolError } from './store.ts';
import { Tables } from './tables.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const newDir = (): string => join(root, String(made++));
const open = (dir: string, freeFloor: number): Promise<SpoolStore> =>
  openLmdbSpool({ dir, clock: new ManualClock(), notices: silent, freeFloor, inlineBodyMax: 1000 });
const files = (dir: string): number => readdirSync(join(dir, 'bodies')).length;
const BELOW_FLOOR = 2 ** 60;

for (const [says, size] of [
  ['in its record', 500],
  ['in a file', 100_000],
] as const)
  test(`below the floor a notice with its body ${says} is taken with a settlement`, async () => {
    const dir = newDir();
    const before = await open(dir, 0);
    await before.commit(entryOf({ id: 'lost' }));
    await before.close();
    const store = await open(dir, BELOW_FLOOR);
    const [entry] = await store.claim('w', 2000, 1000, 1);
    const notice = entryOf({ id: 'notice' }, bodyOf([pattern(size)]));
    await assert.rejects(store.commit(notice), { code: 'full' });
    assert.equal(await store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), true);
    assert.equal(await store.get('lost'), null);
    assert.deepEqual(await bytesIn((await store.content('notice'))!.body), Buffer.from(pattern(size)));
    await store.close();
  });

test('a notice for whose file there is no room goes into the reserve of the store', async (t) => {
  const dir = newDir();
  const store = await open(dir, 0);
  await store.commit(entryOf({ id: 'lost' }));
  const [entry] = await store.claim('w', 2000, 1000, 1);
  const full = t.mock.method(BodyFiles.prototype, 'place', () =>
    Promise.reject(new SpoolError('full', 'no room')),
  );
  const notice = entryOf({ id: 'notice' }, bodyOf([pattern(100_000)]));
  assert.equal(await store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), true);
  full.mock.restore();
  assert.deepEqual(await bytesIn((await store.content('notice'))!.body), Buffer.from(pattern(100_000)));
  assert.equal(files(dir), 0);
  await store.close();
});

const large = (): ReturnType<typeof entryOf> => entryOf({ id: 'notice' }, bodyOf([pattern(100_000)]));
const fails = (): Promise<boolean> => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));

test('settlements and changes that fail leave no body files, and the one that happens leaves one', async (t) => {
  const dir = newDir();
  const store = await open(dir, 0);
  await store.commit(entryOf({ id: 'lost' }));
  await store.commit(entryOf({ id: 'other', due: 5000 }));
  const [entry] = await store.claim('w', 2000, 1000, 1);
  const other = (await store.get('other'))!;
  const notice = large();
  const trouble = t.mock.method(Tables.prototype, 'batch', fails);
  for (let i = 0; i < 5; i++) {
    await assert.rejects(store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), { code: 'io' });
    await assert.rejects(store.amend(other, null, [large()]), { code: 'io' });
  }
  trouble.mock.restore();
  await new Promise((go) => setTimeout(go, 50));
  assert.equal(files(dir), 0);
  assert.equal(await store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), true);
  assert.equal(files(dir), 1);
  await store.close();
});

test('while nobody can say whether a notice is there, tries share one file; it goes or stays as it turns out', async (t) => {
  const dir = newDir();
  const store = await open(dir, 0);
  await store.commit(entryOf({ id: 'lost' }));
  const [entry] = await store.claim('w', 2000, 1000, 1);
  const notice = large();
  const trouble = t.mock.method(Tables.prototype, 'batch', fails);
  const unreadable = t.mock.method(Tables.prototype, 'entry', () => {
    throw new Error('broken');
  });
  for (let i = 0; i < 5; i++)
    await assert.rejects(store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), { code: 'io' });
  assert.equal(files(dir), 1, 'it may be needed');
  unreadable.mock.restore();
  trouble.mock.restore();
  assert.equal(await store.settle('lost', entry!.lease!, { kind: 'done' }, [notice]), true);
  assert.deepEqual(await bytesIn((await store.content('notice'))!.body), Buffer.from(pattern(100_000)));
  assert.equal(files(dir), 1);
  await store.close();
});
