import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { DAY, MINUTE, OK, START, agentThat, calm, entryTo, rigWith, until } from './rig.cases.ts';
import { MAX_SUSPENSIONS, MAX_SUSPENSION_TEXT, SUSPENDED_LOOK, Suspensions } from './suspensions.ts';

const WHY = { until: null, reason: 'they asked', by: 'operator:ann' };

async function fileOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-suspensions-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'suspended.json');
}

function house(file: string, clock = new ManualClock(START)) {
  const heard: string[] = [];
  const notices = (name: string): void => void heard.push(name);
  return { clock, heard, all: new Suspensions({ clock, notices, file }) };
}

test('a suspension is kept with reason, beginning and end, and taken back once', async (t) => {
  const file = await fileOf(t);
  const { all, heard } = house(file);
  const made = await all.suspend({ kind: 'domain', name: 'Example.ORG' }, { ...WHY, until: START + DAY });
  const kept = { kind: 'domain', name: 'example.org', since: START, ...WHY, until: START + DAY };
  assert.deepEqual(made, kept);
  assert.deepEqual(all.list(), [kept]);
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), [kept]);
  assert.equal(all.over('mx:example.org', 'u@EXAMPLE.org')?.reason, 'they asked');
  assert.equal(all.over('mx:example.org', 'u@sub.example.org'), null);
  assert.equal(await all.resume({ kind: 'domain', name: 'EXAMPLE.org' }), true);
  assert.equal(await all.resume({ kind: 'domain', name: 'example.org' }), false);
  assert.deepEqual(all.list(), []);
  assert.deepEqual(heard, ['delivery.suspended', 'delivery.resumed']);
});

test('suspensions survive a restart and end at their time', async (t) => {
  const file = await fileOf(t);
  const { all } = house(file);
  await all.suspend({ kind: 'destination', name: 'smtp:a:25' }, WHY);
  await all.suspend({ kind: 'domain', name: 'b.test' }, { ...WHY, until: START + MINUTE });
  const next = house(file, new ManualClock(START + MINUTE - 1));
  await next.all.refresh();
  assert.equal(next.all.list().length, 2);
  assert.ok(next.all.over('smtp:a:25', 'u@x'));
  assert.ok(next.all.over('other', 'u@b.test'));
  next.clock.advance(1);
  assert.equal(next.all.over('other', 'u@b.test'), null);
  assert.deepEqual(
    next.all.list().map((s) => s.name),
    ['smtp:a:25'],
  );
});

test('what another process changed is seen, and neither loses the changes of the other', async (t) => {
  const file = await fileOf(t);
  const here = house(file);
  const there = house(file);
  await Promise.all([
    here.all.suspend({ kind: 'domain', name: 'a.test' }, WHY),
    here.all.suspend({ kind: 'domain', name: 'b.test' }, WHY),
  ]);
  await there.all.suspend({ kind: 'domain', name: 'c.test' }, WHY);
  assert.equal(here.all.list().length, 2);
  await here.all.refresh();
  assert.equal(here.all.list().length, 2, 'looked at only now and then');
  here.clock.advance(1000);
  await here.all.refresh();
  assert.equal(here.all.list().length, 3);
  await there.all.resume({ kind: 'domain', name: 'a.test' });
  here.clock.advance(1000);
  await here.all.refresh();
  assert.deepEqual(
    here.all.list().map((s) => s.name),
    ['b.test', 'c.test'],
  );
});

test('a damaged file is set aside and delivery goes on without it', async (t) => {
  for (const text of ['', '{', '{}', '[1]', '[{"kind":"x"}]', `[${'{},'.repeat(5)}{}]`]) {
    const file = await fileOf(t);
    await writeFile(file, text);
    const { all, heard } = house(file);
    await all.refresh();
    assert.deepEqual(all.list(), [], text);
    assert.deepEqual(heard, ['delivery.suspensions-damaged']);
    assert.deepEqual(await readdir(join(file, '..')), ['suspended.json.damaged']);
    assert.notEqual(await all.suspend({ kind: 'domain', name: 'a.test' }, WHY), 'too-many');
  }
});

test('a file that cannot be read ends no suspension and is not replaced', async (t) => {
  const file = await fileOf(t);
  const { all, clock, heard } = house(file);
  await all.suspend({ kind: 'domain', name: 'a.test' }, WHY);
  await rm(file);
  await mkdir(file); // reading it fails whoever asks
  clock.advance(MINUTE);
  await all.refresh();
  assert.ok(all.over('mx:a.test', 'u@a.test'));
  await assert.rejects(all.suspend({ kind: 'domain', name: 'b.test' }, WHY));
  assert.deepEqual(await readdir(join(file, '..')), ['suspended.json']);
  assert.deepEqual(heard, ['delivery.suspended']);
});

test('number, length and end of suspensions are bounded', async () => {
  const { all } = house('');
  const long = 'x'.repeat(MAX_SUSPENSION_TEXT);
  const suspend = (name: string, more = {}) => all.suspend({ kind: 'domain', name }, { ...WHY, ...more });
  assert.equal(await suspend(''), 'too-long');
  assert.equal(await suspend('a', { reason: long + 'x' }), 'too-long');
  assert.equal(await suspend('a', { until: START }), 'over');
  assert.equal(typeof (await suspend('a', { reason: long, until: START + 1 })), 'object');
  for (let n = 1; n < MAX_SUSPENSIONS; n++) await suspend(`d${n}`);
  assert.equal(all.list().length, MAX_SUSPENSIONS);
  assert.equal(await suspend('more'), 'too-many');
  assert.equal(typeof (await suspend('d1', { reason: 'another' })), 'object', 'one of them is replaced');
});

test('a change that cannot be written is no change', async () => {
  const { all } = house('/nonexistent/folder/suspended.json');
  await assert.rejects(all.suspend({ kind: 'domain', name: 'a.test' }, WHY));
  assert.deepEqual(all.list(), []);
});

test('suspended recipients wait while the others are delivered, and never expire meanwhile', async () => {
  const clock = new ManualClock(START);
  const suspensions = house('', clock).all;
  await suspensions.suspend({ kind: 'domain', name: 'b.test' }, WHY);
  const agent = agentThat(() => OK);
  const rig = rigWith(agent, { clock, suspensions, retry: [2 * MINUTE] });
  await rig.spool.commit(entryTo(['u@a.test', 'u@b.test']));
  rig.delivery.wake();
  await until(async () => agent.asked.length > 0 && (await rig.spool.get('m1'))?.state === 'queued');
  assert.deepEqual(agent.asked, [['u@a.test']]);
  assert.equal((await rig.spool.get('m1'))!.due, START + SUSPENDED_LOOK);
  clock.advance(6 * DAY);
  await until(async () => (await rig.spool.get('m1'))!.due > START + 6 * DAY);
  assert.equal(agent.asked.length, 1);
  assert.deepEqual(
    (await rig.spool.get('m1'))!.recipients.map((r) => r.state),
    ['delivered', 'pending'],
  );
  assert.equal(await suspensions.resume({ kind: 'domain', name: 'b.test' }), true);
  clock.advance(SUSPENDED_LOOK);
  await until(async () => (await rig.spool.get('m1')) === null);
  assert.deepEqual(agent.asked, [['u@a.test'], ['u@b.test']]);
  await rig.delivery.stop(0);
  await calm();
});
