/**
 * Recordings that wait to be written, packed one behind the other into blocks: a block is one record of the store.
 *
 * Taking one copies its bytes, so that the tape it came from can go on at once. Blocks are used again after they were written.
 */
import { encodeLine, type PartLine } from './line-code.ts';

/** A block is closed when the next recording does not fit. */
const BLOCK = 1024 * 1024;
/** Blocks that are kept for use. */
const SPARE_BLOCKS = 3;

/** Parts that are written together. */
export interface Segment {
  readonly buffer: Buffer;
  readonly lines: string[];
  used: number;
}

/** See the head of the file. */
export class Segments {
  #full: Segment[] = [];
  #current: Segment | null = null;
  #spare: Buffer[] = [];
  /** Bytes that wait, those being written included. */
  bytes = 0;

  get empty(): boolean {
    return this.#current === null && this.#full.length === 0;
  }

  add(line: PartLine, recording: Uint8Array): void {
    const { length } = recording;
    let segment = this.#current;
    if (segment === null || segment.used + length > segment.buffer.length) segment = this.#next(length);
    segment.buffer.set(recording, segment.used);
    segment.lines.push(encodeLine(line, segment.used, length));
    segment.used += length;
    this.bytes += length;
  }

  /** Everything that waits; hand it to `written` afterwards. */
  take(): readonly Segment[] {
    const all = this.#current === null ? this.#full : [...this.#full, this.#current];
    this.#full = [];
    this.#current = null;
    return all;
  }

  /** They are in the store, or were given up. */
  written(segments: readonly Segment[]): void {
    for (const { buffer, used } of segments) {
      this.bytes -= used;
      if (buffer.length === BLOCK && this.#spare.length < SPARE_BLOCKS) this.#spare.push(buffer);
    }
  }

  #next(length: number): Segment {
    if (this.#current !== null) this.#full.push(this.#current);
    const buffer =
      length > BLOCK ? Buffer.allocUnsafeSlow(length) : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK));
    return (this.#current = { buffer, lines: [], used: 0 });
  }
}
