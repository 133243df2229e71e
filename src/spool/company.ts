/**
 * The entries that come with a change of another (notices): prepared before it, remembered or taken back after it.
 *
 * After a failure the store is asked whether they are there. Those that are not leave no body file behind. Where it cannot be
 * asked (lmdb broke), they are kept as they are, and the next try with the same entry uses them again: tries do not pile up files.
 * Only a process that ends before the next try leaves a file, which a start sweeps.
 */
import { prepare } from './insert.ts';
import type { Insert } from './insert.ts';
import { readEntry } from './parts.ts';
import type { Parts } from './parts.ts';
import type { NewEntry } from './store.ts';

export class Company {
  readonly #parts: Parts;
  /** Those of which it is not known whether they are there. */
  readonly #unsure = new WeakMap<NewEntry, Insert>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Prepares several entries; when one fails, nothing of the others is left. Rejects with IllegalMove or SpoolError. */
  async prepare(also: readonly NewEntry[]): Promise<readonly Insert[]> {
    const inserts: Insert[] = [];
    try {
      for (const entry of also)
        inserts.push(this.#unsure.get(entry) ?? (await prepare(this.#parts, entry, true)));
    } catch (error) {
      this.notHappened(also, inserts);
      throw error;
    }
    return inserts;
  }

  /** The change is on disk. */
  happened(inserts: readonly Insert[]): void {
    for (const insert of inserts) insert.committed();
  }

  /** The change failed or was not to be: their files go when it is certain that they are not there. */
  notHappened(also: readonly NewEntry[], inserts: readonly Insert[]): void {
    for (const [i, insert] of inserts.entries()) {
      const entry = also[i]!;
      if (this.#isAbsent(entry.meta.id)) {
        this.#unsure.delete(entry);
        insert.failed();
      } else this.#unsure.set(entry, insert);
    }
  }

  #isAbsent(id: string): boolean {
    try {
      this.#parts.tables.freshen();
      return readEntry(this.#parts, id) === null;
    } catch {
      return false;
    }
  }
}
