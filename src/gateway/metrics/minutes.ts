/**
 * The last hour, minute by minute: what became of messages, and how long acceptance and filters took lately.
 *
 * Once a minute the totals are written down; what happened is the difference. Nothing is done when mail comes. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import type { HistogramFamily, NumberFamily } from './cells.ts';
import type { Figures } from './figures.ts';

const MINUTE = 60_000;
/** Minutes that are kept. */
export const KEPT = 60;
/** Minutes that "lately" means. */
const LATELY = 10;

/** What became of messages within a minute. */
export const PARTS = ['accepted', 'rejected', 'tempfailed', 'held', 'discarded'] as const;
export type Part = (typeof PARTS)[number];
const OUTCOME_OF: Readonly<Record<Part, string>> = {
  accepted: 'accepted',
  rejected: 'rejected',
  tempfailed: 'tempfailed',
  held: 'quarantined',
  discarded: 'discarded',
};

/** Totals at one moment. */
interface Reading {
  readonly outcomes: readonly number[];
  readonly accept: readonly number[];
  readonly filters: ReadonlyMap<string, readonly number[]>;
}

/** A minute: when it began (milliseconds since 1970), and what happened, in the order of PARTS. */
export interface Minute {
  readonly at: number;
  readonly counts: readonly number[];
  /** By filter: messages by how long they waited for it, as counts by bucket. Those of whom none waited are left out. */
  readonly waits: Readonly<Record<string, readonly number[]>>;
}

/** What happened lately, as counts by bucket. Of several processes they are added up. */
export interface Lately {
  readonly accept: readonly number[];
  readonly filters: Readonly<Record<string, readonly number[]>>;
}

/** See above. */
export class Minutes {
  readonly #messages: NumberFamily;
  readonly #accept: HistogramFamily;
  readonly #filters: HistogramFamily;
  readonly #clock: Clock;
  /** By the minute they were taken at the beginning of; the oldest first. */
  #readings: { readonly minute: number; readonly reading: Reading }[];
  #timer: Cancel | null = null;

  constructor(figures: Figures, clock: Clock) {
    this.#messages = figures.number('smtp_messages_total');
    this.#accept = figures.histogram('smtp_accept_duration_seconds');
    this.#filters = figures.histogram('milter_message_duration_seconds');
    this.#clock = clock;
    this.#readings = [{ minute: this.#minute(), reading: this.#read() }];
    this.#later();
  }

  stop(): void {
    this.#timer?.();
  }

  /** The last hour, the present minute at the end. */
  last(): readonly Minute[] {
    const present = this.#minute();
    const readings = [...this.#readings, { minute: present + 1, reading: this.#read() }];
    const minutes: Minute[] = [];
    for (let minute = present - KEPT + 1; minute <= present; minute++) {
      const begin = readings.findLast((r) => r.minute <= minute)?.reading;
      const end = readings.find((r) => r.minute > minute)!.reading;
      const known = begin && readings.some((r) => r.minute === minute);
      const counts = PARTS.map((_, i) => (known ? Math.max(0, end.outcomes[i]! - begin.outcomes[i]!) : 0));
      minutes.push({ at: minute * MINUTE, counts, waits: known ? waitsOf(begin, end) : {} });
    }
    return minutes;
  }

  /** The last minutes. */
  lately(): Lately {
    const from = this.#readings[Math.max(0, this.#readings.length - LATELY)]!.reading;
    const now = this.#read();
    const filters = Object.fromEntries(
      [...now.filters].map(([name, counts]) => [name, minus(counts, from.filters.get(name))]),
    );
    return { accept: minus(now.accept, from.accept), filters };
  }

  #minute(): number {
    return Math.floor(this.#clock.now() / MINUTE);
  }

  #later(): void {
    const wait = MINUTE - (this.#clock.now() % MINUTE) + 1;
    this.#timer = this.#clock.after(wait, () => {
      const minute = this.#minute();
      // A clock that was set back begins anew: a minute is there once.
      this.#readings = this.#readings.filter((r) => r.minute < minute && r.minute >= minute - KEPT);
      this.#readings.push({ minute, reading: this.#read() });
      this.#later();
    });
  }

  #read(): Reading {
    const outcomes = PARTS.map(() => 0);
    for (const { labels, cell } of this.#messages.all()) {
      const part = PARTS.findIndex((p) => OUTCOME_OF[p] === labels['outcome']);
      if (part >= 0) outcomes[part]! += cell.n;
    }
    const accept = this.#accept.bounds.map(() => 0).concat(0);
    for (const { cell } of this.#accept.all()) cell.counts.forEach((n, i) => (accept[i]! += n));
    const filters = new Map<string, readonly number[]>();
    for (const { labels, cell } of this.#filters.all()) filters.set(labels['milter']!, [...cell.counts]);
    return { outcomes, accept, filters };
  }
}

function waitsOf(begin: Reading, end: Reading): Minute['waits'] {
  const waits = [...end.filters].map(([name, now]) => [name, minus(now, begin.filters.get(name))] as const);
  return Object.fromEntries(waits.filter(([, counts]) => counts.some((n) => n > 0)));
}

const minus = (now: readonly number[], before: readonly number[] | undefined): readonly number[] =>
  now.map((n, i) => Math.max(0, n - (before?.[i] ?? 0)));

/** The value that this share of the counted ones does not exceed, by the bounds of their buckets; null when there are none. */
export function quantile(share: number, counts: readonly number[], bounds: readonly number[]): number | null {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [i, n] of counts.entries()) {
    if (n === 0 || left > n) {
      left -= n;
      continue;
    }
    const lower = i === 0 ? 0 : bounds[i - 1]!;
    const upper = bounds[i] ?? lower; // beyond the last bound nothing is known but that
    return lower + (upper - lower) * (left / n);
  }
  return bounds.at(-1) ?? null;
}
