import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf } from '#message';
import type { NoticeName } from '#notices';
import { makeOwner, openLmdbSpool } from '#spool';
import type { SpoolStore } from '#spool';
import { idKey, timeKey } from './record.ts';
import { bytesIn, entryOf, pattern } from './samples.cases.ts';
import { Tables } from './tables.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

const clock = new ManualClock(1000);
const alive = makeOwner();
const gone = alive.replace(/^\d+/, '4194399');
const elsewhere = `${gone}9`; // the same number in another PID namespace
let made = 0;

interface Place {
  readonly dir: string;
  readonly heard: NoticeName[];
  readonly open: (owner?: string) => Promise<SpoolStore>;
  /** Works on the tables while no store is open. */
  readonly tamper: (work: (tables: Tables) => void) => Promise<void>;
  readonly files: (name: string) => string[];
}

function place(): Place {
  const dir = join(root, String(made++));
  const heard: NoticeName[] = [];
  return {
    dir,
    heard,
    open: (owner = 'tester') =>
      openLmdbSpool({ dir, owner, clock, notices: (name) => void heard.push(name) }),
    tamper: async (work) => {
      const tables = await Tables.open(join(dir, 'queue'), 2 ** 30);
      await tables.batch(() => work(tables));
      await tables.close();
    },
    files: (name) => readdirSync(join(dir, name)).toSorted(),
  };
}

const leased = (id: string, owner: string, until = 1e9): ReturnType<typeof entryOf> =>
  entryOf({ id, state: 'leased', lease: { owner, token: id, until } });

test('a start gives back leases of dead processes and ended ones, and no others', async () => {
  const { open, heard } = place();
  let spool = await open();
  for (const entry of [
    leased('dead', gone),
    leased('living', alive),
    leased('ended', alive, 1000),
    leased('unknown', 'someone'),
    leased('elsewhere', elsewhere),
    leased('long', elsewhere, 1000),
  ])
    await spool.commit(entry);
  await spool.close();
  spool = await open();
  const ids = ['dead', 'living', 'ended', 'unknown', 'elsewhere', 'long'];
  const states = await Promise.all(ids.map((id) => spool.get(id)));
  assert.deepEqual(
    states.map((meta) => meta!.state),
    ['queued', 'leased', 'queued', 'leased', 'leased', 'queued'],
  );
  assert.deepEqual(spool.totals(), { queued: 3, leased: 3, held: 0 });
  assert.equal((await spool.claim('w', 1000, 10, 9)).length, 3);
  assert.deepEqual(heard, ['spool.recovered']);
  await spool.close();
});

test('a start removes body files of dead processes that no entry names, and keeps the others', async () => {
  const { dir, open, files } = place();
  let spool = await open(gone);
  const entry = entryOf({}, bodyOf([pattern(100_000)]));
  await spool.commit(entry);
  const kept = files('bodies');
  assert.equal(kept.length, 1);
  const draft = spool.draft();
  await draft.write(pattern(200_000));
  await draft.finish();
  writeFileSync(join(dir, 'bodies', `${gone}.x.orphan`), 'half');
  writeFileSync(join(dir, 'bodies', `${alive}.x.0`), 'about to be committed');
  writeFileSync(join(dir, 'incoming', `${alive}.x.1`), 'arriving');
  await spool.close();
  spool = await open();
  assert.deepEqual(files('bodies'), [...kept, `${alive}.x.0`].toSorted());
  assert.deepEqual(files('incoming'), [`${alive}.x.1`]);
  assert.ok((await bytesIn((await spool.content(entry.meta.id))!.body)).equals(pattern(100_000)));
  await spool.close();
});

test('body files whose makers cannot be looked up go when they are a day old and no entry names them', async () => {
  const { dir, open, files } = place();
  const DAY = 86_400_000;
  let spool = await open(elsewhere);
  await spool.commit(entryOf({}, bodyOf([pattern(100_000)])));
  await spool.close();
  const named = files('bodies');
  writeFileSync(join(dir, 'bodies', `${elsewhere}.x.0`), 'about to be committed, or an orphan');
  writeFileSync(join(dir, 'incoming', `${elsewhere}.x.1`), 'arriving, or an orphan');
  const startAt = async (time: number): Promise<string[]> => {
    const at = new ManualClock(time);
    spool = await openLmdbSpool({ dir, owner: 'tester', clock: at, notices: () => {} });
    await spool.close();
    return [...files('bodies'), ...files('incoming')];
  };
  const { ctimeMs } = lstatSync(join(dir, 'bodies', `${elsewhere}.x.0`));
  assert.equal((await startAt(ctimeMs)).length, 3);
  assert.equal((await startAt(ctimeMs + DAY)).length, 3);
  assert.deepEqual(await startAt(ctimeMs + DAY + 60_000), named);
});

