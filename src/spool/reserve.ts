/**
 * Room in lmdb's data file before lmdb needs it: zeros are appended ahead, so that no page it writes can find the disk full.
 *
 * lmdb does not survive a page write that fails (it may end the process), and a sync is cheaper when the file does not grow.
 * Appending never touches what lmdb wrote, in this process or another. A failed extension is a SpoolError and changes nothing.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { spoolError } from './errors.ts';

/** Bytes appended at a time, when the disk has eight times as much. */
const STEP = 8 * 1024 * 1024;
const ZEROS = new Uint8Array(256 * 1024);

export class Reserve {
  readonly #file: FileHandle;
  #size: number;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** `path`: lmdb's data file, which exists. */
  static async open(path: string): Promise<Reserve> {
    const file = await open(path, 'a');
    return new Reserve(file, (await file.stat()).size);
  }

  /** Size of the data file in bytes, as far as this process knows: another may have extended it. */
  get size(): number {
    return this.#size;
  }

  /** Appends at least `bytes`, more when `free` bytes of the disk allow it. Rejects with SpoolError. */
  async extend(bytes: number, free: number): Promise<void> {
    let left = Math.max(bytes, Math.min(STEP, Math.floor(free / 8)));
    try {
      while (left > 0) {
        const { bytesWritten } = await this.#file.writev([ZEROS.subarray(0, Math.min(left, ZEROS.length))]);
        left -= bytesWritten;
      }
      await this.#file.datasync();
    } catch (error) {
      throw spoolError(error, 'making room');
    } finally {
      await this.look();
    }
  }

  /** Looks how long the file is. Never throws: when the file system does not answer, the last answer stands. */
  async look(): Promise<void> {
    this.#size = await this.#file.stat().then(
      (stat) => stat.size,
      () => this.#size,
    );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
