/**
 * Watches for a wall clock that was set back, and then lets no entry wait for a time that was meant by the clock as it was.
 *
 * Due times are dates. After a jump of a day into the past every retry would come a day late; so whatever is due later than the
 * longest wait from now is made due at once: an attempt too early does no harm. A start counts as such a moment, since the clock may
 * have been corrected between two runs. Jumps forward need nothing: entries come early, and expire by schedule.ts.
 */
import { JITTER } from './schedule.ts';
import type { DeliveryOptions } from './options.ts';

/** A clock that goes back by less is being adjusted, not set. Milliseconds. */
const SLACK = 1000;

/** See above. */
export class SetBack {
  readonly #options: Pick<DeliveryOptions, 'clock' | 'spool' | 'notices'>;
  readonly #retry: () => readonly number[];
  /** Wall clock minus the time that really passes, when last asked. */
  #ahead = Infinity;

  /** `retry`: the waits between attempts as they are now, in milliseconds. */
  constructor(options: Pick<DeliveryOptions, 'clock' | 'spool' | 'notices'>, retry: () => readonly number[]) {
    this.#options = options;
    this.#retry = retry;
  }

  /** To be called before entries are claimed. Rejects with SpoolError; then the next call tries again. */
  async mend(): Promise<void> {
    const { clock, spool, notices } = this.#options;
    const now = clock.now();
    const ahead = now - clock.elapsed();
    if (this.#ahead - ahead >= SLACK) {
      const longest = Math.max(...this.#retry()) * (1 + JITTER);
      const entries = await spool.hasten(Math.ceil(now + longest), now);
      if (entries > 0) notices('delivery.hastened', { entries });
    }
    this.#ahead = ahead;
  }
}
