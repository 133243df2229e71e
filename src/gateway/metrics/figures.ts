/** All metrics of one process, and what fills those that are only known when somebody looks. */
import { HistogramFamily, NumberFamily, type Read } from './cells.ts';
import { METRICS, PREFIX, type MetricName } from './catalogue.ts';

/** The families by name. */
export class Figures {
  readonly #families = new Map<MetricName, NumberFamily | HistogramFamily>();
  readonly #collectors: (() => void | Promise<void>)[] = [];

  constructor() {
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const kind = METRICS[name];
      const made = kind.type === 'histogram' ? HistogramFamily : NumberFamily;
      this.#families.set(name, new made(PREFIX + name, kind));
    }
  }

  /** A counter or gauge of the catalogue. */
  number(name: MetricName): NumberFamily {
    const family = this.#families.get(name);
    if (family instanceof NumberFamily) return family;
    throw new RangeError(`${name} is no number`);
  }

  /** A histogram of the catalogue. */
  histogram(name: MetricName): HistogramFamily {
    const family = this.#families.get(name);
    if (family instanceof HistogramFamily) return family;
    throw new RangeError(`${name} is no histogram`);
  }

  /** Forgets what is kept of a filter that is configured no more. */
  dropFilter(name: string): void {
    for (const family of this.#families.values()) if (family.kind.labels[0] === 'milter') family.drop(name);
  }

  /** Calls `collect` before each look; what it throws is left out. */
  onLook(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect);
  }

  /** All of them as they are now. */
  async look(): Promise<readonly Read[]> {
    await Promise.allSettled(this.#collectors.map(async (collect) => collect()));
    return [...this.#families.values()].map((family) => family.get());
  }
}
