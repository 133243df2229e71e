/**
 * What the other workers counted, for the one that shows it: asked of the supervisor, which asks them.
 *
 * Nobody waits long: who does not answer in time is left out, and shown the next time. Never rejects.
 */
import type { Clock } from '#clock';
import type { Snapshot } from '../metrics/index.ts';

/** Milliseconds for the supervisor's answer, and for that of a worker to the supervisor. */
export const ALL_LIMIT = 2000;
export const ONE_LIMIT = 1500;

/** See above. */
export class Colleagues {
  readonly #clock: Clock;
  readonly #asks: (id: number) => void;
  readonly #waiting = new Map<number, (snapshots: readonly Snapshot[]) => void>();
  #asked = 0;

  /** `asks` sends the question; the answer comes by `hear`. */
  constructor(clock: Clock, asks: (id: number) => void) {
    this.#clock = clock;
    this.#asks = asks;
  }

  /** What the others counted; empty when nobody answers. */
  ask(): Promise<readonly Snapshot[]> {
    const id = this.#asked++;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ALL_LIMIT, () => this.hear(id, []));
      this.#waiting.set(id, (snapshots) => {
        cancel();
        resolve(snapshots);
      });
      this.#asks(id);
    });
  }

  /** The answer; one that is too late is forgotten. */
  hear(id: number, snapshots: readonly Snapshot[]): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(snapshots);
  }
}
