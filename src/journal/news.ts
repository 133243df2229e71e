/**
 * Tells listeners what is new: what this process wrote, what happens in open parts, and what other processes wrote.
 *
 * Does nothing while nobody listens. Throws what lmdb throws in `hearOthers` alone.
 */
import type { Cancel, Clock } from '#clock';
import type { JournalNews } from './reader.ts';
import { keyOf, type Tables } from './tables.ts';

/** Milliseconds between two looks. */
export const LOOK_EVERY = 250;

/** See the head of the file. */
export class News {
  readonly #clock: Clock;
  readonly #look: () => void;
  readonly #listeners = new Set<(what: JournalNews) => void>();
  #timer: Cancel | null = null;
  /** Counts what happened; and how far it was told. */
  #happened = 0;
  #toldOf = 0;
  /** The last word of each writer. */
  readonly #words = new Map<string, string>();

  /** `look`: called at every look, for what other processes wrote. */
  constructor(clock: Clock, look: () => void) {
    this.#clock = clock;
    this.#look = look;
  }

  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  listen(listener: (what: JournalNews) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= this.#clock.after(LOOK_EVERY, () => this.#tick());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  /** Something happened that is not written yet. */
  happened(): void {
    this.#happened++;
  }

  tell(ids: readonly string[], conversations: boolean): void {
    const news = { history: ids.length > 0, conversations, ids };
    for (const listener of this.#listeners) listener(news);
  }

  /** What other processes have written since the last time. */
  hearOthers(tables: Tables): void {
    tables.freshen();
    const words = tables.meta.getRange({ start: keyOf('w/'), end: keyOf('w/~'), snapshot: false });
    for (const { key, value } of words) {
      const writer = key.toString('latin1');
      const word = value.toString('utf8');
      const before = this.#words.get(writer);
      this.#words.set(writer, word);
      if (before === undefined || before === word) continue;
      const [, parts, ids] = JSON.parse(word) as [number, number, string[]];
      this.tell(ids, parts !== (JSON.parse(before) as [number, number])[1]);
    }
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #tick(): void {
    this.#timer = this.#clock.after(LOOK_EVERY, () => this.#tick());
    if (this.#happened !== this.#toldOf) this.tell([], true);
    this.#toldOf = this.#happened;
    this.#look();
  }
}
