// Disk trouble and sudden death: child processes of this very file, killed or made to fail at chosen system calls.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf, bytesOf, latin1 } from '#message';
import type { NoticeName } from '#notices';
import { makeQueueId, openLmdbSpool, SpoolError } from '#spool';
import type { NewEntry, SpoolStore } from '#spool';
import { childArguments } from './apart.cases.ts';
import { bytesIn, entryOf, metaOf, pattern } from './samples.cases.ts';

const SIZES = [100, 5_000, 60_000, 150_000];
const nextId = makeQueueId(Object.assign(new ManualClock(), { now: Date.now }));

/** An entry whose header tells what its body must be. */
async function telling(store: SpoolStore, n: number): Promise<NewEntry> {
  const size = SIZES[n % SIZES.length]! + n;
  const draft = store.draft();
  const bytes = pattern(size, n);
  for (let at = 0; at < size; at += 32_768) await draft.write(bytes.subarray(at, at + 32_768));
  return {
    meta: metaOf({ id: nextId() }),
    header: bytesOf(`X-Body: ${size} ${n}\r\n`),
    body: await draft.finish(),
  };
}

/** Whether an entry's bytes are all there and its own. */
async function isWhole(store: SpoolStore, id: string): Promise<boolean> {
  const content = await store.content(id);
  const told = /^X-Body: (\d+) (\d+)\r\n$/.exec(content ? latin1(content.header) : '');
  return told !== null && (await bytesIn(content!.body)).equals(pattern(Number(told[1]), Number(told[2])));
}

// ---- the child ----

const say = (line: string): void => void writeSync(1, `${line}\n`);

/** Commits from four sides at once until it is killed or has made `count`; says each id once its commit resolved. */
async function commitAndTell(dir: string, count: number): Promise<void> {
  const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
  say('open');
  let n = 0;
  const side = async (): Promise<void> => {
    while (n < count) {
      const entry = await telling(store, n++);
      await store.commit(entry);
      say(`ok ${entry.meta.id}`);
    }
  };
  await Promise.all([side(), side(), side(), side()]);
  await store.close();
}

/** Commits one after another, saying what came of each; then says what is in the store. */
async function commitAndAdmit(dir: string, count: number): Promise<void> {
  const notices = (name: NoticeName): void => say(`notice ${name}`);
  const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices });
  for (let n = 0; n < count; n++) {
    let id = '';
    try {
      const entry = await telling(store, n);
      id = entry.meta.id;
      await store.commit(entry);
      say(`ok ${id}`);
    } catch (error) {
      say(`failed ${error instanceof SpoolError ? error.code : String(error)} ${id}`);
    }
  }
  for (const { id } of await store.list({ limit: 1000 })) say(`has ${id} ${await isWhole(store, id)}`);
  await store.close();
  say('end');
}

/** Fills the store until it is full, lets everything leave, fills it again. */
async function fillAndDrain(dir: string, max: number): Promise<void> {
  const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {}, freeFloor: 0 });
  const fill = async (): Promise<number> => {
    for (let n = 0; n < max; n++) {
      const entry = entryOf({ id: nextId() }, bodyOf([pattern(40_000, n)]));
      try {
        await store.commit({ ...entry, header: bytesOf(`X-Body: 40000 ${n}\r\n`) });
      } catch (error) {
        if (error instanceof SpoolError && error.code === 'full') return n;
        throw error;
      }
    }
    throw new Error('it never got full');
  };
  say(`full ${await fill()}`);
  let left = 0;
  for (;;) {
    const taken = await store.claim('w', 1e9, 1000, 20);
    if (taken.length === 0) break;
    for (const { id, lease } of taken) left += Number(await store.settle(id, lease!, { kind: 'done' }));
  }
  say(`left ${left} ${store.totals().queued}`);
  say(`again ${await fill()}`);
  await store.close();
}

// ---- the parent ----

const root = process.argv[2] === 'child' ? '' : mkdtempSync(join(tmpdir(), 'spool-'));
const CHILD = process.argv[2] === 'child' ? [] : await childArguments(import.meta.url);
const hasStrace =
  process.platform === 'linux' && spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;
const NO_LIMITS = process.platform === 'linux' ? false : 'needs limits of the shell';
const needsStrace = { skip: hasStrace ? false : 'strace is not installed or may not trace here' };

interface Ran {
  readonly lines: readonly string[];
  readonly errors: string;
  readonly code: number | null;
}

interface Terms {
  /** strace rules; the child runs under strace when there are any. */
  readonly inject?: readonly string[];
  /** Where strace writes what it saw. */
  readonly trace?: string;
  /** A command that starts the child. */
  readonly before?: readonly string[];
  /** Milliseconds after its store opened at which it is killed; 0 never. */
  readonly killAfter?: number;
}

