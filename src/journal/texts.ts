/**
 * Texts that wait to be written, as bytes behind one another in blocks: outside the engine's heap, where waiting costs nothing.
 *
 * A text is one record of the store under its key; `puts` gives them to lmdb without an object for each.
 */
import type { Spares } from './spares.ts';
import type { Table } from './tables.ts';

const BLOCK = 256 * 1024;

/** A block to be used again. */
export const textBlock = (): Buffer => Buffer.allocUnsafeSlow(BLOCK);

/** Characters of a key. */
const KEY = 64;

/** What lmdb takes as a value: the bytes from `start` to `end`. */
type Part = Buffer & { start?: number; end?: number };

interface Block {
  readonly bytes: Part;
  readonly keys: string[];
  readonly ends: number[];
  used: number;
}

/** See the head of the file. */
export class Texts {
  readonly #spares: Spares<Buffer>;
  #blocks: Block[] = [];
  #last: Block | null = null;
  size = 0;

  /** `spares`: buffers of textBlock. */
  constructor(spares: Spares<Buffer>) {
    this.#spares = spares;
  }

  /** Adds a record. */
  add(key: string, text: string): void {
    let block = this.#last;
    if (block === null || block.used + 3 * text.length > block.bytes.length) {
      const needed = 3 * text.length;
      const bytes = needed > BLOCK ? Buffer.allocUnsafeSlow(needed) : this.#spares.take();
      block = this.#last = { bytes, keys: [], ends: [], used: 0 };
      this.#blocks.push(block);
    }
    block.used += block.bytes.write(text, block.used, 'utf8');
    block.keys.push(key);
    block.ends.push(block.used);
    this.size++;
  }

  /** Keys of all records. */
  keys(): string[] {
    return this.#blocks.flatMap(({ keys }) => keys);
  }

  /** They are in the store, or were given up. */
  written(): void {
    for (const { bytes } of this.#blocks) if (bytes.length === BLOCK) this.#spares.give(bytes);
  }

  /** Groups of up to `most` records; each is to be put within one transaction. */
  *puts(table: Table, most: number): Iterable<() => void> {
    for (const block of this.#blocks)
      for (let at = 0; at < block.keys.length; at += most)
        yield () => putAll(table, block, at, Math.min(at + most, block.keys.length));
  }
}

function putAll(table: Table, { bytes, keys, ends }: Block, from: number, to: number): void {
  const scratch = Buffer.alloc(KEY);
  for (let i = from; i < to; i++) {
    const key = keys[i]!;
    bytes.start = i === 0 ? 0 : ends[i - 1]!;
    bytes.end = ends[i]!;
    // The key is copied at once; so are the ends of the value, whose bytes stay where they are until the commit.
    void table.put(scratch.subarray(0, scratch.write(key, 0, 'latin1')), bytes);
  }
}
