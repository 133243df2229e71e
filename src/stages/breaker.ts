/**
 * A breaker: a filter that keeps failing is not tried for every message.
 *
 * After a few failures in a row the filter counts as unavailable; its `onError` answers at once, without waiting for time-outs.
 * Meanwhile it is probed, not with anybody's mail: connect, negotiate, quit; first after one second, then doubling to thirty.
 * The first probe that succeeds closes the breaker. Shared by all SMTP connections of the gateway. Never throws.
 */
import type { Cancel, Clock } from '#clock';

/** Failures in a row that open the breaker. */
export const FAILURES = 3;
/** Milliseconds to the first probe, and the longest wait between probes. */
export const FIRST_PROBE = 1000;
export const LONGEST_WAIT = 30_000;

/** Why a filter was not tried. */
export class FilterUnavailable extends Error {
  readonly code = 'backoff';
}

/** A time in which the filter is not tried for mail. Times as Clock.elapsed. */
export interface Outage {
  readonly since: number;
  /** Probes so far. */
  readonly tries: number;
  /** When the next probe is due, or began. */
  readonly nextAt: number;
}

/** What the breaker says when it changes. */
export interface BreakerListener {
  opened(failures: number): void;
  closed(downMs: number): void;
}

/** See the head of the file. */
export class Breaker {
  readonly #clock: Clock;
  readonly #probe: () => Promise<void>;
  readonly #listener: BreakerListener;
  #failures = 0;
  #since: number | null = null;
  #cancel: Cancel | null = null;
  #tries = 0;
  #nextAt = 0;
  #stopped = false;

  /** `probe` resolves when the filter can be used. */
  constructor(clock: Clock, probe: () => Promise<void>, listener: BreakerListener) {
    this.#clock = clock;
    this.#probe = probe;
    this.#listener = listener;
  }

  /** The filter is not to be tried now. */
  get open(): boolean {
    return this.#since !== null;
  }

  /** The outage, while there is one. */
  get outage(): Outage | null {
    return this.#since === null ? null : { since: this.#since, tries: this.#tries, nextAt: this.#nextAt };
  }

  /** The filter answered. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The filter could not be used. */
  failed(): void {
    if (this.open || ++this.#failures < FAILURES) return;
    this.#since = this.#clock.elapsed();
    this.#tries = 0;
    this.#listener.opened(this.#failures);
    this.#later(FIRST_PROBE);
  }

  /** The filter is to be tried at once, whatever was learnt. */
  reset(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.open) this.#close();
    this.#failures = 0;
  }

  /** No more probes. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #later(wait: number): void {
    if (this.#stopped) return;
    const outage = this.#since;
    this.#nextAt = this.#clock.elapsed() + wait;
    this.#cancel = this.#clock.after(wait, () => {
      this.#tries++;
      // Of a probe that began before a reset nothing is learnt.
      this.#probe().then(
        () => this.#since === outage && this.#close(),
        () => this.#since === outage && this.#later(Math.min(wait * 2, LONGEST_WAIT)),
      );
    });
  }

  #close(): void {
    const since = this.#since ?? this.#clock.elapsed();
    this.#since = null;
    this.#failures = 0;
    this.#listener.closed(Math.round(this.#clock.elapsed() - since));
  }
}
