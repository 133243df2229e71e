/** Keeps the figures of delivery and of the connections to next hops. `via` is a word of the configuration. */
import type { DeferralReason, DeliveryMeter, RemovalReason } from '#delivery';
import type { HopMeter } from '#smtp/client';
import type { Buckets, Cell } from './cells.ts';
import type { Figures } from './figures.ts';
import { tlsLabel } from './listener-meter.ts';

/** What is counted often, of one way out. */
interface Way {
  readonly time: Buckets;
  readonly latency: Buckets;
  readonly delivered: Cell;
  readonly failed: Cell;
  readonly deferred: Cell;
}

/** See above. */
export class DeliveryFigures implements DeliveryMeter {
  readonly #figures: Figures;
  readonly #ways = new Map<string, Way>();
  readonly #removed = new Map<RemovalReason, Cell>();

  constructor(figures: Figures) {
    this.#figures = figures;
    for (const reason of ['delivered', 'bounced', 'expired', 'discarded'] as const)
      this.#removed.set(reason, figures.number('queue_removed_total').cell(reason));
  }

  attempted(via: string, ms: number): void {
    this.#way(via).time.observe(ms / 1000);
  }

  delivered(via: string, ageMs: number): void {
    const way = this.#way(via);
    way.delivered.n++;
    way.latency.observe(Math.max(0, ageMs) / 1000);
  }

  failed(via: string): void {
    this.#way(via).failed.n++;
  }

  deferred(via: string, reason: DeferralReason): void {
    this.#way(via).deferred.n++;
    this.#figures.number('delivery_deferrals_total').cell(via, reason).n++;
  }

  postponed(via: string, recipients: number): void {
    this.#figures.number('delivery_deferrals_total').cell(via, 'rate').n += recipients;
  }

  removed(reason: RemovalReason): void {
    this.#removed.get(reason)!.n++;
  }

  /** What hears of the connections of one way out. */
  hop(via: string): HopMeter {
    const active = this.#figures.number('delivery_connections_active').cell(via);
    const versions = this.#figures.number('delivery_tls_total');
    return {
      opened: (tls) => {
        active.n++;
        versions.cell(via, tlsLabel(tls)).n++;
      },
      closed: () => active.n--,
    };
  }

  #way(via: string): Way {
    let way = this.#ways.get(via);
    if (!way) {
      const attempts = this.#figures.number('delivery_attempts_total');
      way = {
        time: this.#figures.histogram('delivery_attempt_duration_seconds').cell(via),
        latency: this.#figures.histogram('delivery_latency_seconds').cell(via),
        delivered: attempts.cell(via, 'delivered'),
        failed: attempts.cell(via, 'failed'),
        deferred: attempts.cell(via, 'deferred'),
      };
      this.#ways.set(via, way);
    }
    return way;
  }
}
