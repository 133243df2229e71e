/**
 * Everything an operator may look at and do with the queue, in one hand: what the admin API and the command line work with.
 *
 * A running gateway has one where it delivers; without a gateway one is opened on the spool, which nobody else may have open.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#clock';
import { Suspensions } from '#delivery';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { makeQueueId, openLmdbSpool, type SpoolStore } from '#spool';
import type { StageSurroundings } from '#stages';
import { Filters } from '../filters.ts';
import { suspensionsFile } from '../outgoing.ts';
import { stagesOf } from '../stages.ts';
import { Jobs } from './jobs.ts';
import { noticeSettings } from './notice.ts';
import type { QueueObserver } from './observer.ts';
import { Orders } from './orders.ts';
import { Trail } from './trail.ts';

/** See above. */
export interface Desk {
  readonly store: Pick<SpoolStore, 'list' | 'get' | 'content' | 'totals'>;
  readonly orders: Orders;
  /** Orders about many that go on by themselves. */
  readonly jobs: Jobs;
  /** Who did what, and notes about held entries. */
  readonly trail: Trail;
  /** Milliseconds an entry may be held. */
  readonly holdExpire: () => number;
  readonly suspensions: Suspensions;
  /** Something may be deliverable that was not. */
  readonly wake: () => void;
  readonly clock: Clock;
}

/** What a desk is made of. */
export interface DeskOptions {
  readonly spool: SpoolStore;
  readonly suspensions: Suspensions;
  readonly trail: Trail;
  /** The configuration as it is now. */
  readonly config: () => Config;
  /** The filters that messages accepted now would meet. */
  readonly filters: () => StageSurroundings;
  readonly newId: () => string;
  readonly wake: () => void;
  /** Destinations that could not be reached are to be tried again. */
  readonly forgive: () => void;
  readonly observer?: QueueObserver;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Puts a desk together. */
export function makeDesk(options: DeskOptions): Desk {
  const { spool, suspensions, trail, config, filters, newId, wake, forgive, observer, clock, notices } =
    options;
  const orders = new Orders({
    spool,
    filters: { around: filters },
    newId,
    notice: () => noticeSettings(config()),
    wake,
    forgive,
    ...(observer && { observer }),
    trail,
    clock,
    notices,
  });
  const jobs = new Jobs({ store: spool, orders, clock });
  const holdExpire = (): number => config().delivery.holdExpire;
  return { store: spool, orders, jobs, trail, holdExpire, suspensions, wake, clock };
}

/** A desk without a gateway. */
export interface OpenDesk extends Desk {
  close(): Promise<void>;
}

/** The suspensions of a gateway, whether it runs or not. */
export function openSuspensions(
  config: Config,
  around: { readonly clock: Clock; readonly notices: NoticeSink },
): Suspensions {
  return new Suspensions({ ...around, file: suspensionsFile(config) });
}

/** The trail of a gateway, whether it runs or not. */
export function openTrail(
  { stateDir, spool }: Config,
  around: { readonly clock: Clock; readonly notices: NoticeSink },
): Trail {
  const file = spool.engine === 'memory' ? '' : join(stateDir, 'audit', 'orders.jsonl');
  return new Trail({ ...around, file });
}

/**
 * Opens a desk on the spool of a gateway that does not run. Rejects with SpoolError when it runs nevertheless, or the spool
 * cannot be opened. Not for a spool in memory, which has nothing to open.
 */
export async function openDesk(
  config: Config,
  around: { readonly clock: Clock; readonly notices: NoticeSink },
): Promise<OpenDesk> {
  const dir = config.spool.engine === 'lmdb' ? config.spool.dir : join(config.stateDir, 'spool');
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const spool = await openLmdbSpool({ dir, ...around, alone: true });
  const access = new Filters(around);
  const desk = makeDesk({
    spool,
    suspensions: openSuspensions(config, around),
    trail: openTrail(config, around),
    config: () => config,
    filters: () => stagesOf(config, access, around),
    newId: makeQueueId(around.clock),
    wake: () => undefined,
    forgive: () => undefined,
    ...around,
  });
  const close = async (): Promise<void> => {
    access.close();
    await desk.trail.close();
    await spool.close();
  };
  return { ...desk, close };
}
