/** Figures as Prometheus reads them, and what moved between two looks at them. */
import assert from 'node:assert/strict';
import { METRICS, PREFIX, type Metrics } from '#gateway';
import { pause } from './wait.ts';

/** Milliseconds that a figure is waited for: that of the queue is counted anew every few seconds. */
const LIMIT = 12_000;

type Labels = Readonly<Record<string, string>>;

/** One sample. */
export interface Line {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** The samples of a scrape. What is no sample or comment is an error. */
export function samplesOf(text: string): Line[] {
  return text.split('\n').flatMap((line): Line[] => {
    if (line === '' || line.startsWith('#')) return [];
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(found, `no sample: ${line}`);
    const [, name = '', inside = '', value = ''] = found;
    const labels: Record<string, string> = {};
    for (const [, key = '', text = ''] of inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = text;
    return [{ name, labels, value: Number(value) }];
  });
}

/** Sum of the samples of a metric that have these labels; of a histogram the number of values. */
export function valueIn(samples: readonly Line[], name: keyof typeof METRICS, labels: Labels = {}): number {
  const kind = METRICS[name];
  const wanted = PREFIX + name + (kind.type === 'histogram' ? '_count' : '');
  let sum = 0;
  for (const line of samples)
    if (line.name === wanted && Object.entries(labels).every(([k, v]) => line.labels[k] === v))
      sum += line.value;
  return sum;
}

/** Watches the figures of one gateway. */
export class Watched {
  readonly #metrics: Metrics;
  readonly #seen: Set<string>;

  /** `seen` collects the names of metrics that moved. */
  constructor(metrics: Metrics, seen: Set<string>) {
    this.#metrics = metrics;
    this.#seen = seen;
  }

  async samples(): Promise<Line[]> {
    return samplesOf((await this.#metrics.scrape()).text);
  }

  async value(name: keyof typeof METRICS, labels: Labels = {}): Promise<number> {
    return valueIn(await this.samples(), name, labels);
  }

  /** Waits until it has this value, or satisfies the test. */
  async shows(
    name: keyof typeof METRICS,
    labels: Labels,
    wanted: number | ((value: number) => boolean),
  ): Promise<void> {
    const holds = (value: number): boolean => (typeof wanted === 'number' ? value === wanted : wanted(value));
    const end = performance.now() + LIMIT;
    for (;;) {
      const value = await this.value(name, labels);
      if (holds(value)) break;
      assert.ok(performance.now() < end, `${name} ${JSON.stringify(labels)} is ${value}`);
      await pause(50);
    }
    this.#seen.add(name);
  }
}
