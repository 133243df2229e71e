/**
 * A long list read page by page with a cursor, of which only what is looked at stays in memory.
 *
 * Pages far from the eye are forgotten and asked for again when it comes back; their place in the list stays. New rows come in at
 * the top. Never holds more than KEPT pages of rows nor knows more than MOST pages; what fell off the end is read again on the way down.
 */

export interface Batch<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
}
/** Reads the rows older than a cursor; null: from the newest on. */
export type ReadBatch<T> = (before: string | null, signal: AbortSignal) => Promise<Batch<T>>;

interface Page<T> {
  before: string | null;
  rows: T[] | null;
  count: number;
  loading: boolean;
}

/** Pages of rows in memory. */
export const KEPT = 16;
/** Pages whose place is known: 100,000 rows and more. */
export const MOST = 2000;
/** Rows of a page that live rows make. */
const LIVE_PAGE = 200;

export class PagedRows<T> {
  readonly #read: ReadBatch<T>;
  readonly #idOf: (row: T) => string;
  readonly #listeners = new Set<() => void>();
  #pages: Page<T>[] = [];
  #next: string | null = null;
  #state: 'fresh' | 'loading' | 'ready' = 'fresh';
  #error: unknown = null;
  #version = 0;
  #abort = new AbortController();
  #view: readonly [from: number, to: number] = [0, 0];

  constructor(read: ReadBatch<T>, idOf: (row: T) => string) {
    this.#read = read;
    this.#idOf = idOf;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  /** Changes whenever something to see did. */
  readonly version = (): number => this.#version;

  get count(): number {
    let sum = 0;
    for (const page of this.#pages) sum += page.count;
    return sum;
  }
  /** Whether there are rows behind the last one known. */
  get more(): boolean {
    return this.#state !== 'ready' || this.#next !== null;
  }
  get pending(): boolean {
    return this.#state !== 'ready' && this.#pages.length === 0;
  }
  get error(): unknown {
    return this.#error;
  }
  /** Rows in memory now. */
  get kept(): number {
    return this.#pages.reduce((sum, page) => sum + (page.rows?.length ?? 0), 0);
  }

  /** The row at a place; undefined while it is being read. */
  at(index: number): T | undefined {
    let from = 0;
    for (const page of this.#pages) {
      if (index < from + page.count) return page.rows?.[index - from];
      from += page.count;
    }
    return undefined;
  }

  /** The rows in memory, top to bottom. */
  *rows(): IterableIterator<T> {
    for (const page of this.#pages) if (page.rows) yield* page.rows;
  }

  /** Says what is looked at; reads what is missing there. */
  look(from: number, to: number): void {
    this.#view = [from, to];
    let start = 0;
    for (const page of [...this.#pages]) {
      const end = start + page.count;
      if (page.rows === null && start < to && end > from) void this.#reload(page);
      start = end;
    }
    if (to >= start - 20 && this.more && this.#error === null) void this.#append();
    this.#forget();
  }

  /** Begins anew. */
  reset(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#pages = [];
    this.#next = null;
    this.#state = 'fresh';
    this.#error = null;
    this.#view = [0, 0];
    this.#changed();
    void this.#append();
  }

  /** Takes a new row in at the top, or in the place of the one with its id. True when it was new. */
  take(row: T): boolean {
    const id = this.#idOf(row);
    for (const page of this.#pages) {
      const at = page.rows?.findIndex((old) => this.#idOf(old) === id) ?? -1;
      if (at < 0) continue;
      page.rows![at] = row;
      this.#changed();
      return false;
    }
    const [head] = this.#pages;
    if (head && head.rows && head.count < LIVE_PAGE) {
      head.rows.unshift(row);
      head.count++;
    } else {
      if (head) head.before = id;
      this.#pages.unshift({ before: null, rows: [row], count: 1, loading: false });
    }
    this.#bound();
    this.#forget();
    this.#changed();
    return true;
  }

  async #append(): Promise<void> {
    if (this.#state === 'loading') return;
    const first = this.#state === 'fresh';
    if (!first && this.#next === null) return;
    this.#state = 'loading';
    const before = this.#next;
    const { signal } = this.#abort;
    try {
      const { rows, next } = await this.#read(before, signal);
      if (signal.aborted) return;
      if (rows.length > 0) this.#pages.push({ before, rows: [...rows], count: rows.length, loading: false });
      this.#next = next;
      this.#error = null;
      this.#state = 'ready';
      // A page may be empty and yet not be the last: it looked at so much and found nothing.
      if (rows.length === 0 && next !== null) void this.#append();
    } catch (error) {
      if (signal.aborted) return;
      this.#error = error;
      this.#state = first ? 'fresh' : 'ready';
    }
    this.#forget();
    this.#changed();
  }

  async #reload(page: Page<T>): Promise<void> {
    if (page.loading) return;
    page.loading = true;
    const { signal } = this.#abort;
    try {
      const { rows } = await this.#read(page.before, signal);
      if (!signal.aborted && page.rows === null) page.rows = rows.slice(0, page.count);
    } catch (error) {
      if (!signal.aborted) this.#error = error;
    }
    page.loading = false;
    this.#forget();
    this.#changed();
  }

  #forget(): void {
    const held = this.#pages.filter((page) => page.rows !== null);
    if (held.length <= KEPT) return;
    const middle = (this.#view[0] + this.#view[1]) / 2;
    const distances = new Map<Page<T>, number>();
    let start = 0;
    for (const page of this.#pages) {
      distances.set(page, Math.abs(start + page.count / 2 - middle));
      start += page.count;
    }
    const far = held.toSorted((a, b) => distances.get(b)! - distances.get(a)!);
    for (const page of far.slice(0, held.length - KEPT)) if (page !== this.#pages[0]) page.rows = null;
  }

  #bound(): void {
    while (this.#pages.length > MOST) {
      const last = this.#pages.pop()!;
      this.#next = last.before;
    }
  }

  #changed(): void {
    this.#version++;
    for (const listener of this.#listeners) listener();
  }
}
