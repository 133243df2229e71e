/** The filters of the configuration as the stages want them, and what is kept of them over a reload. */
import { readFileSync } from 'node:fs';
import type { Environment, Value } from '#expressions';
import type { MilterConfig, MilterTlsConfig } from '#gateway/config';
import type { MilterTls } from '#milter/client';
import { makeResolve } from '#smtp/client';
import { FilterAccess, type AccessSurroundings, type FilterSettings, type StageMeter } from '#stages';
import type { Metrics } from './metrics/index.ts';

/** The filters in use, in configured order; a filter that a new configuration leaves as it is keeps its health and connections. */
export class Filters {
  readonly #around: AccessSurroundings;
  readonly #metrics: Metrics | null;
  readonly #old = new Set<FilterAccess>();
  #known = new Map<string, FilterAccess>();

  /** `metrics`: where figures are kept. */
  constructor(around: AccessSurroundings, metrics: Metrics | null = null) {
    this.#around = around;
    this.#metrics = metrics;
  }

  /** Those of the configuration asked for last. */
  get present(): readonly FilterAccess[] {
    return [...this.#known.values()];
  }

  /** Hears of all filters of a stage together. */
  get meter(): StageMeter | null {
    return this.#metrics?.stages ?? null;
  }

  /** The filters of a configuration. Sessions made from an earlier one keep theirs. */
  of(
    milters: readonly MilterConfig[],
    environment: (variable: (name: string) => Value) => Environment,
  ): readonly FilterAccess[] {
    const known = new Map<string, FilterAccess>();
    for (const milter of milters) {
      const client = clientOf(milter);
      const { stages, enable } = milter;
      // What the TLS files hold counts, not where they lie: they may have been renewed.
      const key = JSON.stringify({ ...milter, stages: [...stages], enable: enable.source, tls: client.tls });
      const settings = settingsOf(milter, client, environment, this.#metrics);
      known.set(key, this.#known.get(key) ?? this.#access(settings));
    }
    for (const [key, access] of this.#known) if (!known.has(key)) this.#old.add(access);
    this.#known = known;
    return [...known.values()];
  }

  /** What was learnt about the filter of that name is forgotten. */
  reset(name: string): void {
    for (const access of this.#known.values()) if (access.settings.name === name) access.reset();
  }

  /** The last configuration asked for is in use: filters that are in it no more are let go. */
  settle(): void {
    for (const access of this.#old) access.close();
    this.#old.clear();
    this.#metrics?.settleFilters(new Set(this.present.map(({ settings }) => settings.name)));
  }

  #access(settings: FilterSettings): FilterAccess {
    return new FilterAccess(settings, this.#around, this.#metrics?.filter(settings.name) ?? null);
  }

  /** No more probes, no parked conversations. */
  close(): void {
    this.settle();
    for (const access of this.#known.values()) access.close();
  }
}

function settingsOf(
  milter: MilterConfig,
  client: FilterSettings['client'],
  environment: (variable: (name: string) => Value) => Environment,
  metrics: Metrics | null,
): FilterSettings {
  const { name, stages, enable, input, onError, reuse, parallel } = milter;
  return {
    name,
    stages,
    input,
    onError,
    reuse,
    parallel,
    enable: {
      constant: enable.constant,
      holds: (variable) => {
        const holds = (): boolean | Promise<boolean> => enable.holds(environment(variable));
        return metrics ? metrics.enable.evaluated(holds) : holds();
      },
    },
    client,
  };
}

/** How a filter is reached and spoken to, certificates read in. Throws when a file of them is gone. */
export function clientOf(milter: MilterConfig): FilterSettings['client'] {
  const { endpoint, tls, offer, pipeline, nudge, maxResponseSize, maxBodySize, maxEdits } = milter;
  const { timeoutConnect, timeoutCommand, timeoutData, timeoutMessage } = milter;
  const times = { timeoutConnect, timeoutCommand, timeoutData, timeoutMessage };
  const bounds = { maxResponseSize, maxBodySize, maxEdits };
  return { endpoint, offer, pipeline, nudge, ...times, ...bounds, tls: tls && tlsOf(tls), resolve };
}

/** The hosts file, then DNS; shared, so that a filter and a next hop are found alike. */
const resolve = makeResolve();

function tlsOf({ allowInvalidCerts, ca, certificate, key, serverName }: MilterTlsConfig): MilterTls {
  return {
    allowInvalidCerts,
    ...(ca && { ca: readFileSync(ca, 'utf8') }),
    ...(certificate && { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }),
    ...(serverName && { serverName }),
  };
}
