/**
 * Power cuts under load (durability test D03): the state lies on a disk of its own, which is cut off with what was written to it
 * by then, again and again. Load, witnesses and verdict are those of kill.test.ts; here what was not synced is gone.
 *
 * MILLRACE_POWER_CUTS sets the number of cuts, MILLRACE_SEED repeats the moments. That the checker turns red when nothing is
 * synced is shown in control-group.test.ts.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { check, faults, summary } from './support/checker.ts';
import { Cleanup } from './support/folders.ts';
import { killCycles } from './support/kill-cycles.ts';
import { PowerCutDisk, skipWithoutPowerCuts } from './support/power-cut.ts';
import { Random, seed } from './support/random.ts';
import { DOUBLED_PER_KILL, gatewayVictim } from './support/victims.ts';

const CUTS = Number(process.env['MILLRACE_POWER_CUTS'] ?? 10);
/** Results that a cut may undo (promise P4). */
const STATE_SYNC_MS = 5000;
/** Longest time from the start of the process to the first greeting. */
const RESTART_LIMIT_MS = 5000;
/** Fewest acknowledged recipients per cut for the verdict to mean something. */
const ACKED_PER_CUT = 20;

const skip = skipWithoutPowerCuts();
const timeout = 120_000 + CUTS * 30_000;

for (const workers of [1, 2]) {
  const cuts = workers === 1 ? Math.ceil(CUTS * 0.8) : Math.floor(CUTS * 0.2);
  test(
    `D03: ${cuts} power cuts with ${workers} worker(s) lose and change nothing`,
    { skip, timeout },
    async (t) => {
      const from = seed();
      t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
      const cleanup = new Cleanup(t);
      const outcome = await killCycles(cleanup, new Random(from), cuts, async (around) => {
        const disk = await PowerCutDisk.make(cleanup, around.folder);
        return gatewayVictim(cleanup, around, {
          workers,
          disk: disk.path,
          cut: (group, kill) => disk.cut(group, kill),
        });
      });
      assert.ok(outcome.atRest);
      t.diagnostic(
        `on the last copy, ${outcome.atRest.queued.length} recipients: ${summary(check(outcome.atRest))}`,
      );
      assert.equal(faults(check(outcome.atRest, STATE_SYNC_MS)), '');
      const findings = check(outcome.final, STATE_SYNC_MS);
      t.diagnostic(`drained: ${summary(findings)}`);
      const share = (100 * findings.extra.length) / findings.acked;
      t.diagnostic(`extra copies are ${share.toFixed(2)} % of what was acknowledged`);
      const slowest = Math.max(...outcome.starts);
      t.diagnostic(`${cuts} cuts; from start to greeting: slowest ${slowest.toFixed(0)} ms`);
      assert.equal(faults(findings), '');
      assert.ok(findings.extra.length <= cuts * DOUBLED_PER_KILL, 'no more than what was in delivery');
      assert.equal(outcome.unmarked, 0, 'every message that left must have passed the filter');
      assert.deepEqual(outcome.surprises, [], 'a healthy gateway refuses none of these messages');
      assert.ok(
        findings.acked >= cuts * ACKED_PER_CUT,
        `only ${findings.acked} recipients were acknowledged`,
      );
      assert.ok(slowest < RESTART_LIMIT_MS, `the slowest restart took ${slowest.toFixed(0)} ms`);
    },
  );
}
