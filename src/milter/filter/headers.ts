/**
 * The header a handler reads and edits by intent; edit positions are worked out later (header-edits.ts).
 *
 * Values are decoded when asked for; bytes that are no UTF-8 survive untouched unless the author replaces the field. An edit
 * that was not granted, that would break out of its field, or that comes after the answer throws FilterError at the call.
 */
import { byteStringOf, bytesOf, latin1, utf8Of } from '#message';
import type { Action } from './actions.ts';
import { FilterError } from './errors.ts';

/** One field. */
export interface Header {
  /** As received, case kept. */
  readonly name: string;
  /** Readable text: unfolded, without surrounding white space, UTF-8 when it is well formed, else Latin-1. */
  readonly value: string;
  /** The value's bytes as the MTA sent them: folds are LF and white space. */
  readonly raw: Uint8Array;
}

/** What handlers see. Iterates over the fields in order, edits included. Names are compared in any case. */
export interface Headers extends Iterable<Header> {
  /** Value of the first field of that name. */
  get(name: string): string | undefined;
  /** All fields of that name. */
  all(name: string): readonly Header[];
  /** A new last field. Text is written as UTF-8, bytes as they are; folded lines are separated by LF or CRLF. */
  add(name: string, value: string | Uint8Array): void;
  /**
   * A new first field: below the trace field the MTA itself writes, where signatures go; `top` puts it above that one,
   * where RFC 8601 (5) wants Authentication-Results.
   */
  prepend(name: string, value: string | Uint8Array, place?: 'belowTrace' | 'top'): void;
  /** A new field before the first one called `header`; the last field when there is none. */
  insertBefore(name: string, header: string, value: string | Uint8Array): void;
  /** Exactly one field of that name: the first gets the value, others go; added at the end when there was none. */
  set(name: string, value: string | Uint8Array): void;
  /** No field of that name. */
  remove(name: string): void;
}

/** A field and what became of it. `seen`: the MTA sent it; others are new. */
export interface Slot extends Header {
  readonly seen: boolean;
  /** Byte string as received (seen) or to be written (new). */
  readonly wire: string;
  /** New value of a seen field, byte string. */
  change: string | null;
  removed: boolean;
}

/** The header of one message. `may` throws when the action was not granted; see MessageEdits. */
export class HeaderList implements Headers {
  /** Seen and new fields in their final order, removed ones still in place. */
  readonly slots: Slot[] = [];
  /** Fields to go above everything, the topmost first. */
  readonly top: Slot[] = [];
  /** Bytes received. */
  size = 0;
  readonly #may: (...actions: readonly Action[]) => void;

  constructor(may: (...actions: readonly Action[]) => void) {
    this.#may = may;
  }

  /** A field from the wire, byte strings. */
  receive(name: string, wire: string): void {
    this.size += name.length + wire.length + 4;
    this.slots.push(slot(name, wire, true));
  }

  *[Symbol.iterator](): Iterator<Header> {
    yield* this.top;
    for (const s of this.slots) if (!s.removed) yield s;
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase();
    for (const header of this) if (header.name.toLowerCase() === key) return header.value;
    return undefined;
  }

  all(name: string): readonly Header[] {
    const key = name.toLowerCase();
    return [...this].filter((h) => h.name.toLowerCase() === key);
  }

  add(name: string, value: string | Uint8Array): void {
    this.#may('addHeaders');
    this.slots.push(slot(checkedName(name), wireValue(name, value), false));
  }

  prepend(name: string, value: string | Uint8Array, place: 'belowTrace' | 'top' = 'belowTrace'): void {
    this.#may('addHeaders');
    const list = place === 'top' ? this.top : this.slots;
    list.unshift(slot(checkedName(name), wireValue(name, value), false));
  }

  insertBefore(name: string, header: string, value: string | Uint8Array): void {
    this.#may('addHeaders');
    const key = header.toLowerCase();
    const at = this.slots.findIndex((s) => !s.removed && s.name.toLowerCase() === key);
    const made = slot(checkedName(name), wireValue(name, value), false);
    this.slots.splice(at < 0 ? this.slots.length : at, 0, made);
  }

  set(name: string, value: string | Uint8Array): void {
    const wire = wireValue(checkedName(name), value);
    const live = this.#live(name);
    const first = live.shift();
    if (first === undefined) {
      this.#may('addHeaders', 'changeHeaders');
      this.slots.push(slot(name, wire, false));
      return;
    }
    if (first.seen) {
      const same = first.wire === wire;
      if (!same || first.change !== null) this.#may('changeHeaders');
      first.change = same ? null : wire;
    } else this.#replace(first, slot(first.name, wire, false));
    for (const other of live) this.#remove(other);
  }

  remove(name: string): void {
    for (const s of this.#live(name)) this.#remove(s);
  }

  #live(name: string): Slot[] {
    const key = name.toLowerCase();
    return [...this.top, ...this.slots].filter((s) => !s.removed && s.name.toLowerCase() === key);
  }

  #remove(s: Slot): void {
    if (s.seen) {
      this.#may('changeHeaders');
      s.removed = true;
    } else this.#replace(s);
  }

  #replace(old: Slot, ...made: Slot[]): void {
    for (const list of [this.top, this.slots]) {
      const at = list.indexOf(old);
      if (at >= 0) list.splice(at, 1, ...made);
    }
  }
}

function slot(name: string, wire: string, seen: boolean): Slot {
  return {
    name,
    seen,
    wire,
    change: null,
    removed: false,
    get value() {
      return utf8Of((this.change ?? this.wire).replace(/\r?\n(?=[ \t])/g, '').trim());
    },
    get raw() {
      return bytesOf(this.change ?? this.wire);
    },
  };
}

function checkedName(name: string): string {
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name))
    throw new FilterError('edit', `${JSON.stringify(name.slice(0, 60))} is no header name`);
  return name;
}

/** Byte string with LF folding; refuses what would become a new field or end the header (RFC 5322 2.2). */
function wireValue(name: string, value: string | Uint8Array): string {
  const text = (typeof value === 'string' ? byteStringOf(value) : latin1(value)).replace(/\r\n/g, '\n');
  if (/[\r\0]/.test(text)) throw new FilterError('edit', `the value of ${name} holds a lone CR or a NUL`);
  if (/\n(?![ \t]+[^\s])/.test(text))
    throw new FilterError('edit', `the value of ${name} holds a line that is no continuation`);
  return text;
}
