/**
 * Workers killed under load, one at a time and all with their supervisor, again and again.
 *
 * The witnesses are those of kill.test.ts: ledger, checker, a next hop that writes down what it takes before it answers.
 * MILLRACE_WORKER_KILLS sets how many workers are killed one by one, MILLRACE_KILL_CYCLES how often the whole group is.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import test from 'node:test';
import { check, faults, summary } from './support/checker.ts';
import { Cleanup } from './support/folders.ts';
import { killCycles } from './support/kill-cycles.ts';
import { hashOf, Ledger } from './support/ledger.ts';
import { killWorker, mill, said, takers } from './support/mill.ts';
import { startNextHop } from './support/next-hop.ts';
import { Random, seed } from './support/random.ts';
import { Senders } from './support/senders.ts';
import { DOUBLED_PER_KILL, gatewayVictim } from './support/victims.ts';
import { pause, until } from './support/wait.ts';

const KILLS = Number(process.env['MILLRACE_WORKER_KILLS'] ?? 4);
const CYCLES = Number(process.env['MILLRACE_KILL_CYCLES'] ?? 5);

test('R15: a worker killed under load, the delivering one too: replaced within 5 s, nothing lost', async (t) => {
  const cleanup = new Cleanup(t);
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const random = new Random(from);
  const { gateway, folder, port, nextHopPort } = await mill(cleanup, { log: { level: 'info' } });
  const ledger = await Ledger.open(join(folder, 'ledger'));
  cleanup.after(() => ledger.close());
  await startNextHop(cleanup, nextHopPort, async ({ sender, recipients, content: bytes }) => {
    await ledger.taken(sender.slice(0, sender.indexOf('@')), recipients, hashOf(bytes));
    return '250 2.0.0 taken';
  });
  const setup = { port, ledger, random, sessions: 16, domain: 'in.test' };
  const senders = new Senders({ ...setup, size: [2000, 100_000], recipients: [1, 3] });
  cleanup.after(() => senders.stop());
  for (let i = 0; i < KILLS; i++) {
    await pause(random.between(200, 800));
    const kill = performance.now();
    const took = await killWorker(gateway, 1 + (i % 2));
    await ledger.killed({ from: kill, to: kill + took });
    t.diagnostic(`worker ${1 + (i % 2)} replaced after ${took.toFixed(0)} ms`);
  }
  await pause(300);
  await senders.stop();
  await until('the queue to be empty', 20_000, async () => (await gateway.queue()).length === 0, 100);
  const findings = check(ledger.evidence([]));
  t.diagnostic(summary(findings));
  assert.equal(faults(findings), '');
  assert.ok(findings.acked > KILLS * 20, `only ${findings.acked} recipients were acknowledged`);
  assert.deepEqual(senders.surprises, []);
  assert.equal(await gateway.stop(), 0);
  assert.deepEqual(gateway.strayLines, [], 'every line of the log is whole');
  assert.equal(takers(gateway), 2, 'both took mail');
  assert.equal(said(gateway, 'gateway.fault').length, 0);
});

test(
  `${CYCLES} kills of supervisor and workers at once lose nothing and repeat nothing without cause`,
  { timeout: 120_000 + CYCLES * 20_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const from = seed();
    t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
    const outcome = await killCycles(cleanup, new Random(from), CYCLES, (around) =>
      gatewayVictim(cleanup, around, { workers: 2 }),
    );
    if (outcome.atRest) assert.equal(faults(check(outcome.atRest)), '');
    const findings = check(outcome.final);
    t.diagnostic(summary(findings));
    assert.equal(faults(findings), '');
    assert.ok(findings.extra.length <= CYCLES * DOUBLED_PER_KILL, 'no more than what was in delivery');
    assert.equal(outcome.unmarked, 0);
    assert.deepEqual(outcome.surprises, []);
    assert.ok(findings.acked > CYCLES * 20, `only ${findings.acked} recipients were acknowledged`);
  },
);
