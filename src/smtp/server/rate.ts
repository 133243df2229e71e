/**
 * How many connections each client began in the last minute, about: what maxConnectionRate is held against.
 *
 * Two counts per client, of this minute and of the one before, which weighs less as this one goes on. Memory is bounded: a
 * flood of addresses ends the minute early, and counts are forgotten sooner. Never throws.
 */
import type { Clock } from '#clock';

/** Milliseconds over which connections are counted. */
const WINDOW = 60_000;
/** Clients counted at a time. */
const MAX_CLIENTS = 20_000;

/** Connections per client and minute. */
export class ConnectionRate {
  readonly #clock: Clock;
  #present = new Map<string, number>();
  #previous = new Map<string, number>();
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.elapsed();
  }

  /** Counts a connection of `client` and says true; one more than `most` in a minute is refused and not counted. */
  admit(client: string, most: number): boolean {
    if (most === Infinity) return true;
    const now = this.#clock.elapsed();
    if (now - this.#began >= WINDOW) this.#turn(now);
    const present = this.#present.get(client) ?? 0;
    const left = 1 - (now - this.#began) / WINDOW;
    const earlier = (this.#previous.get(client) ?? 0) * left;
    if (present + earlier > most - 1) return false;
    if (present === 0 && this.#present.size >= MAX_CLIENTS) {
      this.#turn(now);
      this.#present.set(client, 1);
    } else this.#present.set(client, present + 1);
    return true;
  }

  /** A new minute begins. */
  #turn(now: number): void {
    this.#previous = now - this.#began >= 2 * WINDOW ? new Map() : this.#present;
    this.#present = new Map();
    this.#began = now;
  }
}
