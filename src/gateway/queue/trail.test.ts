import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import type { NoticeName } from '#notices';
import { MAX_NOTE, MAX_NOTES, MAX_TRAIL, Trail } from './trail.ts';

function place(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-trail-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(1000);
  const said: NoticeName[] = [];
  const file = join(folder, 'audit', 'orders.jsonl');
  const open = (more: { file?: string; maxFile?: number } = {}): Trail =>
    new Trail({ file, clock, notices: (name) => void said.push(name), ...more });
  return { open, file, said, clock };
}

const DONE = { verb: 'delete', by: 'operator:eva', result: 'done', detail: '' } as const;

test('what was done to a message is told in order, under its old id and its new one, also after a restart', async (t) => {
  const { open, file, clock } = place(t);
  for (const trail of [open(), open({ file: '' })]) {
    await trail.record({ id: 'a', ...DONE, verb: 'hold', text: 'wäre\n"x"' });
    await Promise.all([
      trail.record({ id: 'b', ...DONE }),
      trail.record({ id: 'a', ...DONE, verb: 'release', as: 'c' }),
    ]);
    await trail.record({ id: 'ab', ...DONE });
    const told = async (from: Trail, id: string) => (await from.of(id)).map((r) => r.verb);
    assert.deepEqual(await told(trail, 'a'), ['hold', 'release']);
    assert.deepEqual(await told(trail, 'c'), ['release']);
    assert.deepEqual(await told(trail, '__proto__'), []);
  }
  clock.advance(5);
  const [first] = await open().of('a');
  assert.deepEqual(first, { at: 1000, id: 'a', ...DONE, verb: 'hold', text: 'wäre\n"x"' });
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('notes survive a restart; the last one stands, an empty one takes it away', async (t) => {
  const { open } = place(t);
  const trail = open();
  await trail.note('a', 'first', 'operator:eva');
  await trail.note('a', 'x'.repeat(MAX_NOTE + 1), 'operator:tom');
  await trail.note('b', 'gone', 'operator:eva');
  await trail.note('b', '', 'operator:eva');
  const notes = await open().notes();
  assert.deepEqual([...notes.keys()], ['a']);
  assert.deepEqual(notes.get('a'), { at: 1000, by: 'operator:tom', text: 'x'.repeat(MAX_NOTE) });
});

test('a full file becomes the older generation, and notes go on', async (t) => {
  const { open, file, clock } = place(t);
  const trail = open({ maxFile: 2000 });
  await trail.note('kept', 'look at this', 'operator:eva');
  for (let n = 0; n < 100; n++) {
    clock.advance(1);
    await trail.record({ id: `m${n}`, ...DONE });
  }
  assert.ok(statSync(file).size <= 2000 && statSync(`${file}.1`).size <= 2000);
  assert.equal((await trail.of('m99')).length, 1);
  assert.equal((await trail.of('m1')).length, 0);
  assert.equal((await open().notes()).get('kept')?.text, 'look at this');
  assert.deepEqual(
    (await trail.of('kept')).map((r) => r.verb),
    ['note'],
    'carried over, not written twice',
  );
});

test('bounds: notes, and records of one message', async (t) => {
  const { open } = place(t);
  const trail = open({ file: '' });
  for (let n = 0; n <= MAX_NOTES; n++) await trail.note(`n${n}`, 'x', 'operator:eva');
  const notes = await trail.notes();
  assert.deepEqual([notes.size, notes.has('n0'), notes.has('n1')], [MAX_NOTES, false, true]);
  for (let n = 0; n <= MAX_TRAIL; n++) await trail.record({ id: 'x', ...DONE, detail: String(n) });
  const records = await trail.of('x');
  assert.deepEqual([records.length, records[0]!.detail], [MAX_TRAIL, '1']);
});

test('a torn line is passed over and takes no other with it', async (t) => {
  const { open, file } = place(t);
  await open().record({ id: 'a', ...DONE });
  appendFileSync(file, '{"at":1,"id":"a","ver');
  const trail = open();
  await trail.record({ id: 'a', ...DONE, verb: 'hold' });
  assert.deepEqual(
    (await trail.of('a')).map((r) => r.verb),
    ['delete', 'hold'],
  );
  appendFileSync(file, '{"at":"x","id":"a","verb":"x"}\n{"id":"a"}\nnull "a"\n');
  assert.equal((await trail.of('a')).length, 2);
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 7);
});

test('a place that cannot be written to is noticed, and costs nobody an order', async (t) => {
  const { open, file, said } = place(t);
  writeFileSync(join(file, '..', '..', 'audit'), 'a file where the folder should be');
  const trail = open();
  await trail.record({ id: 'a', ...DONE });
  assert.ok(said.every((name) => name === 'queue.trail-failed') && said.length > 0);
  assert.deepEqual(await trail.of('a'), []);
  await trail.note('a', 'x', 'operator:eva');
  assert.equal((await trail.notes()).get('a')?.text, 'x');
});
