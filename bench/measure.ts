/**
 * One run of one configuration of one peer. A run begins with an empty queue and ends with one: the next hop's count says
 * when everything that was accepted has also arrived.
 */
import { performance } from 'node:perf_hooks';
import { until } from '../test/support/wait.ts';
import { machineSeconds, type CpuAccount } from './cpu.ts';
import { runLoad, type Distribution, type MessageShape } from './load.ts';
import type { Peer } from './peer.ts';

/** One configuration of the matrix. */
export interface Cell {
  /** The listener, by the name of its lane. */
  readonly lane: string;
  readonly filters: number;
  /** Filters that took the no-reply flags and answer only end of message. */
  readonly noReply: boolean;
  readonly sessions: number;
}

/** What one run showed. CPU in seconds per 1000 messages, latencies in milliseconds, rates in messages a second. */
export interface Run {
  readonly peer: string;
  readonly cell: Cell;
  readonly messages: number;
  readonly errors: number;
  readonly lastError: string;
  readonly accepted: number;
  readonly sustained: number;
  readonly dot: Distribution;
  readonly message: Distribution;
  readonly cpu: number;
  readonly filterCpu: number;
  /** Cores that were busy altogether during the run, load generator and next hop included. */
  readonly busyCores: number;
}

/** What all runs share. */
export interface Stage {
  readonly load: readonly string[];
  readonly message: MessageShape;
  readonly newConnections: boolean;
  /** The filters whose CPU counts. */
  readonly filters: readonly { readonly account: CpuAccount; readonly roots: readonly number[] }[];
  /** Messages the next hop has taken so far. */
  arrived(): number;
}

/** Longest wait for the queue to run empty. */
const DRAIN_LIMIT_MS = 180_000;

/** Measures `messages` messages after `warmUp` unmeasured ones over the same connections. */
export async function measure(
  stage: Stage,
  peer: Peer,
  cell: Cell,
  messages: number,
  warmUp: number,
): Promise<Run> {
  const port = peer.ground.listeners.get(cell.lane);
  if (port === undefined) throw new Error(`${peer.name} has no listener ${cell.lane}`);
  const base = stage.arrived();
  const read = () => ({
    at: performance.now(),
    peer: peer.ground.account.seconds(peer.roots),
    filters: stage.filters.reduce((sum, { account, roots }) => sum + account.seconds(roots), 0),
    machine: machineSeconds(),
  });
  let before = read();
  const { sessions } = cell;
  const { message, newConnections } = stage;
  const load = { ...message, port, sessions, messages, warmUp, newConnections };
  const result = await runLoad(stage.load, load, async () => {
    await drained(stage, base + warmUp, `${peer.name} to deliver the warm-up`);
    before = read();
  });
  await drained(stage, base + warmUp + result.messages, `${peer.name} to deliver everything`);
  const after = read();
  const thousands = Math.max(1, result.messages) / 1000;
  return {
    peer: peer.name,
    cell,
    messages: result.messages,
    errors: result.errors,
    lastError: result.lastError,
    accepted: result.rate,
    sustained: result.messages / ((after.at - before.at) / 1000),
    dot: result.dot,
    message: result.message,
    cpu: (after.peer - before.peer) / thousands,
    filterCpu: (after.filters - before.filters) / thousands,
    busyCores: (after.machine - before.machine) / ((after.at - before.at) / 1000),
  };
}

async function drained(stage: Stage, count: number, what: string): Promise<void> {
  await until(
    `${what} (${count} messages at the next hop)`,
    DRAIN_LIMIT_MS,
    () => stage.arrived() >= count,
    2,
  );
}
