/**
 * Asks the file system whether it takes writes at all, before lmdb finds out: a small file beside the data file is written to.
 * For the spool's lmdb here, and for the journal's.
 *
 * A page that lmdb cannot write may cost the process (docs/durability.md), and a volume that the kernel has made read-only, or
 * shut down after an error, refuses every page. Here such a volume costs one group of changes its commit instead. What goes wrong
 * between this question and lmdb's own writes is not seen. Nothing is ever read from the file, and nothing synced.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isNoRoom, spoolError } from './errors.ts';

const MARK = new Uint8Array([1]);

export class Probe {
  readonly #path: string;
  #file: Promise<FileHandle> | null = null;
  /** It has been written before, so it has its place on the disk. */
  #placed = false;

  /** `path`: a file of its own on the volume of the data file; made when it is first needed. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Resolves when a write came through. Rejects with SpoolError when not. A disk without room for the file itself is no failure
   * (the data file has its room ahead); one that has no room to overwrite it copies what it writes, and is `full` for lmdb too.
   */
  async ask(): Promise<void> {
    try {
      const file = await (this.#file ??= this.#opened());
      await file.write(MARK, 0, 1, 0);
      this.#placed = true;
    } catch (error) {
      if (isNoRoom(error) && !this.#placed) return;
      throw spoolError(error, 'writing');
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await (await file)?.close();
  }

  /** One that could not be opened is opened anew the next time. */
  async #opened(): Promise<FileHandle> {
    try {
      return await open(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    } catch (error) {
      this.#file = null;
      throw error;
    }
  }
}
