/**
 * Tells when files may have changed: their folders are watched, and all is looked at once a minute besides.
 *
 * Folders, because files are replaced by renaming and links are turned to other files; the minute, because not every file system
 * reports changes and a link's target may lie elsewhere. A folder that cannot be watched is left to the minute. Never throws,
 * never reads a file, never keeps the process alive.
 */
import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Cancel, Clock } from '#clock';

/** Milliseconds between looks when nothing is reported. */
const LOOK_EVERY = 60_000;
/** Milliseconds from the first report of a change to looking: files that belong together are written one after the other. */
const SETTLE = 200;

/** Files under watch, until close(). */
export class WatchedFiles {
  readonly #folders: readonly string[];
  readonly #clock: Clock;
  readonly #look: () => void;
  #watchers: FSWatcher[] = [];
  #minute: Cancel = () => {};
  #soon: Cancel | null = null;
  #closed = false;

  /** `look` is called once at the start, soon after every change in a folder, and every minute. It must not throw. */
  constructor(files: readonly string[], clock: Clock, look: () => void) {
    this.#folders = [...new Set(files.map((file) => dirname(file)))];
    this.#clock = clock;
    this.#look = look;
    this.#round();
  }

  /** Asks for a look in `ms` milliseconds, unless one is due before. */
  lookSoon(ms = SETTLE): void {
    if (this.#closed || this.#soon) return;
    this.#soon = this.#clock.after(ms, () => {
      this.#soon = null;
      this.#look();
    });
  }

  close(): void {
    this.#closed = true;
    this.#minute();
    this.#soon?.();
    this.#unwatch();
  }

  /** Watches anew each time: a folder may have been replaced by another of its name. */
  #round(): void {
    this.#unwatch();
    for (const folder of this.#folders) this.#watch(folder);
    this.#minute = this.#clock.after(LOOK_EVERY, () => this.#round());
    this.#look();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.lookSoon());
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // Not there, or no more watches to be had: the minute will do.
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}
