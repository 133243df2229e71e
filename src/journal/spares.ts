/**
 * Things that are dear to make, kept to be used again. Memory outside the engine's heap that is made anew all the time costs
 * collections of the whole heap.
 */

/** Keeps what was given back; what nobody has taken between two calls of `trim` goes. */
export class Spares<T> {
  readonly #make: () => T;
  #kept: T[] = [];
  /** The fewest that were there since the last trim. */
  #unused = 0;

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): T {
    const one = this.#kept.pop() ?? this.#make();
    if (this.#kept.length < this.#unused) this.#unused = this.#kept.length;
    return one;
  }

  give(one: T): void {
    this.#kept.push(one);
  }

  trim(): void {
    this.#kept.splice(0, this.#unused);
    this.#unused = this.#kept.length;
  }
}
