/**
 * Recordings that wait to be written, packed one behind the other into blocks: a block is one record of the store.
 *
 * Taking one copies its bytes, so that the tape it came from can go on at once. Blocks are used again after they were written.
 */
import { DIRECTORY_HEAD, encodeLine, type PartLine } from './line-code.ts';
import { Spares } from './spares.ts';

/** A block is closed when the next recording does not fit. */
const BLOCK = 1024 * 1024;

/** Room for the directory of a block to begin with, and the bytes before its first line: the head and a bracket. */
const DIRECTORY = 16 * 1024;
const LINES_AT = DIRECTORY_HEAD + 1;

/** Parts that are written together. */
export interface Segment {
  readonly buffer: Buffer;
  used: number;
  /** The directory so far: room for its head, then lines with commas behind. */
  directory: Buffer;
  directoryUsed: number;
  parts: number;
}

/** See the head of the file. */
export class Segments {
  #full: Segment[] = [];
  #current: Segment | null = null;
  readonly #spares = new Spares<Segment>(() => segmentOf(BLOCK));
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
    addLine(segment, encodeLine(line, segment.used, length));
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
    for (const segment of segments) {
      this.bytes -= segment.used;
      if (segment.buffer.length === BLOCK) this.#spares.give(segment);
    }
  }

  #next(length: number): Segment {
    if (this.#current !== null) this.#full.push(this.#current);
    const segment = length > BLOCK ? segmentOf(length) : this.#spares.take();
    segment.used = segment.parts = 0;
    segment.directoryUsed = LINES_AT;
    return (this.#current = segment);
  }

  /** Gives memory back that was not needed since the last time. */
  trim(): void {
    this.#spares.trim();
  }
}

function segmentOf(size: number): Segment {
  return {
    buffer: Buffer.allocUnsafeSlow(size),
    used: 0,
    directory: Buffer.allocUnsafeSlow(DIRECTORY),
    directoryUsed: LINES_AT,
    parts: 0,
  };
}

function addLine(segment: Segment, line: string): void {
  const needed = segment.directoryUsed + 3 * line.length + 1;
  if (needed > segment.directory.length) {
    const roomier = Buffer.allocUnsafeSlow(Math.max(needed, 4 * segment.directory.length));
    segment.directory.copy(roomier, 0, 0, segment.directoryUsed);
    segment.directory = roomier;
  }
  segment.directoryUsed += segment.directory.write(line, segment.directoryUsed, 'utf8');
  segment.directory[segment.directoryUsed++] = COMMA;
  segment.parts++;
}

const COMMA = 44;
const OPENS = 91;
const CLOSES = 93;

/** The finished directory of a block: see encodeDirectory. */
export function directoryOf({ directory, directoryUsed, used, parts }: Segment): Buffer {
  directory.writeUInt32LE(used, 0);
  directory.writeUInt32LE(parts, 4);
  directory[LINES_AT - 1] = OPENS;
  directory[directoryUsed - 1] = CLOSES;
  return directory.subarray(0, directoryUsed);
}
