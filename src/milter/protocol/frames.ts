/**
 * Frames: four bytes of length, one code byte, the payload (milter reference 2).
 *
 * FrameReader turns chunks into frames, FrameWriter gathers frames so that one step is one socket write. Neither knows what
 * the payloads mean. The reader throws MilterProtocolError on a length of zero or above its limit and is useless afterwards; it
 * never allocates what a length field merely announces. Body bytes are not copied, in or out.
 */
import { MilterProtocolError } from './errors.ts';
import { DATA_SIZE } from './numbers.ts';
import { strangerOf } from './strangers.ts';

/** One frame. `payload` is a view of the chunk it came in whenever it lies in one chunk: to be kept, not written to. */
export interface Frame {
  readonly code: number;
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
/** Chunks below this are copied together: a view of one byte would keep its whole read buffer alive. */
const SMALL = 1024;
const BLOCK = 16 * 1024;

/** Cuts a byte stream into frames. */
export class FrameReader {
  readonly #limit: number;
  #chunks: Uint8Array[] = [];
  /** Index of the first chunk with bytes left, and where they begin. */
  #first = 0;
  #offset = 0;
  #available = 0;
  /** Bytes of the frame being waited for, length field included; 0 while the length field itself is awaited. */
  #need = 0;
  /** Block that takes small chunks, and how full it is. */
  #block: Uint8Array | null = null;
  #filled = 0;

  /** `limit`: greatest value of the length field (code byte and payload) that is accepted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes taken in that are not yet part of a returned frame. */
  get pending(): number {
    return this.#available;
  }

  /** Takes the next chunk, kept and not copied unless it is a small piece of a larger frame. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#available > 0 && chunk.length < SMALL) this.#copy(chunk);
    else {
      this.#block = null;
      this.#chunks.push(chunk);
    }
    this.#available += chunk.length;
  }

  /** The next complete frame, or null when more bytes are needed. */
  next(): Frame | null {
    if (this.#need === 0) {
      if (this.#available < 4) return null;
      const length = this.#peekLength();
      if (length === 0) throw new MilterProtocolError('frame_invalid', 'a frame of length zero came in');
      if (length > this.#limit) throw this.#tooLarge(length);
      this.#need = length + 4;
    }
    const size = this.#need;
    if (this.#available < size) return null;
    this.#need = 0;
    const head = this.#chunks[this.#first]!;
    const at = this.#offset;
    if (head.length - at < size) {
      const bytes = this.#gather(size);
      return { code: bytes[4]!, payload: bytes.subarray(5) };
    }
    // Nearly always: it lies in one chunk.
    this.#available -= size;
    this.#offset = at + size;
    this.#release();
    return { code: head[at + 4]!, payload: size === 5 ? NOTHING : head.subarray(at + 5, at + size) };
  }

  #copy(chunk: Uint8Array): void {
    let block = this.#block;
    if (block === null || this.#filled + chunk.length > block.length) {
      block = this.#block = new Uint8Array(BLOCK);
      this.#filled = 0;
      this.#chunks.push(block.subarray(0, 0));
    }
    block.set(chunk, this.#filled);
    const last = this.#chunks.length - 1;
    const start = this.#filled - this.#chunks[last]!.length;
    this.#filled += chunk.length;
    this.#chunks[last] = block.subarray(start, this.#filled);
  }

  #peekLength(): number {
    let value = 0;
    let index = this.#first;
    let at = this.#offset;
    for (let i = 0; i < 4; i++) {
      while (at === this.#chunks[index]!.length) {
        index++;
        at = 0;
      }
      value = value * 256 + this.#chunks[index]![at++]!;
    }
    return value;
  }

  /** Removes `size` bytes from the front, that lie in several chunks, and joins them. */
  #gather(size: number): Uint8Array {
    this.#available -= size;
    const all = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const chunk = this.#chunks[this.#first]!;
      const piece = Math.min(chunk.length - this.#offset, size - done);
      all.set(chunk.subarray(this.#offset, this.#offset + piece), done);
      done += piece;
      this.#offset += piece;
      if (this.#offset === chunk.length && done < size) {
        this.#first++;
        this.#offset = 0;
      }
    }
    this.#release();
    return all;
  }

  /** Lets go of what is used up. */
  #release(): void {
    if (this.#available === 0) {
      this.#chunks.length = 0;
      this.#first = 0;
      this.#offset = 0;
      this.#block = null;
    } else if (this.#offset === this.#chunks[this.#first]!.length) {
      this.#first++;
      this.#offset = 0;
      if (this.#first > 64) {
        this.#chunks.splice(0, this.#first);
        this.#first = 0;
      }
    }
  }

  #tooLarge(length: number): MilterProtocolError {
    const stranger = strangerOf(length);
    if (stranger !== null) return new MilterProtocolError('not_a_milter', stranger);
    return new MilterProtocolError(
      'frame_too_large',
      `a frame of ${length} bytes was announced; the limit is ${this.#limit}`,
    );
  }
}

/** Gathers frames for one socket write. */
export class FrameWriter {
  /** Greatest payload in bytes; set anew once it is negotiated. */
  maxPayload: number;
  #out: Uint8Array[] = [];
  /** Block being filled; bytes before `#from` were handed out and are never touched again. */
  #block: Uint8Array;
  #from = 0;
  #at = 0;
  /** Where the length field of the open frame stands. */
  #open = 0;
  #size = 0;
  /** How many of `#out` were there at the mark. */
  #marked = 0;

