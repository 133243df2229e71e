/**
 * How much content may be kept at present: as much as lets the ring of conversations hold ten minutes of it.
 *
 * A ring that turns over in seconds shows nobody anything, and filling it costs what mail could use. What was not used is saved up
 * for a rush. Only bytes of messages are counted: lines, packets and their times are kept in any case.
 */
import type { Clock } from '#clock';

/** Milliseconds that the ring is to hold. */
const SPAN = 600_000;
/** The part of the ring that may be saved up. */
const SAVED = 1 / 8;

/** See above. */
export class Allowance {
  readonly #clock: Clock;
  #ring: number;
  #left: number;
  #at: number;

  /** `ring`: its bytes, or this process's share of them. */
  constructor(clock: Clock, ring: number) {
    this.#clock = clock;
    this.#ring = ring;
    this.#left = ring * SAVED;
    this.#at = clock.elapsed();
  }

  /** The ring has another size. */
  resize(ring: number): void {
    this.#ring = ring;
  }

  /** True: so many bytes may be kept, and count as kept. */
  take(bytes: number): boolean {
    const now = this.#clock.elapsed();
    this.#left = Math.min(this.#ring * SAVED, this.#left + ((now - this.#at) * this.#ring) / SPAN);
    this.#at = now;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}
