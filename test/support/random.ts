/** Randomness that can be repeated: a small generator with a seed that the test prints. */

/** The seed to use: MILLRACE_SEED when set, else a fresh one. */
export function seed(): number {
  const given = Number(process.env['MILLRACE_SEED'] ?? Number.NaN);
  return Number.isInteger(given) ? given >>> 0 : Math.floor(Math.random() * 2 ** 32);
}

/** Numbers from a seed; the same seed gives the same numbers. */
export class Random {
  #state: number;

  constructor(from: number) {
    this.#state = from >>> 0;
  }

  /** At least `low`, below `high`. */
  between(low: number, high: number): number {
    // One step of a 32-bit Weyl sequence, then two rounds of multiply and shift to spread the bits.
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return low + (((x ^ (x >>> 15)) >>> 0) / 2 ** 32) * (high - low);
  }

  /** A whole number from `low` to `high`, both possible. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }
}
