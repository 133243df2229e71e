/**
 * Asks the file system whether it takes writes at all, before lmdb finds out: a small file beside the data file is written to.
 * For the spool's lmdb here, and for the journal's.
 *
 * A page that lmdb cannot write may cost the process (docs/durability.md), and a volume that the kernel has made read-only, or
 * shut down after an error, refuses every page. Here such a volume costs one group of changes its commit instead. The first is seen
 * at every question, at once; for the second a write counts that came through lately, and the next one is sent on its way before
 * it is too old, so that on a busy volume nobody waits for it. What goes wrong between this question and lmdb's own writes is not
 * seen. Nothing is ever read from the file, and nothing synced.
 */
import { accessSync, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '#clock';
import { isNoRoom, spoolError } from './errors.ts';

const MARK = new Uint8Array([1]);
/** Milliseconds for which a write that came through counts. */
const FRESH_MS = 50;
/** From here on another is written beside a commit: swift ones share it. */
const AGEING_MS = 5;

export class Probe {
  readonly #path: string;
  readonly #clock: Clock;
  #file: FileHandle | null = null;
  /** It has been written before, so it has its place on the disk. */
  #placed = false;
  /** When the last write that came through began; by Clock.elapsed. */
  #good = -Infinity;
  #writing: Promise<void> | null = null;

  /** `path`: a file of its own on the volume of the data file; made when it is first needed. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * Nothing to wait for, or resolves, when writes come through. Throws or rejects with SpoolError when not. A disk without room for
   * the file itself is no failure (the data file has its room ahead); one that has no room to overwrite it copies what it writes,
   * and is `full` for lmdb too.
   */
  ask(): void | Promise<void> {
    const age = this.#clock.elapsed() - this.#good;
    if (age >= FRESH_MS) return this.#write();
    try {
      accessSync(this.#path, constants.W_OK); // the kernel answers from memory
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EROFS') throw spoolError(error, 'writing');
      return this.#write(); // whatever became of the file: a write tells
    }
    if (age >= AGEING_MS) this.#write().catch(() => (this.#good = -Infinity)); // the next question waits, and hears why
  }

  /** The write that is on its way, or a new one. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeNow().finally(() => (this.#writing = null));
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const began = this.#clock.elapsed();
    try {
      this.#file ??= await open(
        this.#path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW,
        0o600,
      );
      await this.#file.write(MARK, 0, 1, 0);
      this.#placed = true;
      this.#good = began;
    } catch (error) {
      if (isNoRoom(error) && !this.#placed) return;
      throw spoolError(error, 'writing');
    }
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#file?.close();
    this.#file = null;
  }
}
