/**
 * The figures that every Node program has under the same names: `process_*` and `nodejs_*`. One set for the process, however many
 * gateways are in it; gathered from when the first one starts.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Read } from './cells.ts';

/** Gauges with names of counters, and what they count is said by others, too. */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

let registry: Registry | null = null;

/** Begins to gather; again: nothing. */
export function gatherProcessFigures(): void {
  if (registry) return;
  registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
}

/** All of them as they are now. */
export async function processFigures(): Promise<readonly Read[]> {
  gatherProcessFigures();
  return (await registry!.getMetricsAsJSON()) as unknown as readonly Read[];
}
