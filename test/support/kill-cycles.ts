/**
 * Kills an MTA under load, again and again, and returns what the ledger shows. The same for the gateway and for the control
 * group, so that a green result means the same for both.
 */
import { performance } from 'node:perf_hooks';
import type { Cleanup } from './folders.ts';
import type { Evidence, Queued } from './ledger.ts';
import { startLoad, type Load, type Spoil } from './load.ts';
import type { Random } from './random.ts';
import { pause, until } from './wait.ts';

/** An MTA that can be killed; it must accept mail for both domains of load.ts and relay it to their next hops. */
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
export type Surroundings = Pick<Load, 'folder' | 'nextHopPort' | 'sinkPort'>;

/** The load of load.ts; a kill after 0.2 to 3 s in each cycle. `spoil` makes the scripted next hop a bad witness. */
export async function killCycles(
  cleanup: Cleanup,
  random: Random,
  cycles: number,
  start: (around: Surroundings) => Promise<Victim>,
  spoil?: Spoil,
): Promise<Outcome> {
  const load = await startLoad(cleanup, random, spoil);
  const victim = await start(load);
  load.begin(victim.port);

  const starts: number[] = [];
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    await pause(random.between(200, 3000));
    const from = performance.now();
    await victim.kill();
    await load.ledger.killed({ from, to: performance.now() });
    // After the last kill the queue is looked at before anybody cleans up.
    if (cycle < cycles) starts.push(await victim.again());
  }
  await load.stop();
  const queued = await victim.queuedWhileDead();
  const atRest = queued && (await load.evidence(queued)).evidence;

  starts.push(await victim.again());
  await until('the queue to be empty', 120_000, () => victim.idle(), 250);
  const { evidence: final, unmarked } = await load.evidence([]);
  return { atRest, final, starts, surprises: load.surprises(), unmarked };
}
