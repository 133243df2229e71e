/**
 * Filters that an operator took out for a time: they are not asked, and mail passes as if they were not configured.
 *
 * Kept in one small file below stateDir, replaced as a whole, so that pauses survive a restart and reach every worker: the others
 * look into it when it changes. Orders to forget what was learnt about a filter travel in it too. A file that cannot be understood
 * is noticed and counts as empty.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Cancel, Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { fileState } from '../file-state.ts';
import { replaceFile } from '../replace-file.ts';
import { WatchedFiles } from '../watched-files.ts';

/** Longest name, reason and operator, in characters. */
export const MAX_PAUSE_TEXT = 500;
/** Pauses, and resets, that are kept. */
export const MAX_PAUSES = 1000;
/** Largest file that is read. */
const MAX_FILE = 4_194_304;

/** A filter that is taken out. Times are milliseconds since 1970. */
export interface Pause {
  readonly name: string;
  readonly reason: string;
  readonly by: string;
  readonly since: number;
  /** null: until it is resumed. */
  readonly until: number | null;
}

interface Kept {
  readonly paused: readonly Pause[];
  /** By name of the filter, when it was ordered last. */
  readonly reset: Readonly<Record<string, number>>;
}

/** What pauses are made of. */
export interface PausesOptions {
  /** Absolute path. */
  readonly file: string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Somebody else gives the orders: the file is watched. */
  readonly follows: boolean;
  /** What was learnt about a filter is to be forgotten. */
  readonly reset: (name: string) => void;
}

/** See the head of the file. */
export class Pauses {
  readonly #o: PausesOptions;
  readonly #watch: WatchedFiles | null;
  #paused = new Map<string, Pause>();
  #reset = new Map<string, number>();
  #seen = '';
  #timer: Cancel | null = null;
  /** Orders go one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: PausesOptions) {
    this.#o = options;
    this.#read(true);
    this.#watch = options.follows
      ? new WatchedFiles([options.file], options.clock, () => this.#read(false))
      : null;
    this.#remind();
  }

  /** Whether a filter is taken out now. Asked at every stage of every message. */
  readonly holds = (name: string): boolean => this.#paused.size > 0 && this.of(name) !== null;

  /** The pause a filter is under. */
  of(name: string): Pause | null {
    const pause = this.#paused.get(name);
    return pause && (pause.until === null || pause.until > this.#o.clock.now()) ? pause : null;
  }

  /** Takes a filter out, or changes how it is. Resolves when it is kept; rejects when the file cannot be written. */
  pause(name: string, { until, reason, by }: Pick<Pause, 'until' | 'reason' | 'by'>): Promise<Pause> {
    return this.#inTurn(async () => {
      const pause: Pause = { name, reason, by, since: this.#o.clock.now(), until };
      await this.#keep([...this.#inForce().filter((p) => p.name !== name), pause], this.#reset);
      this.#o.notices('milter.paused', {
        milter: name,
        by,
        reason,
        until: until === null ? undefined : new Date(until).toISOString(),
      });
      return pause;
    });
  }

  /** Gives it back; false when it is not taken out. */
  resume(name: string, by: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.of(name) === null) return false;
      await this.#keep(
        this.#inForce().filter((p) => p.name !== name),
        this.#reset,
      );
      this.#o.notices('milter.resumed', { milter: name, by });
      return true;
    });
  }

  /** What was learnt about a filter is forgotten, here at once, by the others as soon as they see it. */
  forget(name: string, by: string): Promise<void> {
    return this.#inTurn(async () => {
      const reset = new Map(this.#reset);
      reset.delete(name);
      await this.#keep(this.#inForce(), reset.set(name, this.#o.clock.now()));
      this.#o.notices('milter.reset', { milter: name, by });
      this.#o.reset(name);
    });
  }

  close(): void {
    this.#watch?.close();
    this.#timer?.();
  }

  #inForce(): readonly Pause[] {
    return [...this.#paused.keys()].flatMap((name) => this.of(name) ?? []);
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #keep(paused: readonly Pause[], reset: ReadonlyMap<string, number>): Promise<void> {
    const latest = [...reset].slice(-MAX_PAUSES);
    const kept: Kept = { paused: paused.slice(-MAX_PAUSES), reset: Object.fromEntries(latest) };
    await replaceFile(this.#o.file, JSON.stringify(kept, null, 1) + '\n', 0o600);
    this.#paused = new Map(kept.paused.map((p) => [p.name, p]));
    this.#reset = new Map(latest);
    this.#remind();
  }

  /** Reads the file when it changed. Small and seldom: read at once, so that no order is half known. */
  #read(first: boolean): void {
    const { file, notices } = this.#o;
    const state = stateOf(file);
    if (state === this.#seen) return;
    this.#seen = state;
    const kept = state === '' ? NOTHING : readKept(file);
    if (kept === null) return notices('milter.pauses-damaged', { file });
    this.#paused = new Map(kept.paused.map((p) => [p.name, p]));
    const before = this.#reset;
    this.#reset = new Map(Object.entries(kept.reset));
    if (first) return;
    for (const [name, at] of this.#reset) if (at > (before.get(name) ?? 0)) this.#o.reset(name);
  }

  /** The end of a pause is noticed, by the one who gives the orders. */
  #remind(): void {
    const { clock, follows, notices } = this.#o;
    this.#timer?.();
    this.#timer = null;
    if (follows) return;
    const now = clock.now();
    for (const [name, { until }] of this.#paused)
      if (until !== null && until <= now) {
        this.#paused.delete(name);
        notices('milter.resumed', { milter: name, by: 'the end of the pause' });
      }
    const ends = [...this.#paused.values()].flatMap(({ until }) => until ?? []);
    if (ends.length === 0) return;
    this.#timer = clock.after(Math.max(1, Math.min(...ends) - now), () => this.#remind());
  }
}

const NOTHING: Kept = { paused: [], reset: {} };

function stateOf(file: string): string {
  try {
    return fileState(statSync(file));
  } catch {
    return '';
  }
}

/** What the file holds; null when it is none of ours. */
function readKept(file: string): Kept | null {
  try {
    if (statSync(file).size > MAX_FILE) return null;
    const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept> | null;
    const { paused, reset } = read ?? {};
    if (!Array.isArray(paused) || paused.length > MAX_PAUSES || !paused.every(isPause)) return null;
    if (typeof reset !== 'object' || reset === null || !Object.values(reset).every(Number.isFinite))
      return null;
    return { paused, reset };
  } catch {
    return null;
  }
}

function isPause(value: unknown): value is Pause {
  const p = value as Partial<Record<keyof Pause, unknown>> | null;
  return (
    typeof p === 'object' &&
    p !== null &&
    [p.name, p.reason, p.by].every((text) => typeof text === 'string' && text.length <= MAX_PAUSE_TEXT) &&
    (p.until === null || Number.isFinite(p.until)) &&
    Number.isFinite(p.since)
  );
}
