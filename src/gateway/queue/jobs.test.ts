import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import type { Act, ActResult } from './acts.ts';
import { operatorOf } from './acts.ts';
import { Jobs, MAX_JOB_RESULTS, MAX_JOBS, MAX_JOBS_RUNNING, type JobOrder } from './jobs.ts';
import { parseWhere, type Where } from './where.ts';
import { metaOf, rig } from './rig.cases.ts';

const EVA = operatorOf('eva');
const HOLD: Act = { verb: 'hold', reason: 'x' };
const all = (more: Partial<JobOrder> = {}): JobOrder => ({
  selection: { where: parseWhere([]) as Where },
  act: HOLD,
  who: EVA,
  dryRun: false,
  key: null,
  ...more,
});

async function ended(jobs: Jobs, id: string) {
  for (let n = 0; n < 1000; n++) {
    const job = jobs.get(id)!;
    if (job.finished) return job;
    await new Promise(setImmediate);
  }
  return assert.fail('the job does not end');
}

test('a job does what it says, tells how far it is, and keeps the last results', async () => {
  const entries = Array.from({ length: 250 }, (_, n) => metaOf({ id: `m${String(n).padStart(3, '0')}` }));
  const { desk, spool } = await rig(entries);
  await spool.hold('m007', 'before', 'somebody');
  const job = desk.jobs.begin(all());
  assert.ok(typeof job === 'object');
  assert.deepEqual([job.total, job.finished], [null, false]);
  const end = await ended(desk.jobs, job.id);
  assert.deepEqual([end.total, end.done, end.failed, end.stopped], [250, 249, 1, false]);
  assert.equal(end.results.length, MAX_JOB_RESULTS);
  assert.equal(end.results.at(-1)!.id, 'm249');
  assert.equal(spool.totals().held, 250);
  assert.equal((await desk.trail.of('m100')).length, 1);
});

test('a dry run changes nothing', async () => {
  const { desk, spool } = await rig([metaOf()]);
  const job = desk.jobs.begin(all({ dryRun: true }));
  assert.ok(typeof job === 'object');
  const { done, results } = await ended(desk.jobs, job.id);
  assert.deepEqual([done, results[0]!.result, spool.totals().held], [1, 'would', 0]);
});

test('asking twice with one key is one job; with another order it is refused', async () => {
  const { desk } = await rig([metaOf()]);
  const { jobs } = desk;
  const key = { text: 'k', print: 'a' };
  const first = jobs.begin(all({ key }));
  assert.ok(typeof first === 'object');
  const again = jobs.begin(all({ key }));
  assert.ok(typeof again === 'object' && again.id === first.id);
  assert.equal(jobs.begin(all({ key: { text: 'k', print: 'b' } })), 'other-request');
  const other = jobs.begin(all({ key, who: operatorOf('tom') }));
  assert.ok(typeof other === 'object' && other.id !== first.id, 'keys are of the one who gives them');
  await jobs.stop();
});

/** Orders that wait to be let go. */
function slow(count: number) {
  const waiting: (() => void)[] = [];
  const act = (id: string): Promise<ActResult> =>
    new Promise((resolve) => waiting.push(() => resolve({ id, result: 'done', detail: '' })));
  const entries = Array.from({ length: count }, (_, n) => metaOf({ id: `m${String(n).padStart(4, '0')}` }));
  const store = {
    get: () => Promise.resolve(null),
    list: ({ after = '' }) => Promise.resolve(entries.filter((e) => e.id > after).slice(0, 512)),
  };
  const jobs = new Jobs({ store, orders: { act, consider: act }, clock: new ManualClock(1) });
  return { jobs, waiting, go: () => waiting.splice(0).forEach((f) => f()) };
}
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a job that is stopped begins nothing more', async () => {
  const { jobs, waiting, go } = slow(300);
  const job = jobs.begin(all());
  assert.ok(typeof job === 'object');
  await turn();
  assert.equal(waiting.length, 64);
  assert.equal(jobs.cancel(job.id), true);
  go();
  await turn();
  const { finished, stopped, done, total } = jobs.get(job.id)!;
  assert.deepEqual([finished, stopped, done, total, waiting.length], [true, true, 64, 300, 0]);
  assert.equal(jobs.cancel(job.id), false);
  assert.equal(jobs.cancel('gone'), false);
});

test('so many run at a time, so many are remembered; running ones are not forgotten', async () => {
  const { jobs, go } = slow(1);
  const running = Array.from({ length: MAX_JOBS_RUNNING }, () => jobs.begin(all()));
  assert.ok(running.every((job) => typeof job === 'object'));
  assert.equal(jobs.begin(all()), 'too-many');
  await turn();
  go();
  await turn();
  const first = running[0];
  for (let n = 0; n < MAX_JOBS; n++) {
    assert.equal(typeof jobs.begin(all({ key: { text: `${n}`, print: '' } })), 'object');
    await turn();
    go();
    await turn();
  }
  assert.equal(jobs.list().length, MAX_JOBS);
  assert.equal(typeof first === 'object' && jobs.get(first.id), null);
});

test('trouble of the store ends a job, and it says so', async () => {
  const store = {
    get: () => Promise.resolve(null),
    list: () => Promise.reject(new RangeError('the disk is gone')),
  };
  const act = (id: string): Promise<ActResult> => Promise.resolve({ id, result: 'done', detail: '' });
  const jobs = new Jobs({ store, orders: { act, consider: act }, clock: new ManualClock(1) });
  const job = jobs.begin(all());
  assert.ok(typeof job === 'object');
  const { trouble, total } = await ended(jobs, job.id);
  assert.deepEqual([trouble, total], ['the disk is gone', null]);
});
