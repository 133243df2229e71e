/** How busy the event loop is: the share of time it was at work rather than waiting. */
import { performance } from 'node:perf_hooks';

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
