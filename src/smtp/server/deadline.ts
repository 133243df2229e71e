/**
 * The one timer of a session. Moving the deadline is an assignment: the timer finds out when it fires.
 *
 * Setting it at every command would cost a timer each; here it is armed again only when it fired too early or is due too late.
 */
import type { Cancel, Clock } from '#clock';

/** Calls `expired` when a deadline passes. */
export class Deadline {
  readonly #clock: Clock;
  readonly #expired: () => void;
  #due = Infinity;
  #fires = Infinity;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Due in `ms` milliseconds, whatever was set before. */
  set(ms: number): void {
    this.#due = this.#clock.elapsed() + ms;
    if (this.#due < this.#fires) this.#arm(ms);
  }

  /** No deadline for now. */
  clear(): void {
    this.#due = Infinity;
  }

  /** Never again. */
  stop(): void {
    this.#due = this.#fires = Infinity;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(ms: number): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#fires = this.#clock.elapsed() + ms;
    if (ms === Infinity) return;
    this.#cancel = this.#clock.after(ms, () => {
      this.#fires = Infinity;
      this.#cancel = null;
      const left = this.#due - this.#clock.elapsed();
      if (left === Infinity) return;
      if (left > 0) return this.#arm(left);
      this.#due = Infinity;
      this.#expired();
    });
  }
}
