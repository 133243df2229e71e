/**
 * Message content as DATA wants it: dots doubled at line starts, every line end CRLF, closed by `.` CRLF (RFC 5321 4.5.2).
 *
 * Used by smtp/client. Gives out views of the chunks it is fed, with the few missing bytes between them; a chunk in which
 * much is missing is copied instead, so that no body costs many times more than another. A lone CR or LF becomes CRLF:
 * nothing with a bare line end ever leaves. Pure; never throws.
 */

const CR = 13;
const LF = 10;
const DOT = 46;

const DOT_BYTES = Uint8Array.of(DOT);
const CR_BYTES = Uint8Array.of(CR);
const LF_BYTES = Uint8Array.of(LF);
const END_AT_LINE_START = Uint8Array.of(DOT, CR, LF);
const END_AFTER_CR = Uint8Array.of(LF, DOT, CR, LF);
const END_WITHIN_LINE = Uint8Array.of(CR, LF, DOT, CR, LF);

/** Insertions within one chunk after which its rest is copied rather than cut into views. */
const MAX_CUTS = 16;

/** One per message. Feed the content in order with `push`, then call `end` once. */
export class DotStuffer {
  /** The next byte begins a line. */
  #lineStart = true;
  /** The last byte was a CR whose LF has not come yet. */
  #afterCr = false;

  /** Appends the wire form of `chunk` to `out`. Chunks are not changed; the views stay valid as long as they do. */
  push(chunk: Uint8Array, out: Uint8Array[]): void {
    if (chunk.length === 0) return;
    if (this.#afterCr) {
      this.#afterCr = false;
      this.#lineStart = true;
      if (chunk[0] !== LF) out.push(LF_BYTES);
      else if (chunk.length === 1) {
        out.push(chunk);
        return;
      } else {
        this.#scan(chunk, 1, out);
        return;
      }
    }
    this.#scan(chunk, 0, out);
  }

  /** Appends what closes the content: a line end when the last line has none, and the final dot. */
  end(out: Uint8Array[]): void {
    out.push(this.#afterCr ? END_AFTER_CR : this.#lineStart ? END_AT_LINE_START : END_WITHIN_LINE);
  }

  /** `at` is where the first line of this chunk begins or goes on; a byte before it belongs to the view all the same. */
  #scan(chunk: Uint8Array, at: number, out: Uint8Array[]): void {
    const length = chunk.length;
    let start = 0; // of the view not yet given out
    let cuts = 0;
    let cr = chunk.indexOf(CR, at);
    let lf = chunk.indexOf(LF, at);
    for (;;) {
      if (this.#lineStart && at < length && chunk[at] === DOT) {
        if (++cuts > MAX_CUTS) {
          if (at > start) out.push(chunk.subarray(start, at));
          out.push(this.#copy(chunk, at));
          return;
        }
        if (at > start) out.push(chunk.subarray(start, at));
        out.push(DOT_BYTES);
        start = at;
      }
      if (cr < 0 && lf < 0) {
        this.#lineStart = this.#lineStart && at >= length;
        break;
      }
      this.#lineStart = true;
      if (cr >= 0 && lf === cr + 1) at = lf + 1;
      else if (++cuts > MAX_CUTS) {
        // The dot of this line, if any, stands behind `start`: what is before `at` is settled already.
        this.#lineStart = false;
        if (at > start) out.push(chunk.subarray(start, at));
        out.push(this.#copy(chunk, at));
        return;
      } else if (cr >= 0 && (lf < 0 || cr < lf)) {
        at = cr + 1;
        if (at === length) {
          this.#afterCr = true;
          break;
        }
        out.push(chunk.subarray(start, at), LF_BYTES);
        start = at;
      } else {
        if (lf > start) out.push(chunk.subarray(start, lf));
        out.push(CR_BYTES);
        start = lf;
        at = lf + 1;
      }
      if (cr >= 0 && cr < at) cr = chunk.indexOf(CR, at);
      if (lf >= 0 && lf < at) lf = chunk.indexOf(LF, at);
    }
    if (start === 0) out.push(chunk);
    else if (start < length) out.push(chunk.subarray(start));
  }

  /** The wire form of the rest of a chunk from `at`, byte by byte into one new array of at most twice its size. */
  #copy(chunk: Uint8Array, at: number): Uint8Array {
    const copy = new Uint8Array((chunk.length - at) * 2 + 1);
    let to = 0;
    let lineStart = this.#lineStart;
    for (let i = at; i < chunk.length; i++) {
      const c = chunk[i]!;
      if (c === CR) {
        copy[to++] = CR;
        if (i + 1 === chunk.length) {
          this.#afterCr = true;
          break;
        }
        copy[to++] = LF;
        if (chunk[i + 1] === LF) i++;
        lineStart = true;
      } else if (c === LF) {
        copy[to++] = CR;
        copy[to++] = LF;
        lineStart = true;
      } else {
        if (lineStart && c === DOT) copy[to++] = DOT;
        copy[to++] = c;
        lineStart = false;
      }
    }
    this.#lineStart = lineStart;
    return copy.subarray(0, to);
  }
}
