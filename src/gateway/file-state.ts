/** What `stat` tells of a file that is read again when it changes. Pure. */
import type { Stats } from 'node:fs';

/** Milliseconds since its last change after which a file counts as finished. */
const REST = 1000;

/** Which file stands there, and since when: what tells one state of a file from another. */
export function fileState({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/**
 * Whether a file is finished: one that is written in place is not to be read half-way. `now` in milliseconds since 1970. A time in
 * the future is a clock of another machine: that one is not waited for.
 */
export function atRest({ mtimeMs }: Stats, now: number): boolean {
  return Math.abs(now - mtimeMs) >= REST;
}
