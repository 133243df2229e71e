/** How many parts of conversations are kept: added up from the heads of the directories, a block at most once. */
import { linesIn } from './line-code.ts';
import type { Table } from './tables.ts';

/** See above. Throws what lmdb throws. */
export class PartCount {
  /** Lines by key of their block. */
  #known = new Map<string, number>();

  of(lines: Table): number {
    const present = new Map<string, number>();
    let sum = 0;
    for (const key of lines.getKeys({ snapshot: false })) {
      const name = key.toString('latin1');
      const count = this.#known.get(name) ?? linesIn(lines.get(key) ?? Buffer.alloc(0));
      present.set(name, count);
      sum += count;
    }
    this.#known = present;
    return sum;
  }
}
