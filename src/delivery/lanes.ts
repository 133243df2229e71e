/**
 * Who may be delivered now: at most so many attempts in all, and at most so many to one destination.
 *
 * An attempt enters a lane and leaves it; those that find it full wait in order. One slow destination must not fill the house
 * with waiting mail: when somebody has waited longer than the patience, its lane is known as slow, all who wait are sent
 * away, and until it has caught up only few may wait. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import type { Concurrency } from './options.ts';

/** How long an attempt may wait for its destination, in milliseconds. */
export const PATIENCE = 5000;

interface Waiter {
  readonly since: number;
  readonly go: (entered: boolean) => void;
}

interface Lane {
  running: number;
  slow: boolean;
  waiters: Waiter[];
}

/** See above. */
export class Lanes {
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  #limits: Concurrency;
  #running = 0;
  #watch: Cancel | null = null;
  #closed = false;

  constructor(limits: Concurrency, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Attempts running now. */
  get running(): number {
    return this.#running;
  }

  /** True when the attempt may start at once; a promise when it must wait; false: come back later. */
  enter(destination: string): boolean | Promise<boolean> {
    if (this.#closed) return false;
    let lane = this.#lanes.get(destination);
    if (lane === undefined) this.#lanes.set(destination, (lane = { running: 0, slow: false, waiters: [] }));
    if (lane.waiters.length === 0 && this.#hasRoom(lane)) {
      lane.running++;
      this.#running++;
      return true;
    }
    if (lane.slow && lane.waiters.length >= this.#limits.perDestination) return false;
    const { waiters } = lane;
    this.#watch ??= this.#clock.after(PATIENCE, () => this.#losePatience());
    return new Promise((go) => waiters.push({ since: this.#clock.elapsed(), go }));
  }

  /** The attempt that entered is over. */
  leave(destination: string): void {
    const lane = this.#lanes.get(destination)!;
    lane.running--;
    this.#running--;
    const wasFull = this.#running + 1 >= this.#limits.total;
    if (wasFull) this.#admitInTurn();
    else this.#admit(lane);
    if (lane.running === 0 && lane.waiters.length === 0) this.#lanes.delete(destination);
    else if (lane.waiters.length === 0) lane.slow = false;
  }

  /** New limits; what runs goes on. */
  reconfigure(limits: Concurrency): void {
    this.#limits = limits;
    this.#admitInTurn();
  }

  /** Nobody enters any more; all who wait are sent away. */
  close(): void {
    this.#closed = true;
    this.#watch?.();
    for (const lane of this.#lanes.values()) for (const w of lane.waiters.splice(0)) w.go(false);
  }

  #hasRoom(lane: Lane): boolean {
    return this.#running < this.#limits.total && lane.running < this.#limits.perDestination;
  }

  #admit(lane: Lane): void {
    while (lane.waiters.length > 0 && this.#hasRoom(lane)) {
      lane.running++;
      this.#running++;
      lane.waiters.shift()!.go(true);
    }
  }

  /** The house was full: free places go round the lanes, one at a time, so that no destination is forgotten. */
  #admitInTurn(): void {
    while (this.#running < this.#limits.total) {
      let next: string | null = null;
      for (const [destination, lane] of this.#lanes)
        if (lane.waiters.length > 0 && this.#hasRoom(lane)) {
          next = destination;
          break;
        }
      if (next === null) return;
      const lane = this.#lanes.get(next)!;
      lane.running++;
      this.#running++;
      lane.waiters.shift()!.go(true);
      this.#lanes.delete(next); // to the end of the round
      this.#lanes.set(next, lane);
    }
  }

  #losePatience(): void {
    this.#watch = null;
    const now = this.#clock.elapsed();
    let next = Infinity;
    for (const lane of this.#lanes.values()) {
      const first = lane.waiters[0];
      if (first === undefined) continue;
      if (now - first.since >= PATIENCE) {
        lane.slow = true;
        for (const w of lane.waiters.splice(0)) w.go(false);
      } else next = Math.min(next, first.since + PATIENCE - now);
    }
    if (next !== Infinity) this.#watch = this.#clock.after(Math.max(1, next), () => this.#losePatience());
  }
}
