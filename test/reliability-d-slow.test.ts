/** A disk on which every sync takes two seconds (D09): answers wait for their sync, newcomers do not, memory is bounded. */
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { addressOf, honest } from './support/besieged.ts';
import { Crowd, memoryOf } from './support/crowd.ts';
import { tamper, withoutStrace } from './support/machine-faults.ts';
import { Trial } from './support/trial.ts';
import { pause } from './support/wait.ts';

const skip = withoutStrace;

test(
  'D09: when each sync takes 2 s, no 250 comes before its sync, newcomers are greeted, and memory is bounded',
  { skip },
  async (t) => {
    const trial = await Trial.start(t);
    const { pid } = trial.gateway.process;
    const letGo = await tamper(trial.cleanup, pid, ['fdatasync,fsync:delay_enter=2000000']);
    const senders = trial.send({ sessions: 100, size: [2000, 20_000], recipients: [1, 1] });
    const crowd = new Crowd(trial.cleanup, trial.port);
    const took: Promise<number>[] = [];
    for (let i = 0; i < 5; i++) {
      took.push(honest(trial.port));
      const began = performance.now();
      const [greeting = ''] = await crowd.visitor(addressOf(i)).lines(1, 5000);
      assert.match(greeting, /^(220|421) /);
      assert.ok(performance.now() - began < 1000, `greeted after ${performance.now() - began} ms`);
      await pause(500);
    }
    for (const ms of await Promise.all(took)) assert.ok(ms >= 2000, `acknowledged after ${ms} ms`);
    const memory = await memoryOf(pid);
    t.diagnostic(`${memory.toFixed(0)} MB at most; ${trial.acknowledged} acknowledged`);
    assert.ok(memory < 300, `${memory} MB`);
    const stopped = senders.stop();
    await pause(100);
    await letGo();
    await stopped;
    crowd.leave();
    await trial.settle(50);
    assert.deepEqual(trial.refusals, []);
  },
);