  constructor(maxPayload: number = DATA_SIZE.DEFAULT) {
    this.maxPayload = maxPayload;
    this.#block = new Uint8Array(2048);
  }

  /** Bytes gathered and not yet taken. */
  get size(): number {
    return this.#size + this.#at - this.#from;
  }

  /** Begins a frame; follow with the parts of its payload and `close`. */
  open(code: number): this {
    this.#room(5);
    this.#open = this.#at;
    this.#block[this.#at + 4] = code;
    this.#at += 5;
    return this;
  }

  /** One byte. */
  byte(value: number): this {
    this.#room(1);
    this.#block[this.#at++] = value;
    return this;
  }

  /** Two bytes, big endian. */
  uint16(value: number): this {
    return this.byte(value >>> 8).byte(value);
  }

  /** Four bytes, big endian. */
  uint32(value: number): this {
    return this.byte(value >>> 24)
      .byte(value >>> 16)
      .byte(value >>> 8)
      .byte(value);
  }

  /** A byte string and its NUL. A NUL inside, which the wire cannot carry, becomes a space (reference 10). */
  string(text: string): this {
    const length = text.length;
    this.#room(length + 1);
    const block = this.#block;
    let at = this.#at;
    for (let i = 0; i < length; i++) block[at++] = text.charCodeAt(i) & 0xff || 0x20;
    block[at++] = 0;
    this.#at = at;
    return this;
  }

  /** Bytes as they are, copied. */
  bytes(data: Uint8Array): this {
    this.#room(data.length);
    this.#block.set(data, this.#at);
    this.#at += data.length;
    return this;
  }

  /** Ends the frame. Throws `frame_too_large`, leaving the frame out, when its payload is above `maxPayload`. */
  close(): void {
    const length = this.#at - this.#open - 4;
    if (length - 1 > this.maxPayload) {
      this.#at = this.#open;
      throw tooLong(length - 1, this.maxPayload);
    }
    this.#length(this.#open, length);
  }

  /** A frame without payload. */
  bare(code: number): void {
    this.open(code).close();
  }

  /** A frame whose payload is `parts` one after another: small ones are copied, others travel as they are. */
  raw(code: number, parts: readonly Uint8Array[]): void {
    let total = 0;
    for (const part of parts) total += part.length;
    if (total > this.maxPayload) throw tooLong(total, this.maxPayload);
    this.open(code);
    this.#length(this.#open, total + 1);
    for (const part of parts) {
      if (part.length < SMALL) this.bytes(part);
      else {
        this.#flushBlock();
        this.#out.push(part);
        this.#size += part.length;
      }
    }
  }

  /** What was gathered, in order, for one gathering write; the writer is empty afterwards. */
  take(): Uint8Array[] {
    this.#flushBlock();
    const out = this.#out;
    this.#out = [];
    this.#size = 0;
    this.#marked = 0;
    return out;
  }

  /** What is gathered now outlives `clear`. The mark holds until the next `take`. */
  mark(): void {
    this.#flushBlock();
    this.#marked = this.#out.length;
  }

  /** Throws away what was gathered since the mark, or all. */
  clear(): void {
    this.#at = this.#from;
    this.#out.length = this.#marked;
    this.#size = 0;
    for (const part of this.#out) this.#size += part.length;
  }

  #length(at: number, length: number): void {
    const block = this.#block;
    block[at] = length >>> 24;
    block[at + 1] = length >>> 16;
    block[at + 2] = length >>> 8;
    block[at + 3] = length;
  }

  #flushBlock(): void {
    if (this.#at === this.#from) return;
    this.#out.push(this.#block.subarray(this.#from, this.#at));
    this.#size += this.#at - this.#from;
    this.#from = this.#at;
  }

  /** Makes room for `more` bytes, taking along what is not handed out yet, so that an open frame stays in one piece. */
  #room(more: number): void {
    if (this.#at + more <= this.#block.length) return;
    const kept = this.#at - this.#from;
    const block = new Uint8Array(Math.max(BLOCK, 2 * (kept + more)));
    block.set(this.#block.subarray(this.#from, this.#at));
    this.#block = block;
    this.#open -= this.#from;
    this.#from = 0;
    this.#at = kept;
  }
}

function tooLong(length: number, limit: number): MilterProtocolError {
  return new MilterProtocolError(
    'frame_too_large',
    `a payload of ${length} bytes does not fit a frame of ${limit}`,
  );
}
