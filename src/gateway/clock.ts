/** The real clock. The only place that asks the machine for the time or sets its timers. */
import { performance } from 'node:perf_hooks';
import type { Cancel, Clock } from '#clock';

/** Longest delay that the machine's own timers take without firing at once. */
const LONGEST = 2 ** 31 - 1;

/** Wall clock, monotonic clock and timers of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, fn) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      timer =
        left > LONGEST ? setTimeout(() => wait(left - LONGEST), LONGEST) : setTimeout(fn, Math.max(0, left));
      timer.unref();
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};

/** Waits of the clock keep no process alive. From here on something does, until what is returned is called. */
export function stayAlive(): Cancel {
  const timer = setInterval(() => undefined, LONGEST);
  return () => clearInterval(timer);
}
