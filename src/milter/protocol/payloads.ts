/**
 * Reads the parts of a payload: numbers and NUL-ended strings (milter reference 2).
 *
 * A cursor over one payload; every read that would go beyond the end throws `frame_invalid`. Copies nothing but text.
 */
import { latin1 } from '#message';
import { MilterProtocolError } from './errors.ts';

/** See the head of the file. `what` names the frame in errors. */
export class Payload {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;

  constructor(bytes: Uint8Array, what: string, at = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = at;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    if (this.left < 1) throw this.invalid('is too short');
    return this.#bytes[this.#at++]!;
  }

  uint16(): number {
    return this.byte() * 256 + this.byte();
  }

  uint32(): number {
    return this.uint16() * 65536 + this.uint16();
  }

  /** The next string, without its NUL. */
  string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw this.invalid('holds a string without its NUL');
    const text = latin1(this.#bytes, this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** All strings that are left. */
  strings(): string[] {
    const all: string[] = [];
    while (this.left > 0) all.push(this.string());
    return all;
  }

  /** As `strings`, but what stands behind the last NUL counts as a string too. */
  looseStrings(): string[] {
    const all: string[] = [];
    while (this.left > 0) {
      if (this.#bytes.indexOf(0, this.#at) >= 0) all.push(this.string());
      else {
        all.push(latin1(this.#bytes, this.#at));
        this.#at = this.#bytes.length;
      }
    }
    return all;
  }

  /** Nothing may be left. */
  done(): void {
    if (this.left > 0) throw this.invalid('holds more than belongs there');
  }

  /** The error for this payload. */
  invalid(why: string): MilterProtocolError {
    return new MilterProtocolError('frame_invalid', `the payload of ${this.#what} ${why}`);
  }
}