function run(work: string, dir: string, count: number, terms: Terms = {}): Promise<Ran> {
  const { inject = [], trace = '/dev/null', before = [], killAfter = 0 } = terms;
  const calls = inject.map((rule) => rule.split(':')[0]).join(',');
  const rules = inject
    .filter((rule) => /error|signal/.test(rule))
    .flatMap((rule) => ['-e', `inject=${rule}`]);
  // Only the calls that are traced stop the child then; but a signal is not sent that way.
  const swift = inject.some((rule) => rule.includes('signal')) ? [] : ['--seccomp-bpf'];
  const strace =
    inject.length > 0 ? ['strace', '-f', '-qq', ...swift, '-o', trace, '-e', `trace=${calls}`, ...rules] : [];
  const [command, ...args] = [...before, ...strace, process.execPath, ...CHILD, work, dir, String(count)];
  const child = spawn(command, args, { env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
  let out = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => {
    if (out === '' && killAfter > 0) setTimeout(() => child.kill('SIGKILL'), killAfter);
    out += data.toString('latin1');
  });
  child.stderr.on('data', (data: Buffer) => (errors += data.toString('latin1')));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ lines: out.split('\n').slice(0, -1), errors, code }));
  });
}

/** Checks a spool whose process died: all it acknowledged is there and whole, and nothing there is not whole. */
async function checkAfterDeath(dir: string, ran: Ran): Promise<number> {
  const told = ran.lines.filter((line) => line.startsWith('ok ')).map((line) => line.slice(3));
  const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
  const there = new Set((await store.list({ limit: 100_000 })).map((meta) => meta.id));
  for (const id of told) assert.ok(there.has(id), `${id} was acknowledged and is lost`);
  for (const id of there) assert.ok(await isWhole(store, id), `${id} is not whole`);
  await store.close();
  assert.deepEqual(readdirSync(join(dir, 'incoming')), []);
  assert.deepEqual(readdirSync(join(dir, 'damaged')), []);
  return told.length;
}

let made = 0;
const newDir = (): string => join(root, String(made++));

async function preparedDir(): Promise<string> {
  const dir = newDir();
  const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
  await store.commit(entryOf({ id: 'first' }, bodyOf([pattern(10)])));
  await store.remove('first');
  await store.close();
  return dir;
}

