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
 * is body. A field that lies within one chunk is a view of it; only one that spans chunks is copied.
 */
export class HeaderSplitter {
  /** The header block has ended. */
  done = false;
  /** Bytes of the header block so far, blank line included. */
  size = 0;
  #held: Uint8Array | null = null;

  /** Takes the next chunk; appends complete fields to `out`; returns body bytes found behind the header, or null. */
  push(chunk: Uint8Array, out: HeaderField[]): Uint8Array | null {
    if (this.done) return chunk.length ? chunk : null;
    const data = this.#held ? joined(this.#held, chunk) : chunk;
    this.#held = null;
    let start = 0;
    for (;;) {
      const end = fieldEnd(data, start);
      if (end < 0) {
        if (start < data.length) this.#held = data.subarray(start);
        return null;
      }
      if (end === start + 2 && data[start] === CR) return this.#finish(data, end, end - start);
      const field = parseField(data.subarray(start, end));
      if (field === null) return this.#finish(data, start, 0);
      out.push(field);
      this.size += end - start;
      start = end;
    }
  }

  /** Bytes held back because their field is not complete yet. */
  get pending(): number {
    return this.#held?.length ?? 0;
  }

  /** The content ended: gives out what was held back. A header block without blank line is legal; the body is empty. */
  end(out: HeaderField[]): Uint8Array | null {
    if (this.done) return null;
    this.done = true;
    const held = this.#held;
    this.#held = null;
    if (!held) return null;
    const field = parseField(held);
    if (field === null) return held;
    out.push(field);
    this.size += held.length;
    return null;
  }

  #finish(data: Uint8Array, bodyAt: number, blank: number): Uint8Array | null {
    this.done = true;
    this.size += blank;
    return bodyAt < data.length ? data.subarray(bodyAt) : null;
  }
}

/** End of the line or folded field that starts at `start`; -1 when more bytes are needed to know. */
function fieldEnd(data: Uint8Array, start: number): number {
  let from = start;
  for (;;) {
    const lf = data.indexOf(LF, from);
    if (lf < 0) return -1;
    if (lf === start + 1 && data[start] === CR) return lf + 1; // the blank line needs no look-ahead
    const next = data[lf + 1];
    if (next === undefined) return -1;
    if (next !== SPACE && next !== TAB) return lf + 1;
    from = lf + 1;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
