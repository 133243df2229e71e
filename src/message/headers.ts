/**
 * The header block as a list of raw fields. Bytes of a field are kept exactly as they arrived, folding included.
 *
 * A field is an object with identity: edits that speak of "the second Subject this filter saw" are bound to the object,
 * so filters that worked side by side do not shift each other's positions. Fields are immutable.
 */
import { latin1 } from './text.ts';

const CR = 13;
const LF = 10;
const COLON = 58;
const SPACE = 32;
const TAB = 9;

/** One header field. */
export class HeaderField {
  /** The whole field with its final CRLF; folds are CRLF followed by white space. Not to be written to. */
  readonly raw: Uint8Array;
  /** Name without colon and without white space before it; original case; byte string. */
  readonly name: string;
  /** Index in `raw` of the first byte after the colon. */
  readonly valueStart: number;
  /** Our own trace field: not shown to filters and not counted by them (milter reference 12.1). */
  readonly own: boolean;

  constructor(raw: Uint8Array, name: string, valueStart: number, own = false) {
    this.raw = raw;
    this.name = name;
    this.valueStart = valueStart;
    this.own = own;
  }

  /** Lower-case name for comparison. */
  get key(): string {
    return this.name.toLowerCase();
  }

  /** Bytes after the colon without the final CRLF; folds still CRLF. A view, not a copy. */
  get value(): Uint8Array {
    return this.raw.subarray(this.valueStart, this.raw.length - 2);
  }

  /** The value as an unfolded byte string, surrounding white space removed. */
  text(): string {
    return latin1(this.value)
      .replace(/\r?\n(?=[ \t])/g, '')
      .trim();
  }
}

/**
 * A field made by us or by a filter. `value` is a byte string with LF or CRLF between folded lines; it is written
 * directly after the colon, so the caller supplies the leading space. Throws RangeError for a name or value that would
 * break out of the field (RFC 5322 2.2): illegal name, a continuation line without leading white space, a lone CR, NUL.
 */
export function makeField(name: string, value: string, own = false): HeaderField {
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) throw new RangeError('header field name is not printable ASCII');
  const text = value.replace(/\r\n/g, '\n');
  if (/[\r\0]/.test(text)) throw new RangeError('header field value holds a lone CR or a NUL');
  if (/\n(?![ \t])/.test(text))
    throw new RangeError('header field value holds a line that is no continuation');
  const whole = `${name}:${text.replaceAll('\n', '\r\n')}\r\n`;
  const raw = new Uint8Array(whole.length);
  for (let i = 0; i < whole.length; i++) raw[i] = whole.charCodeAt(i);
  return new HeaderField(raw, name, name.length + 1, own);
}

/**
 * One complete field from its bytes (with final CRLF), or null when the line is no header field: no colon, nothing or a
 * blank before it, or a character that may not stand in a name (RFC 5322 3.6.8). White space before the colon is tolerated
 * as Sendmail and Postfix do.
 */
export function parseField(raw: Uint8Array): HeaderField | null {
  let at = 0;
  while (at < raw.length) {
    const c = raw[at]!;
    if (c === COLON || c === SPACE || c === TAB) break;
    if (c < 33 || c > 126) return null;
    at++;
  }
  if (at === 0) return null;
  let colon = at;
  while (raw[colon] === SPACE || raw[colon] === TAB) colon++;
  if (raw[colon] !== COLON) return null;
  return new HeaderField(raw, latin1(raw, 0, at), colon + 1);
}

/**
 * Cuts fields off the front of a byte stream.
 *
 * Feed chunks of un-stuffed content; complete fields come out as soon as the next line shows that they are complete. After
 * the blank line (or the first line that is no field, which then belongs to the body) `done` is set and everything further
 * is body. A field that lies within one chunk is a view of it; only one that spans chunks is copied. However the stream is
 * cut, every byte is searched once and copied a bounded number of times.
 */
export class HeaderSplitter {
  /** The header block has ended. */
  done = false;
  /** Bytes of the header block so far, blank line included. */
  size = 0;
  /** The start of a field that is not complete: a view of one chunk, or a buffer of our own with room for more. */
  #held: Uint8Array = NOTHING;
  #heldLength = 0;

