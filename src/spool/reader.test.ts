// Looking at a spool changes nothing; processes of other PID namespaces are child processes of this very file.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import type { Clock } from '#clock';
import { bodyOf } from '#message';
import type { NoticeName } from '#notices';
import { silent } from '#notices';
import { makeOwner, openLmdbReader, openLmdbSpool } from '#spool';
import type { SpoolStore } from '#spool';
import { childArguments } from './apart.cases.ts';
import { idKey } from './record.ts';
import { bytesIn, entryOf, idsOf, pattern } from './samples.cases.ts';
import { Tables } from './tables.ts';

// ---- the child ----

const say = (line: string): void => void writeSync(1, `${line}\n`);
const now = (): Clock => Object.assign(new ManualClock(), { now: Date.now });

/** Holds a spool with a message in delivery and others in the making; goes on when told to. */
async function hold(dir: string): Promise<void> {
  const owner = makeOwner();
  const store = await openLmdbSpool({ dir, clock: now(), notices: silent, owner });
  const lease = { owner, token: 't', until: Date.now() + 300_000 };
  await store.commit(entryOf({ id: 'LEASED', state: 'leased', lease }));
  const arriving = store.draft();
  await arriving.write(pattern(200_000));
  const arrived = store.draft();
  await arrived.write(pattern(150_000));
  const body = await arrived.finish();
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) if (line === 'go on') break;
  await store.commit(entryOf({ id: 'ARRIVED' }, body));
  await arriving.write(pattern(50_000, 2));
  await store.commit(entryOf({ id: 'ARRIVING' }, await arriving.finish()));
  say(`settled ${await store.settle('LEASED', lease, { kind: 'done' })}`);
  await store.close();
}

const works: Record<string, (dir: string) => Promise<void>> = {
  hold,
  list: async (dir) => {
    const reader = await openLmdbReader({ dir, notices: (name) => say(name) });
    for (const { id, state } of await reader.list({ limit: 100 })) say(`${id} ${state}`);
    await reader.close();
  },
  /** Somebody without rights: root, who may read everything, becomes nobody first. */
  denied: async (dir) => {
    if (process.getuid?.() === 0) {
      process.setgroups!([]);
      process.setgid!(65534);
      process.setuid!(65534);
    }
    const opened = openLmdbReader({ dir, notices: silent });
    say(
      await opened.then(
        () => 'opened',
        (error: { code: string }) => error.code,
      ),
    );
  },
  /** What a second gateway does when it starts and ends. */
  open: async (dir) => (await openLmdbSpool({ dir, clock: now(), notices: (name) => say(name) })).close(),
};

// ---- the parent ----

const root = process.argv[2] === 'child' ? '' : mkdtempSync(join(tmpdir(), 'spool-'));
const CHILD = process.argv[2] === 'child' ? [] : await childArguments(import.meta.url);
const APART = ['unshare', '-pf', '--mount-proc'];
const mayUnshare =
  process.platform === 'linux' && spawnSync(APART[0]!, [...APART.slice(1), 'true']).status === 0;
const needsSpaces = {
  skip: mayUnshare || process.env['CI'] === 'true' ? false : 'no PID namespaces can be made here',
};

function start(work: string, dir: string, before: readonly string[] = []): ChildProcess {
  const [command, ...args] = [...before, process.execPath, ...CHILD, work, dir];
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function linesOf(child: ChildProcess): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) lines.push(line);
  return lines;
}

const ran = (work: string, dir: string, before?: readonly string[]): Promise<readonly string[]> =>
  linesOf(start(work, dir, before));

/** Every file with its bytes, size and time of change; not lmdb's lock file, in which readers register. */
function snapshot(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.endsWith('lock.mdb'))
    .toSorted()
    .map((name) => {
      const { size, mtimeMs, mode } = statSync(join(dir, name));
      return `${name} ${size} ${mtimeMs} ${mode}`;
    });
}

let made = 0;
const newDir = (): string => join(root, String(made++));
const open = (dir: string): Promise<SpoolStore> =>
  openLmdbSpool({ dir, clock: new ManualClock(1000), notices: silent });

async function listed(dir: string, heard: NoticeName[] = []): Promise<readonly string[]> {
  const reader = await openLmdbReader({ dir, notices: (name) => void heard.push(name) });
  try {
    return idsOf(await reader.list({ limit: 100 }));
  } finally {
    await reader.close();
  }
}

/** A spool with dead leases, orphans, strangers and damage: all that a start would put in order. */
async function untidy(): Promise<string> {
  const dir = newDir();
  const gone = makeOwner().replace(/^\d+/, '4194399');
  const store = await open(dir);
  const lease = { owner: gone, token: 't', until: 1 };
  await store.commit(entryOf({ id: 'A', state: 'leased', lease }));
  await store.commit(entryOf({ id: 'B' }, bodyOf([pattern(100_000)])));
  await store.commit(entryOf({ id: 'C' }));
  await store.close();
  writeFileSync(join(dir, 'bodies', `${gone}.x.0`), 'orphan');
  writeFileSync(join(dir, 'incoming', `${gone}.x.1`), 'half');
  writeFileSync(join(dir, 'incoming', 'core'), 'stranger');
  writeFileSync(join(dir, 'open', `${gone}.x`), '');
  const tables = await Tables.open(join(dir, 'queue'), 2 ** 30);
  await tables.batch(() => void tables.entries.put(idKey('C'), Buffer.from('garbage'), 7));
  await tables.close();
  return dir;
}

