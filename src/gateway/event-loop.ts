/** How busy the event loop is: the share of time it was at work rather than waiting, and how late it is. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Milliseconds over which the share is taken; over shorter ones it says little. */
const WINDOW = 20;

/** A function that answers the share over the last window that ended, 0 to 1. */
export function eventLoopLoad(): () => number {
  let last = performance.eventLoopUtilization();
  let at = performance.now();
  let share = 0;
  return () => {
    const now = performance.now();
    if (now - at < WINDOW) return share;
    const present = performance.eventLoopUtilization();
    share = performance.eventLoopUtilization(present, last).utilization;
    last = present;
    at = now;
    return share;
  };
}

/** Milliseconds between two measurements of the delay. */
const RESOLUTION = 20;

/** How late the event loop is. */
export interface LoopDelay {
  /** Milliseconds it was late on average since this was asked last; 0 when nothing was measured since. */
  mean(): number;
  /** Measures no more. */
  stop(): void;
}

/** Begins to measure. Does not keep the process alive. */
export function eventLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  return {
    mean() {
      // What is measured is the whole interval, in nanoseconds; NaN when there is none.
      const late = histogram.mean / 1e6 - RESOLUTION;
      histogram.reset();
      return late > 0 ? late : 0;
    },
    stop: () => void histogram.disable(),
  };
}
