/** Keeps long work from holding up mail: lets the event loop go on every few milliseconds. */

/** Milliseconds of work in one go. */
const SLICE = 4;

/** See above. */
export class Pace {
  #since = performance.now();

  /** A promise when it is time to let others go on. */
  rest(): Promise<void> | undefined {
    if (performance.now() - this.#since < SLICE) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = performance.now();
        resolve();
      });
    });
  }
}
