/**
 * One fault after another, at random, under load (D24): kill, filter down, next hop down, disk full, failing syncs, reload, SIGTERM.
 * At the end the ledger must be clean and the queue empty. MILLRACE_COCKTAIL_FAULTS sets their number.
 */
import assert from 'node:assert/strict';
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { smallVolume, tamper, withoutStrace } from './support/machine-faults.ts';
import { startMarkerFilter } from './support/marker-filter.ts';
import { freePort } from './support/ports.ts';
import { run } from './support/processes.ts';
import { Trial } from './support/trial.ts';
import { pause, until } from './support/wait.ts';

/** How many faults; each kind at least once when there are so many. */
const FAULTS = Number(process.env['MILLRACE_COCKTAIL_FAULTS'] ?? 7);

test(
  `D24: ${FAULTS} faults of all kinds under load, one after another: nothing is lost, and the queue empties`,
  { skip: withoutStrace, timeout: 60_000 + FAULTS * 30_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await smallVolume(cleanup, 'size=128m');
    const filter = await freePort();
    let around = new Cleanup();
    cleanup.after(() => around.run());
    await startMarkerFilter(around, filter, 'seen');
    const milter = {
      name: 'marker',
      hostname: '127.0.0.1',
      port: filter,
      stages: ['connect', 'mail', 'data'],
    };
    const trial = await Trial.start(
      t,
      { stateDir: join(volume, 'state'), more: { milters: [milter] } },
      cleanup,
    );
    trial.send({ sessions: 20, size: [2000, 100_000] });
    const kinds: Record<string, () => Promise<void>> = {
      kill: async () => {
        const from = performance.now();
        await trial.gateway.kill();
        await trial.ledger.killed({ from, to: performance.now() });
        await trial.gateway.start();
      },
      'SIGTERM and start': async () => {
        assert.equal(await trial.gateway.stop(20_000), 0);
        await trial.gateway.start();
      },
      'filter down': async () => {
        await around.run();
        await pause(1500);
        around = new Cleanup();
        await startMarkerFilter(around, filter, 'seen');
      },
      'next hop down': async () => {
        trial.answer = '451 4.3.2 not now';
        await pause(1500);
        trial.answer = null;
      },
      'disk full': async () => {
        const foreign = join(volume, 'foreign');
        await run('dd', 'dd', ['if=/dev/zero', `of=${foreign}`, 'bs=256k']);
        await pause(1500);
        await rm(foreign);
      },
      'syncs that fail': async () => {
        const letGo = await tamper(cleanup, trial.gateway.process.pid, ['fdatasync,fsync:error=EIO']);
        await pause(1500);
        await letGo();
      },
      reload: async () => {
        await writeFile(
          trial.gateway.configFile,
          trial.configuration({ hostname: `g${trial.acknowledged}.test` }),
        );
        trial.gateway.process.signal('SIGHUP');
      },
    };
    const names = Object.keys(kinds);
    for (let n = 0; n < FAULTS; n++) {
      if (n % names.length === 0) names.sort(() => trial.random.between(-1, 1));
      const name = names[n % names.length]!;
      t.diagnostic(`fault: ${name}`);
      await kinds[name]!();
      const before = trial.acknowledged;
      await until(`mail to flow after ${name}`, 20_000, () => trial.acknowledged > before + 20);
    }
    await trial.settle(FAULTS * 20, 60_000);
    for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.[37]\.[01]/);
  },
);
