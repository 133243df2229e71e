/**
 * Content of entries that were just committed, so that delivery need not read it back.
 *
 * Holds the records that were written anyway, no copies; bounded in bytes, the oldest goes first. A miss is normal.
 */
import type { EntryContent } from './store.ts';

export class ContentCache {
  readonly #max: number;
  readonly #kept = new Map<string, { readonly content: EntryContent; readonly bytes: number }>();
  #bytes = 0;

  /** `max`: bytes; 0 keeps nothing. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  put(id: string, content: EntryContent, bytes: number): void {
    this.drop(id);
    if (bytes > this.#max) return;
    this.#kept.set(id, { content, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#max) break;
      this.drop(oldest);
    }
  }

  get(id: string): EntryContent | undefined {
    return this.#kept.get(id)?.content;
  }

  drop(id: string): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    this.#bytes -= kept.bytes;
  }
}
