import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import type { NoticeFields, NoticeName } from '#notices';
import { systemClock } from '../clock.ts';
import { Pauses } from './pauses.ts';

const START = Date.UTC(2026, 10, 1);

function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'pauses-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(START);
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const forgotten: string[] = [];
  const file = join(folder, 'paused.json');
  const open = (more: object = {}): Pauses => {
    const pauses = new Pauses({
      file,
      clock,
      notices: (name, fields) => void said.push({ name, fields }),
      follows: false,
      reset: (name) => void forgotten.push(name),
      ...more,
    });
    t.after(() => pauses.close());
    return pauses;
  };
  return { clock, said, forgotten, file, open };
}

test('a pause holds until its end, which is noticed', async (t) => {
  const { clock, said, open } = scene(t);
  const pauses = open();
  assert.equal(pauses.holds('a'), false);
  await pauses.pause('a', { reason: 'maintenance', by: 'operator:eva', until: START + 60_000 });
  assert.equal(pauses.holds('a'), true);
  assert.equal(pauses.holds('b'), false);
  assert.deepEqual(said[0], {
    name: 'milter.paused',
    fields: { milter: 'a', by: 'operator:eva', reason: 'maintenance', until: '2026-11-01T00:01:00.000Z' },
  });
  clock.advance(60_000);
  assert.equal(pauses.holds('a'), false);
  assert.deepEqual(said[1], { name: 'milter.resumed', fields: { milter: 'a', by: 'the end of the pause' } });
  assert.equal(await pauses.resume('a', 'operator:eva'), false);
});

test('pauses survive a restart, in a file nobody else may read; orders at the same time do not lose each other', async (t) => {
  const { file, open } = scene(t);
  const pauses = open();
  const names = ['a', 'b', 'c', '__proto__'];
  await Promise.all(names.map((name) => pauses.pause(name, { reason: 'r', by: 'x', until: null })));
  await pauses.resume('b', 'x');
  const after = open();
  assert.deepEqual(
    ['a', 'b', 'c', '__proto__', 'constructor'].map((name) => after.holds(name)),
    [true, false, true, true, false],
  );
  assert.equal(after.of('a')!.reason, 'r');
  assert.match(readFileSync(file, 'utf8'), /"__proto__"/);
});

test('a file that is none of ours is noticed and counts as empty, and the next order replaces it', async (t) => {
  for (const text of [
    '{',
    '[]',
    '{"paused":[{"name":1}],"reset":{}}',
    '{"paused":[],"reset":{"a":"x"}}',
    'null',
  ]) {
    const { file, said, open } = scene(t);
    writeFileSync(file, text);
    const pauses = open();
    assert.equal(said[0]?.name, 'milter.pauses-damaged', text);
    await pauses.pause('a', { reason: 'r', by: 'x', until: null });
    assert.equal(open().holds('a'), true);
  }
});

test('who follows sees pauses and resets of another process within a second, and old resets not at all', async (t) => {
  const { open, forgotten } = scene(t);
  const leader = open();
  await leader.forget('old', 'x');
  forgotten.length = 0;
  const heard: string[] = [];
  const follower = open({
    follows: true,
    clock: systemClock,
    reset: (name: string) => void heard.push(name),
  });
  assert.deepEqual(heard, []);
  await leader.pause('a', { reason: 'r', by: 'x', until: null });
  await leader.forget('b', 'x');
  assert.deepEqual(forgotten, ['b']);
  for (let i = 0; i < 100 && heard.length === 0; i++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(follower.holds('a'), true);
  assert.deepEqual(heard, ['b']);
  await leader.resume('a', 'x');
  for (let i = 0; i < 100 && follower.holds('a'); i++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(follower.holds('a'), false);
  assert.deepEqual(heard, ['b']);
});
