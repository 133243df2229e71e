/**
 * The durability tests must be able to fail: each of four sabotages turns their checker red, in the same harness and under the
 * same load. And Debian's Postfix, which is known to be good, goes through the power cuts unharmed.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { check, faults, summary, type Findings } from './support/checker.ts';
import { startEarlyReply } from './support/early-reply.ts';
import { Cleanup } from './support/folders.ts';
import { killCycles, type Surroundings, type Victim } from './support/kill-cycles.ts';
import type { Spoil } from './support/load.ts';
import { freePort } from './support/ports.ts';
import { PowerCutDisk, skipWithoutPowerCuts } from './support/power-cut.ts';
import { skipWithout } from './support/processes.ts';
import { Random, seed } from './support/random.ts';
import { gatewayVictim, postfixVictim } from './support/victims.ts';

// A disk that is busy with others' work syncs Postfix's queue many times slower than usual.
const timeout = 300_000;
const powerless = skipWithoutPowerCuts();

test(
  'sabotage: a gateway whose syncs do nothing (eatmydata) loses mail at a power cut, and the checker says so',
  { skip: powerless || skipWithout('eatmydata'), timeout },
  async (t) => {
    const findings = await judge(t, 2, async (cleanup, around) => {
      const disk = await PowerCutDisk.make(cleanup, around.folder);
      return gatewayVictim(cleanup, around, {
        wrap: (command) => ['eatmydata', '--', ...command],
        disk: disk.path,
        cut: (group, kill) => disk.cut(group, kill),
      });
    });
    assert.ok(findings.lost.length > 0, 'mail must have been lost');
  },
);

test(
  'sabotage: a proxy that says 250 before the gateway has the message is caught by kills',
  { timeout },
  async (t) => {
    const findings = await judge(t, 2, async (cleanup, around) => {
      const victim = await gatewayVictim(cleanup, around);
      const port = await freePort();
      await startEarlyReply(cleanup, port, victim.port);
      return { ...victim, port };
    });
    assert.ok(findings.lost.length > 0, 'mail must have been lost');
  },
);

test('sabotage: a next hop that forgets one message in ten is caught', { timeout }, async (t) => {
  let count = 0;
  const findings = await judge(t, 1, gatewayVictim, (message) => (++count % 10 === 0 ? null : message));
  assert.ok(findings.lost.length > 0, 'mail must have been lost');
  assert.equal(findings.corrupt.length, 0);
});

test('sabotage: a next hop that flips one bit in one message in ten is caught', { timeout }, async (t) => {
  let count = 0;
  const findings = await judge(t, 1, gatewayVictim, (message) => {
    if (++count % 10 !== 0) return message;
    const { content } = message;
    const at = content.length - 10;
    const flipped = String.fromCharCode(content.charCodeAt(at) ^ 1);
    return { ...message, content: content.slice(0, at) + flipped + content.slice(at + 1) };
  });
  assert.ok(findings.corrupt.length > 0, 'mail must have been changed');
  assert.equal(findings.lost.length, 0);
});

test(
  "control group: Debian's Postfix comes out of two power cuts clean in the same harness",
  { skip: powerless || skipWithout('postfix'), timeout },
  async (t) => {
    const findings = await judge(t, 2, async (cleanup, around) => {
      const disk = await PowerCutDisk.make(cleanup, around.folder);
      const victim = await postfixVictim(cleanup, around, {
        disk: disk.path,
        cut: (group, kill) => disk.cut(group, kill),
      });
      await disk.sync(); // its configuration is not what is cut
      return victim;
    });
    assert.equal(faults(findings), '');
  },
);

/** Goes through the cycles; what the checker finds once the queue is empty. */
async function judge(
  t: TestContext,
  cycles: number,
  start: (cleanup: Cleanup, around: Surroundings) => Promise<Victim>,
  spoil?: Spoil,
): Promise<Findings> {
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const cleanup = new Cleanup(t);
  const begin = (around: Surroundings): Promise<Victim> => start(cleanup, around);
  const outcome = await killCycles(cleanup, new Random(from), cycles, begin, spoil);
  const findings = check(outcome.final);
  t.diagnostic(summary(findings));
  assert.ok(findings.acked > 20 * cycles, `only ${findings.acked} recipients were acknowledged`);
  return findings;
}