function tests(): void {
  after(() => rmSync(root, { recursive: true, force: true }));

  test('a look at a spool nobody has open changes nothing in it, damage and leftovers included', async () => {
    const dir = await untidy();
    const before = snapshot(dir);
    const data = readFileSync(join(dir, 'queue', 'data.mdb'));
    assert.deepEqual(await ran('list', dir), ['spool.entryUnreadable', 'A leased', 'B queued']);
    assert.deepEqual(snapshot(dir), before);
    assert.ok(readFileSync(join(dir, 'queue', 'data.mdb')).equals(data));
    const heard: NoticeName[] = [];
    assert.deepEqual(await listed(dir, heard), ['A', 'B'], 'within one process too');
    assert.deepEqual(heard, ['spool.entryUnreadable']);
  });

  test('a look beside an open store sees what it commits, and the store goes on', async () => {
    const dir = newDir();
    const store = await open(dir);
    await store.commit(entryOf({ id: 'A' }));
    assert.deepEqual(await ran('list', dir), ['A queued']);
    await store.commit(entryOf({ id: 'B', state: 'held', hold: { reason: 'r', by: 'b' } }));
    assert.deepEqual(await ran('list', dir), ['A queued', 'B held']);
    assert.deepEqual(await listed(dir), ['A', 'B']);
    assert.equal(await store.remove('A'), true);
    await store.close();
  });

  test('a spool that is not there or was never filled is an empty one, and is not made', async () => {
    const dir = newDir();
    assert.deepEqual(await listed(dir), []);
    assert.throws(() => statSync(dir), { code: 'ENOENT' });
    mkdirSync(join(dir, 'queue'), { recursive: true });
    assert.deepEqual(await listed(dir), []);
    writeFileSync(join(dir, 'queue', 'data.mdb'), '');
    assert.deepEqual(await listed(dir), []);
    assert.deepEqual(snapshot(dir).length, 2);
    const begun = newDir();
    await (await open(begun)).close();
    assert.deepEqual(await listed(begun), []);
  });

  const RUINS: readonly [says: string, ruin: (dir: string) => void][] = [
    ['data file is garbage', (dir) => writeFileSync(join(dir, 'queue', 'data.mdb'), pattern(50_000))],
    ['data file is cut short', (dir) => truncateSync(join(dir, 'queue', 'data.mdb'), 5 * 4096)],
    ['lock file is missing', (dir) => rmSync(join(dir, 'queue', 'lock.mdb'))],
    [
      'queue is a file',
      (dir) => (rmSync(join(dir, 'queue'), { recursive: true }), writeFileSync(join(dir, 'queue'), '')),
    ],
    ['directory is a file', (dir) => (rmSync(dir, { recursive: true }), writeFileSync(dir, ''))],
  ];
  for (const [says, ruin] of RUINS)
    test(`a look at a spool whose ${says} is an error and mends nothing`, async () => {
      const dir = newDir();
      const store = await open(dir);
      for (let i = 0; i < 30; i++) await store.commit(entryOf({}, bodyOf([pattern(9000)])));
      await store.close();
      ruin(dir);
      const look = (): readonly string[] => (statSync(dir).isDirectory() ? snapshot(dir) : []);
      const before = look();
      await assert.rejects(openLmdbReader({ dir, notices: silent }), { name: 'SpoolError', code: 'io' });
      assert.deepEqual(look(), before);
    });

  test('a spool that may not be read is an error with its cause', async () => {
    const dir = newDir();
    await (await open(dir)).close();
    chmodSync(root, 0o755);
    chmodSync(dir, 0o755);
    chmodSync(join(dir, 'queue'), 0);
    assert.deepEqual(await ran('denied', dir), ['io']);
    chmodSync(join(dir, 'queue'), 0o700);
    chmodSync(root, 0o700);
  });

  for (const [who, work, apart] of [
    ['a look from another PID namespace', 'list', 'within'],
    ['a start from another PID namespace', 'open', 'within'],
    ['a look from the host at a container', 'list', 'around'],
    ['a start on the host beside a container', 'open', 'around'],
  ] as const)
    test(`${who} takes nothing from a living gateway`, needsSpaces, async () => {
      const dir = newDir();
      const holder = start('hold', dir, apart === 'around' ? APART : []);
      const lines = createInterface({ input: holder.stdout! })[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, 'ready');
      const files = (): string[] =>
        ['incoming', 'bodies'].flatMap((name) => readdirSync(join(dir, name))).toSorted();
      const before = files();
      assert.equal(before.length, 2);
      const seen = await ran(work, dir, apart === 'within' ? APART : []);
      assert.deepEqual(seen, work === 'list' ? ['LEASED leased'] : []);
      assert.deepEqual(files(), before);
      holder.stdin!.end('go on\n');
      assert.equal((await lines.next()).value, 'settled true');
      await lines.next();
      const store = await open(dir);
      for (const [id, body] of [
        ['ARRIVED', pattern(150_000)],
        ['ARRIVING', Buffer.concat([pattern(200_000), pattern(50_000, 2)])],
      ] as const)
        assert.ok((await bytesIn((await store.content(id))!.body)).equals(body));
      await store.close();
    });
}

if (process.argv[2] === 'child') await works[process.argv[3]!]!(process.argv[4]!);
else tests();
