/**
 * A deadline that is moved many times and seldom met: one timer is kept running behind it and re-armed when it fires early.
 *
 * Setting and clearing cost no timer in the usual case. Calls `expired` once per missed deadline.
 */
import type { Cancel, Clock } from '#clock';

/** See the head of the file. */
export class Deadline {
  readonly #clock: Clock;
  readonly #expired: () => void;
  /** Elapsed milliseconds at which it is missed; Infinity while there is none. */
  #at = Infinity;
  #armedFor = Infinity;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Something is being waited for. */
  get running(): boolean {
    return this.#at !== Infinity;
  }

  /** To be met within `ms` milliseconds from now; replaces the former one. */
  set(ms: number): void {
    this.#at = this.#clock.elapsed() + ms;
    if (this.#at < this.#armedFor) this.#arm();
  }

  /** Met, or of no interest any more. The timer behind it is left to run out. */
  clear(): void {
    this.#at = Infinity;
  }

  /** Clears it and gives the timer back. */
  stop(): void {
    this.#at = Infinity;
    this.#armedFor = Infinity;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel?.();
    this.#armedFor = this.#at;
    this.#cancel = this.#clock.after(Math.max(0, Math.ceil(this.#at - this.#clock.elapsed())), () => {
      this.#cancel = null;
      this.#armedFor = Infinity;
      if (this.#at === Infinity) return;
      if (this.#clock.elapsed() < this.#at) return this.#arm();
      this.#at = Infinity;
      this.#expired();
    });
  }
}
