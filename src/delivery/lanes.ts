/**
 * Who may be delivered now: at most so many attempts in all, and at most so many to one destination.
 *
 * An attempt enters a lane and leaves it; those that find it full wait in order. One slow destination must not fill the house
 * with waiting mail: when somebody has waited longer than the patience, its lane is known as slow, all who wait are sent
 * away to come back in step with what it can do, and until it has caught up only those wait who have a chance. Many slow
 * ones must not fill the house either: the last quarter of the places is for the others. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import type { Concurrency } from './options.ts';

/** How long an attempt may wait for its destination, in milliseconds. */
export const PATIENCE = 5000;

/** An entry whose destination had no room comes back after so long, or later when many do. Milliseconds. */
export const BUSY_WAIT = 10_000;

/** But not later than after so long. Milliseconds. */
export const LONGEST_BUSY_WAIT = 600_000;

/** The part of all places that slow destinations may fill. */
const FOR_SLOW = 0.75;

/** How much the last attempt counts in the time that attempts take. */
const LAST_COUNTS = 0.2;

interface Waiter {
  readonly since: number;
  readonly go: (entered: boolean) => void;
}

interface Lane {
  running: number;
  /** Attempts at one time, where its route says so. */
  limit: number | undefined;
  slow: boolean;
  waiters: Waiter[];
  /** When those that run began, by Clock.elapsed, oldest first: as if they ended in the order in which they began. */
  readonly began: number[];
  /** How long an attempt takes, in milliseconds. */
  takes: number;
  /** Until when places were promised to those who were sent away. */
  promised: number;
}

const newLane = (limit: number | undefined): Lane => ({
  running: 0,
  limit,
  slow: false,
  waiters: [],
  began: [],
  takes: 0,
  promised: 0,
});

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

  /** True when the attempt may start at once; a promise when it must wait; false: come back later. `limit`: this lane's own. */
  enter(destination: string, limit?: number): boolean | Promise<boolean> {
    if (this.#closed) return false;
    let lane = this.#lanes.get(destination);
    if (lane === undefined) this.#lanes.set(destination, (lane = newLane(limit)));
    lane.limit = limit;
    if (lane.waiters.length === 0 && this.#hasRoom(lane)) {
      this.#begin(lane);
      return true;
    }
    if (this.#isSlow(lane) && lane.waiters.length >= this.#mayWait(lane)) return false;
    const { waiters } = lane;
    this.#watch ??= this.#clock.after(PATIENCE, () => this.#losePatience());
    return new Promise((go) => waiters.push({ since: this.#clock.elapsed(), go }));
  }

  /** The attempt that entered is over. */
  leave(destination: string): void {
    const lane = this.#lanes.get(destination)!;
    lane.running--;
    this.#running--;
    const now = this.#clock.elapsed();
    const took = now - (lane.began.shift() ?? now);
    lane.takes = lane.takes === 0 ? took : lane.takes + LAST_COUNTS * (took - lane.takes);
    const wasFull = this.#running + 1 >= this.#forSlow;
    if (wasFull) this.#admitInTurn();
    else this.#admit(lane);
    if (lane.running === 0 && lane.waiters.length === 0) this.#lanes.delete(destination);
    else if (lane.waiters.length === 0) lane.slow = false;
  }

  /** When who was sent away is to come back, in milliseconds from now, each a later time; null when nobody may. */
  comeBack(destination: string): number | null {
    if (this.#closed) return null;
    const lane = this.#lanes.get(destination);
    if (lane === undefined) return BUSY_WAIT;
    const now = this.#clock.elapsed();
    const at = Math.min(Math.max(lane.promised, now + BUSY_WAIT), now + LONGEST_BUSY_WAIT);
    lane.promised = at + Math.max(lane.takes, this.#lasted(lane)) / this.#widthOf(lane);
    return at - now;
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
    if (this.#running >= this.#limits.total || lane.running >= this.#widthOf(lane)) return false;
    return this.#running < this.#forSlow || !this.#isSlow(lane);
  }

  /** Places that slow destinations may fill. */
  get #forSlow(): number {
    return Math.ceil(this.#limits.total * FOR_SLOW);
  }

  #isSlow(lane: Lane): boolean {
    return lane.slow || this.#lasted(lane) >= PATIENCE;
  }

  /** How long the oldest attempt of a lane has lasted, in milliseconds. */
  #lasted({ began }: Lane): number {
    return began.length === 0 ? 0 : this.#clock.elapsed() - began[0]!;
  }

  /** How many have a chance to enter a slow lane before they lose patience; nobody where nothing moves. */
  #mayWait(lane: Lane): number {
    const lasted = this.#lasted(lane);
    if (lasted >= PATIENCE && lasted > 2 * lane.takes) return 0;
    return Math.floor((this.#widthOf(lane) * PATIENCE) / Math.max(1, lane.takes));
  }

  #begin(lane: Lane): void {
    lane.running++;
    this.#running++;
    lane.began.push(this.#clock.elapsed());
  }

  #widthOf(lane: Lane): number {
    return lane.limit ?? this.#limits.perDestination;
  }

  #admit(lane: Lane): void {
    while (lane.waiters.length > 0 && this.#hasRoom(lane)) {
      this.#begin(lane);
      lane.waiters.shift()!.go(true);
    }
  }

  /** The house was full, for slow ones at least: free places go round the lanes, one at a time, so that no destination is forgotten. */
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
      this.#begin(lane);
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
