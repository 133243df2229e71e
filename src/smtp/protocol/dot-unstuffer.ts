/**
 * Message content off the wire: finds its true end, takes the stuffed dots out, and guards line ends on the way.
 *
 * Called by the server between 354 and the final reply. Only CRLF.CRLF ends content (RFC 5321 4.1.1.4, 4.5.2); a dot counts
 * only after a true CRLF. Content that breaks a rule is still read to its true end, but nothing more of it is given out and
 * `fault` says why. Works in place: a well-formed chunk is never copied, dots are closed up inside it. Never throws.
 */
import type { ContentFaultKind, ContentRules } from './content-rules.ts';
import { InPlace } from './in-place.ts';
import { alignedAt, nextSpecial, wordsOf } from './special-bytes.ts';

// Where the reader stands between two bytes. Here and not imported: constants of its own module are folded into the
// compiled loop, which doubles its speed on short lines.
/** Inside a line. */
const INSIDE = 0;
/** A CR was given out, its LF has not come yet. */
const AFTER_CR = 1;
/** Behind a true CRLF, or at the very beginning. */
const LINE_START = 2;
/** A dot at the start of a line was dropped. */
const AFTER_DOT = 3;
/** A CR behind that dot is held back: with an LF it is the end of content. */
const AFTER_DOT_CR = 4;
/** The end of content was seen. */
const ENDED = 5;

const NUL = 0;
const LF = 10;
const CR = 13;
const DOT = 46;

/** Reads one content. */
export class DotUnstuffer {
  /** Bytes given out so far. */
  size = 0;
  /** The first broken rule, or null. */
  fault: ContentFaultKind | null = null;
  readonly #rules: ContentRules;
  readonly #kept = new InPlace();
  #state = LINE_START;
  /** Index in the current chunk where the current line began; negative when that was in an earlier chunk. */
  #lineStart = 0;

  constructor(rules: ContentRules) {
    this.#rules = rules;
  }

  /** The end of content was seen. */
  get done(): boolean {
    return this.#state === ENDED;
  }

  /**
   * Reads `data` from index `from`. Appends to `out` what belongs to the message: at most one view of `data` and, when line ends
   * had to be completed, one new array. Returns the index behind the end of content, or data.length when it has not come
   * (see `done`). `data` is given away: bytes before the returned index may be moved.
   */
  push(data: Uint8Array, from: number, out: Uint8Array[]): number {
    this.#lineStart += from;
    this.#kept.begin(data, from);
    const at = this.#scan(data, from);
    const view = this.#kept.finish(at);
    if (view !== null) this.#give(view, out);
    if (this.done || at === data.length) {
      if (this.#state === INSIDE) this.#measureLine(at);
      this.#lineStart -= at;
      return at;
    }
    const rest = completeLineEnds(data, at, this.#state);
    this.#state = rest.state;
    if (rest.nul) this.fault ??= 'nul';
    this.#lineStart -= at;
    this.#measureCompleted(rest.bytes);
    this.#give(rest.bytes, out);
    return rest.at;
  }

  /** Reads on to the end of content, the end of the chunk, or a line end that must be completed; returns where that is. */
  #scan(data: Uint8Array, from: number): number {
    const words = wordsOf(data);
    const aligned = alignedAt(data);
    const end = data.length;
    const measured = this.#rules.maxLineLength !== Infinity;
    let at = from;
    let state = this.#state;
    while (at < end && state !== ENDED) {
      let c = data[at]!;
      if (state === INSIDE) {
        if (c !== CR) {
          at = nextSpecial(data, words, aligned, at);
          if (at === end) break;
          c = data[at]!;
        }
        if (c === CR) {
          if (measured) this.#measureLine(at);
          state = AFTER_CR;
          if (at + 1 < end && data[at + 1] === LF) {
            state = LINE_START;
            at++;
          }
        } else if (c === NUL) this.fault ??= 'nul';
        else if (this.#bareLineEnd()) break;
        at++;
      } else if (state === LINE_START || state === AFTER_DOT) {
        if (measured && state === LINE_START) this.#lineStart = at;
        if (c !== (state === LINE_START ? DOT : CR)) {
          state = INSIDE;
          continue;
        }
        this.#kept.drop(at, 1);
        at++;
        if (measured) this.#lineStart = at;
        if (state === AFTER_DOT) state = AFTER_DOT_CR;
        else state = at < end && data[at] !== CR ? INSIDE : AFTER_DOT;
      } else if (c === LF) {
        state = state === AFTER_CR ? LINE_START : ENDED;
        if (state === ENDED) this.#kept.drop(at, 1);
        at++;
      } else {
        if (this.#bareLineEnd()) break;
        state = INSIDE;
      }
    }
    this.#state = state;
    return at;
  }

  /** A lone CR or LF: true when it is to be completed, else it is a fault. */
  #bareLineEnd(): boolean {
    if (this.#rules.bareLineEnds === 'normalise') return true;
    this.fault ??= 'bare-line-end';
    return false;
  }

  #measureLine(end: number): void {
    if (end - this.#lineStart > this.#rules.maxLineLength) this.fault ??= 'line-length';
  }

  /** The same for completed bytes; leaves #lineStart relative to their end. */
  #measureCompleted(bytes: Uint8Array): void {
    for (let lf = bytes.indexOf(LF); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
      this.#measureLine(lf - 1);
      this.#lineStart = lf + 1;
    }
    if (this.#state === INSIDE) this.#measureLine(bytes.length);
    this.#lineStart -= bytes.length;
  }

  #give(bytes: Uint8Array, out: Uint8Array[]): void {
    if (this.fault !== null || bytes.length === 0) return;
    if (this.size + bytes.length > this.#rules.maxSize) {
      this.fault = 'size';
      return;
    }
    this.size += bytes.length;
    out.push(bytes);
  }
}

/** The rest of a chunk, completed. */
interface Completed {
  readonly bytes: Uint8Array;
  /** Index behind the last byte read. */
  readonly at: number;
  readonly state: number;
  /** A NUL was among the bytes. */
  readonly nul: boolean;
}

/**
 * The slow reader, for the rule `normalise`: takes over a chunk at its first lone CR or LF and writes the rest of it anew with
 * CRLF in place of each. A dot behind a completed line end is an ordinary dot: only a true CRLF makes one special, so what
 * looked like a false end stays text. Reads `data` from `from` in `state` until its end or the end of content.
 */
function completeLineEnds(data: Uint8Array, from: number, state: number): Completed {
  const out = new Uint8Array(2 * (data.length - from) + 2);
  let size = 0;
  let at = from;
  let nul = false;
  while (at < data.length && state !== ENDED) {
    const c = data[at]!;
    switch (state) {
      case LINE_START:
        state = c === DOT ? AFTER_DOT : INSIDE;
        if (c === DOT) at++;
        break;
      case AFTER_DOT:
        state = c === CR ? AFTER_DOT_CR : INSIDE;
        if (c === CR) at++;
        break;
      case AFTER_DOT_CR:
        state = c === LF ? ENDED : INSIDE;
        if (c === LF) at++;
        else {
          out[size++] = CR;
          out[size++] = LF;
        }
        break;
      case AFTER_CR: // a lone CR gets its LF; a CRLF goes through
        state = c === LF ? LINE_START : INSIDE;
        if (c === LF) at++;
        out[size++] = LF;
        break;
      default: // INSIDE
        at++;
        if (c === NUL) nul = true;
        if (c === LF) out[size++] = CR;
        if (c === CR) state = AFTER_CR;
        out[size++] = c;
        break;
    }
  }
  return { bytes: out.subarray(0, size), at, state, nul };
}
