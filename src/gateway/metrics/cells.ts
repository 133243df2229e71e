/**
 * Where figures are kept between two looks at them: plain numbers, so that counting costs an addition and no object.
 *
 * A family is one metric; it hands out a cell for each combination of its label values, once, to whoever counts there. What
 * prom-client wants of a metric (`get`) is made when somebody looks. Never throws, forgets nothing until the process ends.
 */

/** How figures of several workers become one. */
export type Joining = 'sum' | 'min' | 'max' | 'first';

/** What a metric is. */
export interface MetricKind {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, ascending; histograms alone. */
  readonly buckets?: readonly number[];
  /** Default: sum. */
  readonly joined?: Joining;
}

/** One sample as prom-client prints it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** A metric as prom-client prints, sends and joins it. */
export interface Read {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly Sample[];
}

/** A number that is added to, or set. */
export class Cell {
  n = 0;
}

/** A histogram: how many values lie below each bound and above the one before it, and their sum. */
export class Buckets {
  readonly counts: Float64Array;
  sum = 0;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.counts[i]!++;
    this.sum += value;
  }
}

/** A metric and its cells. */
abstract class Family<C> {
  readonly name: string;
  readonly kind: MetricKind;
  readonly #cells = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; readonly cell: C }
  >();

  constructor(name: string, kind: MetricKind) {
    this.name = name;
    this.kind = kind;
  }

  /** The cell of these label values, in the order of the labels. Ask once and keep it. */
  cell(...values: readonly string[]): C {
    const key = values.join('\0');
    let found = this.#cells.get(key);
    if (!found) {
      const labels = Object.fromEntries(this.kind.labels.map((label, i) => [label, values[i] ?? '']));
      this.#cells.set(key, (found = { labels, cell: this.make() }));
    }
    return found.cell;
  }

  /** All cells with their labels. */
  all(): Iterable<{ readonly labels: Readonly<Record<string, string>>; readonly cell: C }> {
    return this.#cells.values();
  }

  /** Forgets all cells: what is set anew at each look has none but the present ones. */
  clear(): void {
    this.#cells.clear();
  }

  /** Forgets the cells whose first label has this value. */
  drop(first: string): void {
    for (const key of this.#cells.keys())
      if (key === first || key.startsWith(`${first}\0`)) this.#cells.delete(key);
  }

  /** Called by prom-client. */
  get(): Read {
    const values: Sample[] = [];
    for (const { labels, cell } of this.#cells.values()) this.read(labels, cell, values);
    const { help, type, joined = 'sum' } = this.kind;
    return { name: this.name, help, type, aggregator: joined, values };
  }

  protected abstract make(): C;
  protected abstract read(labels: Readonly<Record<string, string>>, cell: C, into: Sample[]): void;
}

/** A counter or a gauge. */
export class NumberFamily extends Family<Cell> {
  protected make(): Cell {
    return new Cell();
  }

  protected read(labels: Readonly<Record<string, string>>, cell: Cell, into: Sample[]): void {
    into.push({ labels, value: cell.n });
  }
}

/** A histogram. */
export class HistogramFamily extends Family<Buckets> {
  get bounds(): readonly number[] {
    return this.kind.buckets ?? [];
  }

  protected make(): Buckets {
    return new Buckets(this.bounds);
  }

  protected read(labels: Readonly<Record<string, string>>, cell: Buckets, into: Sample[]): void {
    const metricName = `${this.name}_bucket`;
    let count = 0;
    for (const [i, bound] of this.bounds.entries()) {
      count += cell.counts[i]!;
      into.push({ metricName, labels: { ...labels, le: bound }, value: count });
    }
    count += cell.counts[this.bounds.length]!;
    into.push({ metricName, labels: { ...labels, le: '+Inf' }, value: count });
    into.push({ metricName: `${this.name}_sum`, labels, value: cell.sum });
    into.push({ metricName: `${this.name}_count`, labels, value: count });
  }
}
