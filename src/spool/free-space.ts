/**
 * How much new mail the disk can take: the guard that answers 452 before the store can fill.
 *
 * The file system is asked at most once a second, off the main thread, and only when somebody wants to know. Between two
 * answers, bytes that were committed are taken off, so a burst cannot run through the floor. Never throws: when the file
 * system does not answer, the last answer stands.
 */
import { statfs } from 'node:fs/promises';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';

/** Milliseconds between two questions to the file system. */
const INTERVAL = 1000;
/** The floor when none is given: 64 MiB, on small volumes an eighth. */
const DEFAULT_FLOOR = 64 * 1024 * 1024;

/** Part of the floor that must be free above it before space counts as back: else it is told of every second. */
const BACK = 1 / 64;

export interface FreeSpaceOptions {
  readonly dir: string;
  /** Bytes never to be used for new mail. */
  readonly floor?: number;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Bytes inside the store's own file that can be used again. */
  readonly reusable: () => number;
}

export class FreeSpace {
  /** Bytes of the volume, and those of them that nothing uses, as last known. */
  volume = 0;
  available = 0;
  readonly #options: FreeSpaceOptions;
  #bytes = 0;
  #floor = 0;
  #askedAt = 0;
  #asking: Promise<void> | null = null;
  #low = false;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** Bytes free above the floor as last known. Starts a look at the file system when the last one is a second old. */
  bytes(): number {
    if (this.#asking === null && this.#options.clock.elapsed() - this.#askedAt >= INTERVAL) void this.ask();
    return this.#bytes;
  }

  /** Takes off what was written since. */
  used(bytes: number): void {
    this.#bytes -= bytes;
    this.#tell();
  }

  /** Looks at the file system now; concurrent calls share one look. */
  ask(): Promise<void> {
    this.#askedAt = this.#options.clock.elapsed();
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { dir, floor, reusable } = this.#options;
    try {
      const fs = await statfs(dir);
      this.volume = fs.blocks * fs.bsize;
      this.available = fs.bavail * fs.bsize;
      this.#floor = floor ?? Math.min(DEFAULT_FLOOR, this.volume / 8);
      this.#bytes = this.available - this.#floor + reusable();
    } catch {
      return; // the next commit finds out what is wrong
    }
    this.#tell();
  }

  /** Says when mail begins to be refused, and when there is so much room again that it will not be refused at once. */
  #tell(): void {
    if (this.#low ? this.#bytes <= this.#floor * BACK : this.#bytes > 0) return;
    this.#low = !this.#low;
    this.#options.notices(this.#low ? 'spool.low' : 'spool.spaceBack', { free: this.#bytes });
  }
}