test('bodies leave with their entries', async () => {
  const { open, files } = place();
  const spool = await open();
  for (const id of ['A1', 'A2', 'A3']) await spool.commit(entryOf({ id }, bodyOf([pattern(100_000)])));
  assert.equal(files('bodies').length, 3);
  assert.deepEqual(files('incoming'), []);
  const [first] = await spool.claim('w', 5000, 10, 1);
  await spool.settle(first!.id, first!.lease!, { kind: 'done' });
  await spool.remove('A2');
  await spool.close();
  assert.equal(files('bodies').length, 1);
});

test('strangers in the directories are moved aside, links are not followed', async () => {
  const { dir, open, files, heard } = place();
  await (await open()).close();
  const outside = join(root, 'outside');
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, 'precious'), 'x');
  for (const where of ['bodies', 'incoming']) {
    writeFileSync(join(dir, where, '..%2f'), '');
    writeFileSync(join(dir, where, 'core'), 'garbage');
    mkdirSync(join(dir, where, `${gone}.a.0`));
    symlinkSync(outside, join(dir, where, `${gone}.a.1`));
    symlinkSync('/nowhere', join(dir, where, `${gone}.a.2`));
  }
  const spool = await open();
  assert.deepEqual(files('bodies'), []);
  assert.deepEqual(files('incoming'), []);
  assert.equal(files('damaged').length, 10, 'none in the place of another');
  assert.equal(heard.filter((name) => name === 'spool.stranger').length, 10);
  assert.equal(readFileSync(join(outside, 'precious'), 'latin1'), 'x');
  await spool.commit(entryOf());
  await spool.close();
});

test('damaged entries are set aside with their bytes and block nothing', async () => {
  const { dir, open, tamper, files, heard } = place();
  let spool = await open();
  for (const id of ['bad1', 'bad2', 'bad3', 'bad4', 'good'])
    await spool.commit(entryOf({ id }, bodyOf([pattern(id === 'bad4' || id === 'bad3' ? 100_000 : 50)])));
  await spool.close();
  await tamper((tables) => {
    void tables.entries.put(idKey('bad1'), Buffer.from('garbage'), 7);
    void tables.contents.remove(idKey('bad2'));
  });
  const [short, missing] = files('bodies').map((name) => join(dir, 'bodies', name));
  truncateSync(short!, 99_999);
  rmSync(missing!);
  spool = await open();
  const taken = await spool.claim('w', 5000, 10, 10);
  assert.deepEqual(taken.map((meta) => meta.id).toSorted(), ['bad2', 'bad3', 'bad4', 'good']);
  for (const id of ['bad2', 'bad3', 'bad4']) await assert.rejects(spool.content(id), { code: 'damaged' });
  assert.ok(await spool.content('good'));
  for (const id of ['bad1', 'bad2', 'bad3', 'bad4']) assert.equal(await spool.get(id), null);
  await spool.close();
  assert.equal(heard.filter((name) => name === 'spool.damaged').length, 4);
  const aside = files('damaged');
  for (const name of ['bad1.meta', 'bad1.content', 'bad2.meta', 'bad3.meta', 'bad4.meta', 'bad4.content'])
    assert.ok(aside.includes(name), name);
  assert.equal(aside.filter((name) => name.endsWith('.body')).length, 1, 'what is left of a body is kept');
  spool = await open();
  assert.deepEqual(spool.totals(), { queued: 0, leased: 1, held: 0 });
  await spool.close();
});

test('while a damaged entry waits to be moved, nobody is woken for it', async () => {
  const { open, tamper } = place();
  let spool = await open();
  await spool.commit(entryOf({ id: 'bad', due: 1 }));
  await spool.commit(entryOf({ id: 'good', due: 7000 }));
  await spool.close();
  await tamper((tables) => void tables.entries.put(idKey('bad'), Buffer.from([1]), 7));
  spool = await open();
  assert.equal(await spool.get('bad'), null);
  assert.equal(await spool.nextDue(), 7000);
  assert.deepEqual(
    (await spool.list({ limit: 9 })).map((meta) => meta.id),
    ['good'],
  );
  await spool.close();
});

test('an index that does not fit its entries is mended at the start', async () => {
  const { open, tamper, heard } = place();
  let spool = await open();
  for (const id of ['A1', 'A2', 'A3']) await spool.commit(entryOf({ id }));
  await spool.close();
  await tamper((tables) => {
    void tables.queued.remove(timeKey(1000, 'A1'));
    void tables.queued.put(timeKey(5, 'nobody'), Buffer.from([1]));
    void tables.leased.put(timeKey(5, 'A2'), Buffer.from([1]));
    void tables.held.put(idKey('A3'), Buffer.from([1]));
  });
  spool = await open();
  assert.deepEqual(heard, ['spool.recovered']);
  assert.deepEqual(spool.totals(), { queued: 3, leased: 0, held: 0 });
  assert.equal((await spool.claim('w', 1000, 10, 9)).length, 3);
  await spool.close();
});

