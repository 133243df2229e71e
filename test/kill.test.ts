/**
 * SIGKILL of the gateway's process group at random moments under load, again and again (durability test D01).
 *
 * Fifty senders, a filter, and two next hops that write down what they take before they answer: one that fails 5 % of the
 * messages, and Postfix's smtp-sink. After the cycles the ledger must
 * show that every message that was answered 250 is delivered or in the queue, none twice without a kill in between, none
 * changed, none that was refused. The seed is printed; MILLRACE_SEED repeats it, MILLRACE_KILL_CYCLES sets the cycles.
 * Debian's Postfix goes through the same as the control group: it must come out clean, or the harness is wrong.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { check, faults, summary, type Findings } from './support/checker.ts';
import { Cleanup } from './support/folders.ts';
import type { Gateway } from './support/gateway.ts';
import { killCycles, type Outcome } from './support/kill-cycles.ts';
import { needsRoot, skipWithout } from './support/processes.ts';
import { Random, seed } from './support/random.ts';
import { DOUBLED_PER_KILL, gatewayVictim, postfixVictim } from './support/victims.ts';

const CYCLES = Number(process.env['MILLRACE_KILL_CYCLES'] ?? 30);
const CONTROL_CYCLES = 3;
/** Longest time from the start of the process to the first greeting. */
const RESTART_LIMIT_MS = 5000;
/** Fewest acknowledged recipients per cycle for the verdict to mean something. */
const ACKED_PER_CYCLE = 20;

test(
  `${CYCLES} kills of the gateway at random moments under load lose nothing and repeat nothing without cause`,
  { timeout: 180_000 + CYCLES * 20_000 },
  async (t) => {
    const random = seeded(t);
    const cleanup = new Cleanup(t);
    let gateway: Gateway | undefined;
    const outcome = await killCycles(cleanup, random, CYCLES, async (around) => {
      const victim = await gatewayVictim(cleanup, around);
      gateway = victim.gateway;
      return victim;
    });
    const findings = judge(t, outcome, CYCLES);
    assert.equal(outcome.unmarked, 0, 'every message that left must have passed the filter');
    assert.deepEqual(outcome.surprises, [], 'a healthy gateway refuses none of these messages');
    assert.equal(findings.refused, 0, 'nor does it say 421 to a sender it has let in');
    const doubled = CYCLES * DOUBLED_PER_KILL;
    assert.ok(findings.extra.length <= doubled, 'only what was in delivery at a kill may arrive twice');
    const slowest = Math.max(...outcome.starts);
    assert.ok(slowest < RESTART_LIMIT_MS, `the slowest restart took ${slowest.toFixed(0)} ms`);
    assert.deepEqual(gateway?.strayLines, [], 'every line of the log is JSON');
  },
);

test(
  `control group: ${CONTROL_CYCLES} kills of Debian's Postfix come out clean in the same harness`,
  {
    skip: skipWithout('postfix') || needsRoot('a start of Postfix'),
    timeout: 240_000,
  },
  async (t) => {
    const random = seeded(t);
    const cleanup = new Cleanup(t);
    const outcome = await killCycles(cleanup, random, CONTROL_CYCLES, (around) =>
      postfixVictim(cleanup, around),
    );
    judge(t, outcome, CONTROL_CYCLES);
  },
);

/** Prints what was found and fails on every fault. */
function judge(t: TestContext, outcome: Outcome, cycles: number): Findings {
  if (outcome.atRest) {
    const atRest = check(outcome.atRest);
    t.diagnostic(`dead, with ${outcome.atRest.queued.length} recipients in the queue: ${summary(atRest)}`);
    assert.equal(faults(atRest), '');
  }
  const findings = check(outcome.final);
  t.diagnostic(`drained: ${summary(findings)}`);
  const share = (100 * findings.extra.length) / findings.acked;
  t.diagnostic(`${cycles} kills; extra copies are ${share.toFixed(2)} % of what was acknowledged`);
  t.diagnostic(`from start to greeting: slowest ${Math.max(...outcome.starts).toFixed(0)} ms`);
  assert.equal(faults(findings), '');
  assert.ok(
    findings.acked >= cycles * ACKED_PER_CYCLE,
    `only ${findings.acked} recipients were acknowledged`,
  );
  return findings;
}

function seeded(t: TestContext): Random {
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  return new Random(from);
}
