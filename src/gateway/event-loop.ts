/** How busy the event loop is: the share of time it was at work rather than waiting. */
import { performance } from 'node:perf_hooks';

/** A function that answers the share since it was asked last, 0 to 1. */
export function eventLoopLoad(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