test('an index key that contradicts its entry is dropped in passing', async () => {
  const { open, tamper } = place();
  let spool = await open();
  await spool.commit(entryOf({ id: 'A1', due: 9000 }));
  await spool.commit(entryOf({ id: 'A2', due: 9000 }));
  await spool.close();
  await tamper((tables) => {
    void tables.queued.put(timeKey(5, 'A1'), Buffer.from([1]));
    void tables.queued.remove(timeKey(9000, 'A2')); // counts are equal again, so the start sees nothing
  });
  spool = await open();
  assert.deepEqual(await spool.claim('w', 1000, 10, 9), []);
  assert.equal(await spool.nextDue(), 9000);
  await spool.close();
  spool = await open();
  assert.equal(spool.totals().queued, 2);
  await spool.close();
});

const RUINS: readonly [says: string, ruin: (data: string) => void][] = [
  ['is empty', (data) => writeFileSync(data, '')],
  ['is garbage', (data) => writeFileSync(data, pattern(50_000))],
  ['is one sparse hole', (data) => (writeFileSync(data, ''), truncateSync(data, 2 ** 30))],
  ['is cut within its first page', (data) => truncateSync(data, 1000)],
  ['is cut behind its first pages', (data) => truncateSync(data, 8192)],
  ['is cut in the middle', (data) => truncateSync(data, 60 * 4096)],
  ['is a directory', (data) => (rmSync(data), mkdirSync(data))],
  ['is a link to nowhere', (data) => (rmSync(data), symlinkSync('/nowhere/at/all', data))],
  ['is a link to itself', (data) => (rmSync(data), symlinkSync('data.mdb', data))],
];

for (const [says, ruin] of RUINS)
  test(`the spool starts and takes mail when its data file ${says}`, async () => {
    const { dir, open } = place();
    let spool = await open();
    for (let i = 0; i < 30; i++) await spool.commit(entryOf({ id: `A${i}` }, bodyOf([pattern(9000)])));
    await spool.close();
    const data = join(dir, 'queue', 'data.mdb');
    ruin(data);
    spool = await open();
    const entry = entryOf();
    await spool.commit(entry);
    assert.deepEqual(await spool.get(entry.meta.id), entry.meta);
    await spool.close();
    assert.ok(lstatSync(data).isFile());
  });

test('wherever the data file was cut, the spool starts, takes mail and gives what it still has', async () => {
  const { dir, open } = place();
  const data = join(dir, 'queue', 'data.mdb');
  for (let page = 3; page < 120; page += 9) {
    rmSync(dir, { recursive: true, force: true });
    let spool = await open();
    for (let i = 0; i < 30; i++) await spool.commit(entryOf({ id: `A${i}` }, bodyOf([pattern(9000)])));
    await spool.close();
    truncateSync(data, page * 4096);
    spool = await open();
    const entry = entryOf();
    await spool.commit(entry);
    for (const { id } of await spool.claim('w', 5000, 10, 100)) {
      const content = await spool.content(id).catch(() => null);
      if (id === entry.meta.id) assert.ok(content, `cut at page ${page}`);
    }
    await spool.close();
  }
});

test('what stands in the place of a directory is moved aside, not removed', async () => {
  const { dir, open } = place();
  mkdirSync(dir);
  for (const name of ['queue', 'bodies', 'incoming', 'damaged']) writeFileSync(join(dir, name), name);
  const spool = await open();
  await spool.commit(entryOf());
  await spool.close();
  assert.ok(existsSync(join(dir, 'damaged', 'queue.1000')));
  assert.equal(readFileSync(join(dir, 'damaged.1000'), 'latin1'), 'damaged');
});

test('a garbage lock file does not stop a start', async () => {
  const { dir, open } = place();
  await (await open()).close();
  writeFileSync(join(dir, 'queue', 'lock.mdb'), pattern(5000));
  const spool = await open();
  await spool.commit(entryOf());
  await spool.close();
});

test('a directory that cannot be used is an error with a code', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  const dir = join(file, 'spool');
  await assert.rejects(openLmdbSpool({ dir, clock, notices: () => {} }), { code: 'io' });
  await assert.rejects(openLmdbSpool({ dir: root, owner: '../x', clock, notices: () => {} }), { code: 'io' });
});
