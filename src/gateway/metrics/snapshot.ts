/** The figures of one process on their way to another, and those of several added up. Values of JSON. */
import { AggregatorRegistry, Registry } from 'prom-client';
import { METRICS, PREFIX } from './catalogue.ts';
import type { Read } from './cells.ts';
import { type Lately, type Minute } from './minutes.ts';

/** What one process knows. */
export interface Snapshot {
  readonly metrics: readonly Read[];
  readonly minutes: readonly Minute[];
  readonly lately: Lately;
}

/** The text that Prometheus reads, and its type. */
export interface Scrape {
  readonly type: string;
  readonly text: string;
}

/** The metrics of all of them in one text. */
export async function scrapeOf(snapshots: readonly Snapshot[]): Promise<Scrape> {
  const all = snapshots.map(({ metrics }) => metrics);
  // One alone is printed as it is: what cannot be added up (the time of its start) is left out of sums.
  const registry = all.length === 1 ? registryOf(all[0]!) : AggregatorRegistry.aggregate(all);
  return { type: Registry.PROMETHEUS_CONTENT_TYPE, text: await registry.metrics() };
}

function registryOf(metrics: readonly Read[]): Registry {
  const registry = new Registry();
  for (const metric of metrics) registry.registerMetric({ ...metric, get: () => metric } as never);
  return registry;
}

/** The minutes of all of them added up. They were read at the same time, give or take a moment. */
export function minutesOf(snapshots: readonly Snapshot[]): readonly Minute[] {
  const sums = new Map<number, Minute>();
  for (const { minutes } of snapshots)
    for (const minute of minutes) {
      const sum = sums.get(minute.at);
      sums.set(minute.at, sum ? together(sum, minute) : minute);
    }
  const [own] = snapshots;
  return own ? own.minutes.map(({ at }) => sums.get(at)!) : [];
}

function together(a: Minute, b: Minute): Minute {
  const waits: Record<string, readonly number[]> = { ...a.waits };
  for (const [name, counts] of Object.entries(b.waits)) waits[name] = plus(counts, waits[name]);
  return { at: a.at, counts: plus(a.counts, b.counts), waits };
}

/** What happened lately in all of them together. */
export function latelyOf(snapshots: readonly Snapshot[]): Lately {
  const filters: Record<string, readonly number[]> = {};
  for (const { lately } of snapshots)
    for (const [name, counts] of Object.entries(lately.filters)) filters[name] = plus(counts, filters[name]);
  return { accept: snapshots.map(({ lately }) => lately.accept).reduce((a, b) => plus(a, b), []), filters };
}

function plus(a: readonly number[], b: readonly number[] | undefined): readonly number[] {
  const longer = b && b.length > a.length ? b : a;
  return longer.map((_, i) => (a[i] ?? 0) + (b?.[i] ?? 0));
}

/** The samples of a metric of ours, added up over all of them, by the value of one label. */
export function sumsBy(
  snapshots: readonly Snapshot[],
  name: keyof typeof METRICS,
  label: string,
  where: Readonly<Record<string, string>>,
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { metrics } of snapshots)
    for (const { labels, value } of metrics.find((m) => m.name === PREFIX + name)?.values ?? []) {
      if (Object.entries(where).some(([key, wanted]) => labels[key] !== wanted)) continue;
      const key = String(labels[label] ?? '');
      sums[key] = (sums[key] ?? 0) + value;
    }
  return sums;
}
