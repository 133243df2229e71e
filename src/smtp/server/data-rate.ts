/**
 * Whether content comes fast enough: what minDataRate is held against (a drip must not hold a session for days).
 *
 * A client has an allowance of time. Waiting for it uses the allowance up, each byte adds the time it may take at the least
 * rate. Only the time spent waiting for the client counts: while a filter or the disk is waited for, nothing is used up. Silence
 * is not judged here but by dataTimeout; what comes after it is. Never throws.
 */
import type { Clock } from '#clock';

/** Milliseconds of allowance at the beginning of content. */
const FIRST_ALLOWANCE_MAX = 30_000;

/** The pace of the content of one connection. */
export class DataRate {
  readonly #clock: Clock;
  /** Milliseconds that a byte may take. */
  readonly #perByte: number;
  readonly #most: number;
  #allowance = 0;
  /** When the present wait for the client began; -1 when it is not waited for. */
  #since = -1;

  /** `least`: bytes per second, 0 = any. `most`: milliseconds that a fast client can save up for a time without network. */
  constructor(clock: Clock, least: number, most: number) {
    this.#clock = clock;
    this.#perByte = 1000 / least;
    this.#most = most;
  }

  /** Content begins. */
  begin(): void {
    this.#allowance = Math.min(FIRST_ALLOWANCE_MAX, this.#most);
    this.#since = -1;
  }

  /** Everything that came is worked off: the client is waited for. */
  wait(): void {
    if (this.#perByte !== Infinity && this.#since < 0) this.#since = this.#clock.elapsed();
  }

  /** Takes note of bytes that came; false when they were too long in coming. */
  keepsUp(bytes: number): boolean {
    if (this.#perByte === Infinity) return true;
    const waited = this.#since < 0 ? 0 : this.#clock.elapsed() - this.#since;
    this.#since = -1;
    this.#allowance = Math.min(this.#most, this.#allowance - waited + bytes * this.#perByte);
    return this.#allowance >= 0;
  }
}