if (process.argv[2] === 'child') {
  const [, , , work, dir, count] = process.argv;
  const works: Record<string, (dir: string, count: number) => Promise<void>> = {
    tell: commitAndTell,
    admit: commitAndAdmit,
    fill: fillAndDrain,
  };
  await works[work!]!(dir!, Number(count));
} else {
  after(() => rmSync(root, { recursive: true, force: true }));

  test('what was acknowledged survives a kill at any moment, and nothing is there by half', async () => {
    const moments = [1, 40, 90, 160].map(async (killAfter) => {
      const dir = newDir();
      return checkAfterDeath(dir, await run('tell', dir, 1e9, { killAfter }));
    });
    const acknowledged = await Promise.all(moments);
    assert.ok(acknowledged.reduce((sum, n) => sum + n) > 0, 'something was acknowledged at all');
  });

  test('what was acknowledged survives a kill at every kind of step', needsStrace, async () => {
    const steps = ['fdatasync', 'pwrite64', 'rename', 'fsync', 'writev'].flatMap((call) => {
      const whens = { fdatasync: [2, 5], pwrite64: [3, 8], rename: [1, 2], fsync: [4], writev: [2] }[call]!;
      return whens.map((when) => `${call}:signal=SIGKILL:when=${when}`);
    });
    for (let at = 0; at < steps.length; at += 4)
      await Promise.all(
        steps.slice(at, at + 4).map(async (step) => {
          const dir = await preparedDir();
          const ran = await run('tell', dir, 40, { inject: [step] });
          assert.notEqual(ran.code, 0, `${step} came to pass`);
          await checkAfterDeath(dir, ran);
        }),
      );
  });

  /** Runs a child with faults; holds what it says against its store, now and opened again. Returns what it said. */
  async function checkFaults(inject: string, code: string): Promise<readonly string[]> {
    const dir = await preparedDir();
    const { lines, errors, code: exit } = await run('admit', dir, 24, { inject: [inject] });
    assert.equal(exit, 0, errors);
    assert.ok(!/unhandled/i.test(errors), errors);
    const words = lines.map((line) => line.split(' '));
    const acknowledged = words.filter(([first]) => first === 'ok').map(([, id]) => id);
    const there = words.filter(([first]) => first === 'has');
    const failed = words.findIndex(([first, what]) => first === 'failed' && what === code);
    assert.ok(failed >= 0, lines.join('\n'));
    assert.ok(
      words.slice(failed).some(([first]) => first === 'ok'),
      'work went on',
    );
    assert.deepEqual(new Set(there.map(([, id]) => id)), new Set(acknowledged));
    assert.equal(there.length, acknowledged.length);
    assert.ok(there.every(([, , whole]) => whole === 'true'));
    assert.equal(lines.at(-1), 'end');
    const again = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
    assert.equal(again.totals().queued, there.length);
    await again.close();
    return lines;
  }

  const FAULTS: readonly [says: string, inject: string, code: string][] = [
    ['a sync fails', 'fdatasync:error=EIO:when=3', 'io'],
    ['every third sync fails', 'fdatasync:error=EIO:when=3+3', 'io'],
    ['a body cannot be written', 'writev:error=ENOSPC:when=1', 'full'],
    ['a body cannot be moved', 'rename:error=EIO:when=1', 'io'],
    ['a directory cannot be synced', 'fsync:error=EIO:when=4', 'io'],
  ];
  test('several processes share a spool, and each sees what all of them took', async () => {
    const dir = await preparedDir();
    const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
    const ran = await Promise.all([1, 2, 3].map(() => run('tell', dir, 40)));
    const told = ran.flatMap(({ lines, errors, code }) => {
      assert.equal(code, 0, errors);
      return lines.filter((line) => line.startsWith('ok ')).map((line) => line.slice(3));
    });
    assert.ok(told.length >= 120);
    assert.equal(new Set(told).size, told.length, 'ids of different processes differ');
    assert.equal(store.totals().queued, told.length);
    const taken = await store.claim('w', 1e9, 1000, 1000);
    assert.deepEqual(new Set(taken.map((meta) => meta.id)), new Set(told));
    for (const id of told) assert.ok(await isWhole(store, id));
    await store.close();
  });

  const together = { ...needsStrace, concurrency: 3 };
  test('what fails is refused, what is refused is not there, and work goes on', together, async (t) => {
    await Promise.all(
      FAULTS.map(([says, inject, code]) =>
        t.test(`when ${says}`, async () => void (await checkFaults(inject, code))),
      ),
    );
  });

  test(
    'when the header of lmdb cannot be written, the store heals without a restart',
    needsStrace,
    async () => {
      const trace = join(root, 'trace');
      await run('admit', await preparedDir(), 3, { inject: ['pwrite64:when=1'], trace });
      // A commit ends with a write of the 128 bytes of the header; the second one is made to fail.
      const calls = readFileSync(trace, 'latin1')
        .split('\n')
        .filter((line) => line.includes('pwrite64('));
      const isHeader = (line: string): boolean => / 128, \d+\)/.test(line);
      const when = calls.findIndex((line, i) => isHeader(line) && calls.slice(0, i).some(isHeader)) + 1;
      assert.ok(when > 2, 'the trace shows two commits');
      const lines = await checkFaults(`pwrite64:error=EIO:when=${when}`, 'io');
      assert.ok(lines.includes('notice spool.reopened'), lines.join('\n'));
    },
  );

  test(
    'a full disk refuses new mail, lets mail leave, and takes new mail again',
    { skip: NO_LIMITS },
    async () => {
      const dir = newDir(); // made by the child: we would make its data file larger than it may
      const limit = ['bash', '-c', `trap '' XFSZ; ulimit -f 12000; exec "$@"`, 'bash'];
      const { lines, errors, code } = await run('fill', dir, 2000, { before: limit });
      assert.equal(code, 0, errors);
      const words = lines.map((line) => line.split(' '));
      const before = Number(words.find(([first]) => first === 'full')![1]);
      assert.ok(before > 20, 'something was taken before the disk was full');
      assert.deepEqual(
        words.find(([first]) => first === 'left'),
        ['left', String(before), '0'],
      );
      const then = Number(words.find(([first]) => first === 'again')![1]);
      assert.ok(then > before / 2, `${before} at first, ${then} then`);
      const store = await openLmdbSpool({ dir, clock: new ManualClock(), notices: () => {} });
      const there = await store.list({ limit: 10_000 });
      assert.equal(there.length, then);
      for (const { id } of there) assert.ok(await isWhole(store, id));
      await store.close();
    },
  );

  test('below the floor mail is refused before anything is written, and taken again above it', async () => {
    const heard: NoticeName[] = [];
    const clock = new ManualClock();
    const options = { dir: newDir(), clock, notices: (name: NoticeName) => void heard.push(name) };
    mkdirSync(options.dir);
    const full = await openLmdbSpool({ ...options, freeFloor: 2 ** 60 });
    assert.ok(full.freeBytes() <= 0);
    await assert.rejects(full.commit(entryOf()), { code: 'full' });
    const draft = full.draft();
    for (let i = 0; i < 50; i++) await draft.write(pattern(10_000));
    await assert.rejects(async () => draft.finish(), { code: 'full' });
    assert.deepEqual(readdirSync(join(options.dir, 'incoming')), []);
    assert.deepEqual(heard, ['spool.low']);
    await full.close();
    const room = await openLmdbSpool({ ...options, freeFloor: 0 });
    assert.ok(room.freeBytes() > 0);
    await room.commit(entryOf());
    await room.close();
  });
}
