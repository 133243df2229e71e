/**
 * How often refusals are told of: a flood of connections must not become a flood of log lines.
 *
 * The first ones of each second are told one by one; how many went untold is said with the next. Never throws.
 */
import type { Clock } from '#clock';

/** Milliseconds in which so many are told. */
const PERIOD = 1000;
const MAX_TOLD = 10;

/** Keeps account of what is told. */
export class Refusals {
  readonly #clock: Clock;
  #began = -Infinity;
  #told = 0;
  #untold = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One more. Calls `tell`, if this one shall be told, with the number of those before it that were not. */
  tell(tell: (untold: number) => void): void {
    const now = this.#clock.elapsed();
    if (now - this.#began >= PERIOD) {
      this.#began = now;
      this.#told = 0;
    }
    if (this.#told >= MAX_TOLD) {
      this.#untold++;
      return;
    }
    this.#told++;
    const untold = this.#untold;
    this.#untold = 0;
    tell(untold);
  }
}
