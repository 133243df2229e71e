/**
 * A file of lines that are on disk before `add` resolves. Lines added while a sync is under way share the next one, so that
 * a witness can write down everything before it answers and still be fast. Rejects when the disk refuses.
 */
import { open, type FileHandle } from 'node:fs/promises';

interface Waiting {
  readonly line: string;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class SyncedLog {
  readonly #file: FileHandle;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens (or makes) a file to append to. */
  static async open(path: string): Promise<SyncedLog> {
    return new SyncedLog(await open(path, 'a'));
  }

  /** Appends one value as a JSON line; resolves when it is on disk. */
  add(value: unknown): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ line: JSON.stringify(value) + '\n', done, failed });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Waits for what was added, then closes the file. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  /** Rounds of write and sync until nobody waits; each caller is told by its own round. Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.appendFile(round.map((w) => w.line).join(''), 'latin1');
        await this.#file.datasync();
        for (const { done } of round) done();
      } catch (error) {
        for (const { failed } of round) failed(error);
      }
    }
    this.#writing = undefined;
  }
}
