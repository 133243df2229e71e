/**
 * Takes the header off a body that begins with it: one MTA sends the whole message as body (milter reference 18).
 *
 * Only when every field sent as HEADER stands there again, in order and with the same value, and then a blank line; anything
 * else passes untouched, byte for byte. Never fails; holds back at most about twice the bytes of the header.
 */
import { HeaderSplitter, latin1, type HeaderField } from '#message';

/** A name and a value as HEADER carried them, byte strings. */
export interface SentField {
  readonly name: string;
  readonly wire: string;
}

/** See the head of the file. Feed it the body; what comes out is the body proper. */
export class RepeatedHeader {
  readonly #sent: readonly SentField[];
  #splitter: HeaderSplitter | null;
  readonly #fields: HeaderField[] = [];
  #held: Uint8Array[] = [];
  /** Bytes that may still be held back. */
  #room = 4096;

  constructor(sent: readonly SentField[]) {
    this.#sent = sent;
    for (const { name, wire } of sent) this.#room += 2 * (name.length + wire.length) + 8;
    this.#splitter = sent.length > 0 ? new HeaderSplitter() : null;
  }

  /** Takes a chunk; returns what is known to be body. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const splitter = this.#splitter;
    if (splitter === null) return [chunk];
    this.#room -= chunk.length;
    if (this.#held.length === 0 && !beginsWith(chunk, this.#sent[0]!.name)) return this.#give(chunk);
    const from = this.#fields.length;
    const rest = splitter.push(chunk, this.#fields);
    for (let i = from; i < this.#fields.length; i++)
      if (!same(this.#fields[i]!, this.#sent[i])) return this.#give(chunk);
    if (!splitter.done) {
      if (this.#room < 0) return this.#give(chunk);
      this.#held.push(chunk);
      return [];
    }
    // A header that ends in a line that is no field has no blank line, and was no repetition.
    const fields = this.#fields.reduce((sum, field) => sum + field.raw.length, 0);
    if (this.#fields.length < this.#sent.length || splitter.size === fields) return this.#give(chunk);
    this.#splitter = null;
    this.#held = [];
    return rest === null ? [] : [rest];
  }

  /** The body ended: what was held back was body after all. */
  end(): readonly Uint8Array[] {
    return this.#splitter === null ? [] : this.#give();
  }

  #give(...last: Uint8Array[]): readonly Uint8Array[] {
    const all = [...this.#held, ...last];
    this.#splitter = null;
    this.#held = [];
    return all;
  }
}

/** The chunk may be the beginning of that field: as far as it goes it is. */
function beginsWith(chunk: Uint8Array, name: string): boolean {
  const length = Math.min(chunk.length, name.length);
  return latin1(chunk, 0, length).toLowerCase() === name.slice(0, length).toLowerCase();
}

function same(field: HeaderField, sent: SentField | undefined): boolean {
  if (sent === undefined || field.key !== sent.name.toLowerCase()) return false;
  return field.text() === sent.wire.replace(/\r?\n(?=[ \t])/g, '').trim();
}
