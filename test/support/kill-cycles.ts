/**
 * Kills an MTA under load, again and again, and returns what the ledger shows. The same for the gateway and for the control
 * group, so that a green result means the same for both.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { tempFolder, type Cleanup } from './folders.ts';
import { hashOf, Ledger, type Evidence, type Queued } from './ledger.ts';
import { startNextHop } from './next-hop.ts';
import { freePorts } from './ports.ts';
import type { Random } from './random.ts';
import { Senders } from './senders.ts';
import { pause, until } from './wait.ts';

/** An MTA that can be killed; it must accept mail for in.test and relay it to the next hop. */
export interface Victim {
  readonly port: number;
  /** Kills everything it is made of; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on what the kill left; milliseconds until it greets. */
  again(): Promise<number>;
  /** Recipients in the queue, read without the MTA running; null when this MTA cannot tell then. */
  queuedWhileDead(): Promise<readonly Queued[] | null>;
  /** True when the running MTA has nothing left to deliver. */
  idle(): Promise<boolean>;
}

/** What the cycles showed. */
export interface Outcome {
  /** After the last kill, with the MTA dead; null when it could not be read. */
  readonly atRest: Evidence | null;
  /** At the end, after a last start, with the queue empty. */
  readonly final: Evidence;
  /** Milliseconds from each start to the first greeting. */
  readonly starts: readonly number[];
  /** Refusals other than 421. */
  readonly surprises: readonly string[];
  /** Messages that left without the mark of the filter. */
  readonly unmarked: number;
}

/** Where the victim is to relay to. */
export interface Surroundings {
  readonly folder: string;
  readonly nextHopPort: number;
}

/** Fifty senders, 2 to 40 kB, 1 to 5 recipients; a kill after 0.2 to 3 s in each cycle. */
export async function killCycles(
  cleanup: Cleanup,
  random: Random,
  cycles: number,
  start: (around: Surroundings) => Promise<Victim>,
): Promise<Outcome> {
  const folder = await tempFolder(cleanup);
  const [nextHopPort = 0] = await freePorts(1);
  const ledger = await Ledger.open(join(folder, 'ledger'));
  cleanup.after(() => ledger.close());
  let unmarked = 0;
  await startNextHop(cleanup, nextHopPort, async ({ sender, recipients, content }) => {
    if (!/^X-Filter-Marker: /m.test(content)) unmarked += 1;
    await ledger.taken(sender.slice(0, sender.indexOf('@')), recipients, hashOf(content));
    return '250 2.0.0 taken';
  });
  const victim = await start({ folder, nextHopPort });
  const senders = new Senders({
    port: victim.port,
    ledger,
    random,
    sessions: 50,
    size: [2000, 40_000],
    recipients: [1, 5],
    domain: 'in.test',
  });
  cleanup.after(() => senders.stop());

  const starts: number[] = [];
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    await pause(random.between(200, 3000));
    const from = performance.now();
    await victim.kill();
    await ledger.killed({ from, to: performance.now() });
    // After the last kill the queue is looked at before anybody cleans up.
    if (cycle < cycles) starts.push(await victim.again());
  }
  await senders.stop();
  const queued = await victim.queuedWhileDead();
  const atRest = queued && ledger.evidence(queued);

  starts.push(await victim.again());
  await until('the queue to be empty', 120_000, () => victim.idle(), 250);
  const final = ledger.evidence([]);
  return { atRest, final, starts, surprises: [...new Set(senders.surprises)], unmarked };
}
