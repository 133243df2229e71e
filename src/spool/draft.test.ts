import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import type { NoticeName } from '#notices';
import { BodyFiles } from './bodies.ts';
import { SpoolDraft } from './draft.ts';
import { FreeSpace } from './free-space.ts';
import { bytesIn, pattern } from './samples.cases.ts';

const dir = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(dir, { recursive: true, force: true }));
for (const name of ['incoming', 'bodies']) mkdirSync(join(dir, name));
const files = new BodyFiles(dir, 'owner', 'x', silent);
const clock = new ManualClock(1000);

async function freeSpace(options: { floor?: number; heard?: NoticeName[] } = {}): Promise<FreeSpace> {
  const { floor = 0, heard = [] } = options;
  const free = new FreeSpace({ dir, floor, clock, notices: (n) => void heard.push(n), reusable: () => 0 });
  await free.ask();
  return free;
}

test('up to the bound a body stays in memory, the very chunks that came', async () => {
  const draft = new SpoolDraft(1000, files, await freeSpace());
  const chunks = [pattern(400), pattern(599, 2), pattern(1, 3)];
  for (const chunk of chunks) assert.equal(draft.write(chunk), undefined);
  const body = await draft.finish();
  assert.ok(body.chunks!.every((chunk, i) => chunk === chunks[i]));
  assert.deepEqual(readdirSync(files.incoming), []);
});

test('one byte more goes to a file, and a discard takes the file away', async () => {
  const draft = new SpoolDraft(1000, files, await freeSpace());
  for (const size of [1000, 0, 1]) await draft.write(pattern(size));
  const body = await draft.finish();
  assert.equal(body.chunks, null);
  assert.equal((await bytesIn(body)).length, 1001);
  assert.equal(readdirSync(files.incoming).length, 1);
  draft.discard();
  while (readdirSync(files.incoming).length > 0) await new Promise(setImmediate);
});

test('a writer that is faster than the disk is asked to wait, and nothing waits after that', async () => {
  const draft = new SpoolDraft(0, files, await freeSpace());
  const chunk = pattern(100_000);
  const asked: (Promise<void> | void)[] = [];
  for (let i = 0; i < 8; i++) asked.push(draft.write(chunk));
  assert.deepEqual(
    asked.map((wait) => wait !== undefined),
    [false, false, true, true, true, true, true, true],
  );
  await asked.at(-1);
  assert.equal(draft.write(pattern(1)), undefined);
  assert.equal((await draft.finish()).size, 800_001);
  draft.discard();
});

test('the file system is asked at most once a second, and what was written is taken off in between', async () => {
  const heard: NoticeName[] = [];
  const free = await freeSpace({ heard });
  const before = free.bytes();
  free.used(before + 1);
  assert.equal(free.bytes(), -1);
  clock.advance(999);
  assert.equal(free.bytes(), -1, 'no new answer yet');
  clock.advance(1);
  assert.equal(free.bytes(), -1, 'the question goes out, the answer comes later');
  while (free.bytes() <= 0) await new Promise(setImmediate);
  assert.deepEqual(heard, ['spool.low', 'spool.spaceBack'], 'mail was refused meanwhile');
});

test('a file system that does not answer leaves the last answer standing', async () => {
  const free = new FreeSpace({ dir: join(dir, 'gone'), clock, notices: silent, reusable: () => 0 });
  await free.ask();
  assert.equal(free.bytes(), 0);
});
