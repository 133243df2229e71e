/**
 * Drops single bytes out of a chunk by closing the gaps inside the chunk itself.
 *
 * Used by the un-stuffer: a body of dot lines stays one view per chunk instead of one view per line, which would cost a
 * hundred times its size in objects. Nothing moves until a byte in the middle is dropped. Pure; never throws.
 */

/** Shorter runs are moved by a loop: a call into the engine costs more. */
const SHORT_RUN = 32;

/** What is kept of one chunk. */
export class InPlace {
  #data: Uint8Array = new Uint8Array(0);
  /** What is kept is [first, write) and then [keep, ...), which moves down to `write` when the next gap is known. */
  #first = 0;
  #write = 0;
  #keep = 0;

  /** Begins with `data`, keeping from index `from` on. */
  begin(data: Uint8Array, from: number): void {
    this.#data = data;
    this.#first = this.#write = this.#keep = from;
  }

  /** The `count` bytes at `at` are not kept. Indexes only grow. */
  drop(at: number, count: number): void {
    this.#close(at);
    this.#keep = at + count;
    if (this.#write === this.#first) this.#first = this.#write = this.#keep;
  }

  /** The kept bytes before `end`, as one view, or null when there are none. */
  finish(end: number): Uint8Array | null {
    this.#close(end);
    const data = this.#data;
    return this.#write > this.#first ? data.subarray(this.#first, this.#write) : null;
  }

  #close(at: number): void {
    const data = this.#data;
    let from = this.#keep;
    if (from >= at) return;
    let to = this.#write;
    this.#write = to + at - from;
    this.#keep = at;
    if (to === from) return;
    if (at - from > SHORT_RUN) data.copyWithin(to, from, at);
    else while (from < at) data[to++] = data[from++]!;
  }
}