  /** Takes the next chunk; appends complete fields to `out`; returns body bytes found behind the header, or null. */
  push(chunk: Uint8Array, out: HeaderField[]): Uint8Array | null {
    if (chunk.length === 0) return null;
    if (this.done) return chunk;
    let start = 0;
    if (this.#heldLength > 0) {
      start = this.#heldEnd(chunk);
      if (start < 0) return this.#hold(chunk);
      const raw = joined(this.#take(), chunk.subarray(0, start));
      if (raw.length === 2 && raw[0] === CR) return this.#finish(chunk, start, 2);
      if (!this.#add(raw, out)) return this.#finish(joined(raw, chunk.subarray(start)), 0, 0);
    }
    while (start < chunk.length) {
      const end = fieldEnd(chunk, start);
      if (end < 0) return this.#hold(chunk.subarray(start));
      if (end === start + 2 && chunk[start] === CR) return this.#finish(chunk, end, 2);
      if (!this.#add(chunk.subarray(start, end), out)) return this.#finish(chunk, start, 0);
      start = end;
    }
    return null;
  }

  /** Bytes held back because their field is not complete yet. */
  get pending(): number {
    return this.#heldLength;
  }

  /** The content ended: gives out what was held back. A header block without blank line is legal; the body is empty. */
  end(out: HeaderField[]): Uint8Array | null {
    if (this.done) return null;
    this.done = true;
    if (this.#heldLength === 0) return null;
    const held = this.#take();
    return this.#add(held, out) ? null : held;
  }

  #add(raw: Uint8Array, out: HeaderField[]): boolean {
    const field = parseField(raw);
    if (field === null) return false;
    out.push(field);
    this.size += raw.length;
    return true;
  }

  #finish(data: Uint8Array, bodyAt: number, blank: number): Uint8Array | null {
    this.done = true;
    this.size += blank;
    return bodyAt < data.length ? data.subarray(bodyAt) : null;
  }

  /** Where in the next chunk the held field ends; -1 when it goes on. Only the last held byte can matter: the rest is known. */
  #heldEnd(chunk: Uint8Array): number {
    const last = this.#held[this.#heldLength - 1];
    if (last === LF) return isBlank(chunk[0]) ? lineEnd(chunk, 0) : 0;
    if (last === CR && this.#heldLength === 1 && chunk[0] === LF) return 1; // the blank line needs no look-ahead
    return lineEnd(chunk, 0);
  }

  /** Room doubles, so that many small chunks cost neither a copy of everything each nor an object each. */
  #hold(chunk: Uint8Array): null {
    const length = this.#heldLength + chunk.length;
    if (this.#heldLength === 0) this.#held = chunk;
    else {
      if (length > this.#held.length) {
        const roomier = new Uint8Array(Math.max(length, 2 * this.#held.length));
        roomier.set(this.#held.subarray(0, this.#heldLength));
        this.#held = roomier;
      }
      this.#held.set(chunk, this.#heldLength);
    }
    this.#heldLength = length;
    return null;
  }

  #take(): Uint8Array {
    const held = this.#held.subarray(0, this.#heldLength);
    this.#held = NOTHING;
    this.#heldLength = 0;
    return held;
  }
}

const NOTHING = new Uint8Array(0);

/** End of the line or folded field that starts at `start`; -1 when more bytes are needed to know. */
function fieldEnd(data: Uint8Array, start: number): number {
  // The blank line needs no look-ahead.
  return data[start] === CR && data[start + 1] === LF ? start + 2 : lineEnd(data, start);
}

/** Behind the first LF from `from` on that no white space follows; -1 when more bytes are needed to know. */
function lineEnd(data: Uint8Array, from: number): number {
  for (;;) {
    const lf = data.indexOf(LF, from);
    if (lf < 0 || lf + 1 === data.length) return -1;
    if (!isBlank(data[lf + 1])) return lf + 1;
    from = lf + 1;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
