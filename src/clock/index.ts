/**
 * Time as a value that is handed in: nothing below `gateway` asks the machine what time it is.
 *
 * The real clock is made by `gateway/`; tests hand in one that they move by hand. Also the duration notation of the
 * configuration. Pure.
 */

/** Takes a timer back. Calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void;

/** What the code below `gateway` knows of time. */
export interface Clock {
  /** Milliseconds since 1970, as the wall clock shows; may jump. */
  now(): number;
  /** Milliseconds that never go back; for measuring. */
  elapsed(): number;
  /** Calls `fn` once after `ms` milliseconds of elapsed time. Any length is honoured, months too. Does not keep the process alive. */
  after(ms: number, fn: () => void): Cancel;
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `"30s"`, `"5m"`, `"1h"`, `"2d"`, `"250ms"` or a number of milliseconds, to milliseconds; null when it is no duration. */
export function parseDuration(value: string | number): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  const m = /^(\d{1,12})\s*(ms|s|m|h|d)?$/i.exec(value.trim());
  if (!m) return null;
  return Number(m[1]) * UNITS[(m[2] ?? 'ms').toLowerCase()]!;
}

/** A clock that only moves when told; for tests of schedules. */
export class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; fn: () => void }[] = [];

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Cancel {
    const timer = { at: this.#now + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** Moves time forward, firing due timers in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = until;
  }
}
