/**
 * Delivery as the gateway sees it: run by this process, or by another worker over the same spool.
 *
 * Where another worker delivers, an accepted entry is committed queued and that worker is told, once for all that came within
 * a few milliseconds. What it is not told it finds by itself: it looks at the queue every few seconds. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import { join } from 'node:path';
import { startDelivery, Suspensions } from '#delivery';
import type { DeliveryObserver, Troubled } from '#delivery';
import type { Config } from '#gateway/config';
import type { HandOver } from '#intake';
import { silent, type NoticeSink } from '#notices';
import type { SpoolStore } from '#spool';
import { eventLoopLoad } from './event-loop.ts';
import { handOverTo } from './hand-over.ts';
import type { Metrics } from './metrics/index.ts';
import { deliverySettings } from './routes.ts';

/** Milliseconds in which entries that are accepted share one word to the worker that delivers. */
export const TELL_EVERY = 5;

/** The way out. */
export interface Outgoing {
  /** Gets each accepted entry. */
  readonly handOver: HandOver;
  /** Checks a new configuration; what is returned takes it over and cannot fail. */
  prepare(config: Config): () => void;
  /** There is something new in the queue. */
  wake(): void;
  /** What operators took out of delivery. */
  readonly suspensions: Suspensions;
  /** Destinations that could not be reached; empty where another process delivers. */
  readonly troubled: readonly Troubled[];
  /** An operator wants destinations that could not be reached tried again. */
  forgive(): void;
  /** No new attempts; those under way may take `graceMs`. May be called again, for what came meanwhile and with a shorter grace. */
  stop(graceMs: number): Promise<void>;
}

/** The file below stateDir that keeps suspended destinations. */
export function suspensionsFile({ stateDir, spool }: Pick<Config, 'stateDir' | 'spool'>): string {
  return spool.engine === 'memory' ? '' : join(stateDir, 'suspended.json');
}

/** What both ways need. */
export interface OutgoingAround {
  /** Who hears what becomes of recipients. */
  readonly observer?: DeliveryObserver;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Where figures are kept. */
  readonly metrics?: Metrics;
}

/** This process delivers: it starts at once. */
export function deliveryHere(
  config: Config,
  spool: SpoolStore,
  owner: string,
  around: OutgoingAround,
): Outgoing {
  const suspensions = new Suspensions({ ...around, file: suspensionsFile(config) });
  const delivery = startDelivery({
    ...deliverySettings(config, around),
    spool,
    owner,
    suspensions,
    clock: around.clock,
    notices: around.notices,
    meter: around.metrics?.delivery ?? null,
    ...(around.observer && { observer: around.observer }),
  });
  const handOver = handOverTo(delivery, owner, around.clock, eventLoopLoad());
  return {
    handOver,
    suspensions,
    get troubled() {
      return delivery.troubled;
    },
    forgive: () => delivery.forgive(),
    prepare(next) {
      const settings = deliverySettings(next, around);
      return () => delivery.reconfigure(settings);
    },
    wake: () => delivery.wake(),
    stop(graceMs) {
      handOver.empty();
      return delivery.stop(graceMs);
    },
  };
}

/** Another process delivers: `tell` lets it know, and must not throw. */
export function deliveryElsewhere(
  tell: () => void,
  clock: Clock,
  suspensions = new Suspensions({ clock, notices: silent, file: '' }),
): Outgoing {
  let toldAt = -Infinity;
  let later: Cancel | null = null;
  const told = (): void => {
    later = null;
    toldAt = clock.elapsed();
    tell();
  };
  const wake = (): void => {
    const wait = toldAt + TELL_EVERY - clock.elapsed();
    if (wait <= 0 && later === null) told();
    else later ??= clock.after(Math.max(0, wait), told);
  };
  return {
    handOver: { lease: () => null, accepted: wake },
    suspensions,
    troubled: [],
    forgive: () => undefined,
    prepare: () => () => undefined,
    wake,
    stop() {
      if (later) {
        later();
        told();
      }
      return Promise.resolve();
    },
  };
}
