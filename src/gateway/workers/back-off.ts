/** How long to wait before a worker that ended is replaced. Pure. */

/** A worker that was ready for less than this ended at once. Milliseconds. */
const AT_ONCE = 5000;
/** Waits by the number of workers in a row that ended at once; the last repeats. Milliseconds. */
const WAITS = [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000] as const;

/** The memory of one worker's place. */
export class BackOff {
  #failures = 0;

  /** The milliseconds to wait now that a worker ended which had been ready for `readyMs`, 0 when it never was. */
  next(readyMs: number): number {
    this.#failures = readyMs < AT_ONCE ? this.#failures + 1 : 0;
    return WAITS[Math.min(Math.max(0, this.#failures - 1), WAITS.length - 1)]!;
  }
}
