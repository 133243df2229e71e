/**
 * What a client has sent and nobody has read yet: chunks of the socket, read as command lines or as content.
 *
 * Only CRLF ends a line (RFC 5321 2.3.8). A chunk is never copied; a line that spans chunks is held as text, up to the limit.
 * Past the limit nothing is held. Never throws.
 */

/** Why a line cannot be taken. `flood`: far too long and still no end. */
export interface LineFault {
  readonly kind: 'too-long' | 'bare-line-feed' | 'flood';
}

const TOO_LONG: LineFault = Object.freeze({ kind: 'too-long' });
const BARE_LINE_FEED: LineFault = Object.freeze({ kind: 'bare-line-feed' });
const FLOOD: LineFault = Object.freeze({ kind: 'flood' });

/** Bytes of one line, beyond its limit, that are read and thrown away before it is a flood. */
const MAX_DISCARDED = 128 * 1024;

/** Unread input beyond this is full: bytes, and chunks (a chunk of one byte costs hundreds). */
const MAX_UNREAD = 64 * 1024;
const MAX_CHUNKS = 256;

const LF = 10;
const CR = 13;

/** Unread input of one connection. */
export class Input {
  /** Bytes in unread chunks. */
  size = 0;
  /** Where reading goes on in the first chunk. */
  at = 0;
  readonly #chunks: Buffer[] = [];
  readonly #maxLine: number;
  /** The current line as far as earlier chunks hold it: its text (while within the limit), its bytes, its last byte. */
  #held = '';
  #heldBytes = 0;
  #heldLast = 0;
  #bareLineFeed = false;

  constructor(maxLine: number) {
    this.#maxLine = maxLine;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.size += chunk.length;
  }

  /** No more should be read from the socket until this is read. */
  get full(): boolean {
    return this.size >= MAX_UNREAD || this.#chunks.length >= MAX_CHUNKS;
  }

  /** The chunk that comes next, or undefined; read from `at`. */
  get chunk(): Buffer | undefined {
    return this.#chunks[0];
  }

  /** Reading of the first chunk has come to index `at`. */
  readTo(at: number): void {
    const chunk = this.#chunks[0]!;
    this.size -= at - this.at;
    this.at = at;
    if (at < chunk.length) return;
    this.#chunks.shift();
    this.at = 0;
  }

  /** Throws everything away. */
  clear(): void {
    this.#chunks.length = 0;
    this.size = this.at = 0;
    this.#reset();
  }

  /** The next command line without CRLF, what is wrong with it, or null when its end has not come. */
  nextLine(): string | LineFault | null {
    for (let chunk = this.#chunks[0]; chunk; chunk = this.#chunks[0]) {
      const from = this.at;
      const lf = chunk.indexOf(LF, from);
      if (lf < 0) {
        this.#hold(chunk, from, chunk.length);
        if (this.#heldBytes > this.#maxLine + MAX_DISCARDED) return FLOOD;
        continue;
      }
      if ((lf > from ? chunk[lf - 1] : this.#heldLast) !== CR) {
        this.#hold(chunk, from, lf + 1);
        this.#bareLineFeed = true;
        if (this.#heldBytes > this.#maxLine + MAX_DISCARDED) return FLOOD;
        continue;
      }
      return this.#take(chunk, from, lf);
    }
    return null;
  }

  #take(chunk: Buffer, from: number, lf: number): string | LineFault {
    let line: string | LineFault;
    if (this.#heldBytes + lf + 1 - from > this.#maxLine) line = TOO_LONG;
    else if (this.#bareLineFeed) line = BARE_LINE_FEED;
    else if (this.#heldBytes === 0) line = chunk.toString('latin1', from, lf - 1);
    else line = (this.#held + chunk.toString('latin1', from, lf)).slice(0, -1);
    if (this.#heldBytes > 0) this.#reset();
    this.readTo(lf + 1);
    return line;
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    this.#heldBytes += to - from;
    if (this.#heldBytes <= this.#maxLine) this.#held += chunk.toString('latin1', from, to);
    else this.#held = '';
    this.#heldLast = chunk[to - 1]!;
    this.readTo(to);
  }

  #reset(): void {
    this.#held = '';
    this.#heldBytes = this.#heldLast = 0;
    this.#bareLineFeed = false;
  }
}
