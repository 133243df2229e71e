/**
 * A habit: something faster that one filter may not be fit for. Given up after failures in a row, tried again after a while.
 *
 * One failure proves nothing: a parked socket may be half dead, a busy filter late. Never throws.
 */
import type { Clock } from '#clock';

/** Milliseconds until it is tried again. */
export const REST = 600_000;

/** See the head of the file. */
export class Habit {
  readonly #clock: Clock;
  readonly #wanted: boolean;
  readonly #most: number;
  #lapses = 0;
  /** When it was given up; null while it is kept. */
  #since: number | null = null;

  /** `wanted`: the operator lets it be tried at all. `most`: failures in a row that end it. */
  constructor(clock: Clock, wanted: boolean, most: number) {
    this.#clock = clock;
    this.#wanted = wanted;
    this.#most = most;
  }

  /** It is to be tried. */
  get kept(): boolean {
    return this.#wanted && (this.#since === null || this.#clock.elapsed() - this.#since >= REST);
  }

  /** It worked. */
  worked(): void {
    if (!this.kept) return;
    this.#lapses = 0;
    this.#since = null;
  }

  /** It did not work; `surely`: it never will. True: it is given up, by this. After a rest one failure is enough. */
  failed(surely = false): boolean {
    if (!this.kept) return false;
    if (++this.#lapses < this.#most && !surely) return false;
    this.#since = surely ? Infinity : this.#clock.elapsed();
    return true;
  }

  /** What was learnt is forgotten. */
  reset(): void {
    this.#lapses = 0;
    this.#since = null;
  }
}
