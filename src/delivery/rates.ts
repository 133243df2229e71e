/**
 * How many messages a destination gets in a time: at most so many in any period, however they come.
 *
 * A period is looked at in ten parts; a part counts as long as any of it lies within the period, so that the limit holds for
 * every period, and nine tenths of it can be used. Who finds it used up is given a time to come back, each a later one: a long
 * queue comes back in step with the rate and not all at once. Kept in memory: a new process begins anew. Never throws.
 */
import type { Clock } from '#clock';
import type { Rate } from './options.ts';

/** Parts that a period is looked at in. */
const PARTS = 10;

/** Destinations remembered; beyond, those that had nothing for a period are forgotten, or else the one asked for longest ago. */
export const MAX_DESTINATIONS = 10_000;

/** Nobody is told to come back later than after so many milliseconds: the rate may have been changed by then. */
export const LONGEST_WAIT = 600_000;

interface Use {
  /** Messages by part, the part of `last` at the end. */
  readonly counts: number[];
  /** Number of the newest part since the clock began. */
  last: number;
  /** Length of a part, in milliseconds. */
  part: number;
  /** Until when places were promised to those who were sent away; by Clock.elapsed. */
  promised: number;
}

/** See above. */
export class Rates {
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0: the message may go, and counts. Else the milliseconds after which to ask again. */
  take(destination: string, { messages, ms }: Rate): number {
    const now = this.#clock.elapsed();
    const use = this.#useOf(destination, ms / PARTS, now);
    const { counts } = use;
    if (counts.reduce((sum, n) => sum + n, 0) < messages) {
      counts[PARTS]!++;
      return 0;
    }
    const oldest = counts.findIndex((n) => n > 0);
    const free = (use.last + oldest + 1) * use.part;
    const at = Math.min(Math.max(use.promised, free), now + LONGEST_WAIT);
    use.promised = at + ms / messages;
    return Math.max(1, at - now);
  }

  /** Destinations remembered. */
  get size(): number {
    return this.#uses.size;
  }

  #useOf(destination: string, part: number, now: number): Use {
    const current = Math.floor(now / part);
    let use = this.#uses.get(destination);
    if (use === undefined || use.part !== part) {
      if (use === undefined && this.#uses.size >= MAX_DESTINATIONS) this.#forget(now);
      use = { counts: new Array<number>(PARTS + 1).fill(0), last: current, part, promised: 0 };
      this.#uses.set(destination, use);
      return use;
    }
    const moved = Math.min(current - use.last, PARTS + 1);
    if (moved > 0) {
      use.counts.splice(0, moved);
      for (let n = 0; n < moved; n++) use.counts.push(0);
      use.last = current;
      this.#uses.delete(destination); // to the end: used last
      this.#uses.set(destination, use);
    }
    return use;
  }

  #forget(now: number): void {
    for (const [destination, use] of this.#uses)
      if ((use.last + PARTS + 1) * use.part <= now && use.promised <= now) this.#uses.delete(destination);
    for (const oldest of this.#uses.keys()) {
      if (this.#uses.size < MAX_DESTINATIONS) return;
      this.#uses.delete(oldest);
    }
  }
}
