/**
 * A disk that fails under a gateway with a crowd before its door (D05, D08): what was answered 250 is there, the
 * process stays, and all is well again without a restart when the disk is. System calls are made to fail from outside.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { honest } from './support/besieged.ts';
import { processorTimeOf } from './support/crowd.ts';
import { tamper, withoutStrace } from './support/machine-faults.ts';
import { Trial } from './support/trial.ts';
import { pause, until } from './support/wait.ts';

const skip = withoutStrace;

test(
  'D05: syncs that fail once, each third time, and for seconds cost a 451, never a message, and no restart',
  { skip },
  async (t) => {
    const trial = await Trial.start(t);
    const { pid } = trial.gateway.process;
    trial.send({ sessions: 10, size: [2000, 100_000] });
    await until('mail to flow', 5000, () => trial.acknowledged > 50);
    for (const [when, ms] of [
      [':when=1', 500],
      [':when=3+3', 1500],
      ['', 3000],
    ] as const) {
      const letGo = await tamper(trial.cleanup, pid, [`fdatasync,fsync:error=EIO${when}`]);
      await pause(ms);
      await letGo();
    }
    const before = trial.acknowledged;
    await until('mail to flow again', 10_000, () => trial.acknowledged > before + 50);
    await trial.settle(100);
    assert.equal(trial.gateway.process.ended, false);
    assert.ok(trial.said('spool.commitFailed').length > 0, 'the fault was felt');
    assert.ok(trial.refusals.length > 0, 'and told to clients');
    for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.3\.[01]/);
  },
);

test('D08: a spool that takes no writes under load is 451, makes no work, and heals', { skip }, async (t) => {
  const trial = await Trial.start(t);
  const { pid } = trial.gateway.process;
  const session = trial.send({ sessions: 10, size: [2000, 100_000] });
  await until('mail to flow', 5000, () => trial.acknowledged > 50);
  await session.stop();
  await until('the queue to be empty', 10_000, async () => (await trial.pending()).length === 0, 250);
  const paths = ['queue/data.mdb', 'queue/probe', 'bodies', 'incoming'];
  const letGo = await tamper(
    trial.cleanup,
    pid,
    ['write,writev,pwrite64,pwritev,ftruncate,rename,openat:error=EROFS'],
    paths.map((name) => join(trial.stateDir, 'spool', name)),
  );
  const felt = trial.send({ sessions: 3, size: [2000, 100_000] });
  await until('refusals', 10_000, () => felt.surprises.length > 20);
  await felt.stop();
  const used = await processorTimeOf(pid);
  await pause(1500);
  assert.ok((await processorTimeOf(pid)) - used < 0.75, 'it does not spin');
  await letGo();
  await until('normal service', 10_000, () =>
    honest(trial.port).then(
      () => true,
      () => false,
    ),
  );
  await trial.settle(50);
  assert.equal(trial.gateway.process.ended, false);
  for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.3\.[01]/);
  // A page that it cannot write may cost lmdb its memory, so it must never get as far as that (docs/durability.md).
  const causes = trial.said('spool.commitFailed').map(({ cause }) => String(cause));
  assert.ok(causes.length > 0);
  for (const cause of causes) assert.match(cause, /EROFS/);
  assert.ok(!trial.gateway.process.output.includes('Write error'));
});
