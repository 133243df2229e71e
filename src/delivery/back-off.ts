/**
 * Destinations that could not be reached: who was tried in vain is left alone for a while, by all entries, and then probed by one.
 *
 * The wait grows with every vain round, from half a minute to half an hour, and is never longer than the retry list has it. The
 * other entries wait in the queue under due times of their own, so that a restart keeps them apart. An entry whose time is over
 * still gets its last attempt: one made at the same destination after its end counts. Kept in memory, bounded. Never throws.
 */
import type { Clock } from '#clock';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import { JITTER } from './schedule.ts';

/** The wait after the first vain round; each further one doubles it. Milliseconds. */
export const FIRST_BACK_OFF = 30_000;

/** The wait grows no longer than this. Milliseconds. */
export const LONGEST_BACK_OFF = 1_800_000;

/** Destinations in trouble that are remembered; beyond, the one that has been longest in trouble is forgotten. */
export const MAX_TROUBLED = 10_000;

/** While a destination is being probed other entries come back after so long, and up to twice that. Milliseconds. */
const PROBE_LOOK = 10_000;

/** A destination that could not be reached, for listings. */
export interface Troubled {
  readonly destination: string;
  /** Vain rounds in a row. */
  readonly failures: number;
  /** When it is probed next, milliseconds since 1970. */
  readonly until: number;
  readonly status: Status;
}

interface Trouble {
  failures: number;
  /** By Clock.elapsed. */
  until: number;
  /** Length of this wait. */
  wait: number;
  /** When it was last tried in vain, by the time by which entries expire. */
  tried: number;
  status: Status;
  probing: boolean;
}

/** Whether an attempt may be made: `go`, what it would be told, or how many milliseconds to wait. */
export type Leave = 'go' | Status | number;

/** What the waits are made with. */
export interface BackOffOptions {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** The time by which entries expire. */
  readonly expiryNow: () => number;
  /** 0 up to 1; default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** See above. */
export class BackOff {
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  readonly #expiryNow: () => number;
  readonly #random: () => number;
  readonly #troubles = new Map<string, Trouble>();

  constructor({ clock, notices, expiryNow, random = Math.random }: BackOffOptions) {
    this.#clock = clock;
    this.#notices = notices;
    this.#expiryNow = expiryNow;
    this.#random = random;
  }

  /** How long entries that arrive now would have to wait, in milliseconds; 0 when they may try. Changes nothing. */
  waitFor(destination: string, expiresAt: number): number {
    const trouble = this.#troubles.get(destination);
    if (trouble === undefined || this.#expiryNow() >= expiresAt) return 0;
    return this.#waitOf(trouble);
  }

  /**
   * Asks for an attempt by an entry that expires at `expiresAt`. `go` must be followed by `reached`, `unreached` or `abandoned`.
   * A Status is the answer of an attempt at this destination that was made after the entry's end.
   */
  ask(destination: string, expiresAt: number): Leave {
    const trouble = this.#troubles.get(destination);
    if (trouble === undefined) return 'go';
    if (this.#expiryNow() >= expiresAt) return trouble.tried >= expiresAt ? trouble.status : 'go';
    const wait = this.#waitOf(trouble);
    if (wait > 0) return wait;
    trouble.probing = true;
    return 'go';
  }

  /** Somebody answered there. */
  reached(destination: string): void {
    if (this.#troubles.size === 0 || !this.#troubles.delete(destination)) return;
    this.#notices('delivery.reached-again', { destination });
  }

  /** Nobody could be reached there. `retry`: the waits between attempts, in milliseconds. */
  unreached(destination: string, status: Status, retry: readonly number[]): void {
    const now = this.#clock.elapsed();
    let trouble = this.#troubles.get(destination);
    if (trouble === undefined) {
      if (this.#troubles.size >= MAX_TROUBLED) this.#troubles.delete(this.#troubles.keys().next().value!);
      trouble = { failures: 0, until: now, wait: 0, tried: 0, status, probing: false };
      this.#troubles.set(destination, trouble);
    }
    trouble.tried = this.#expiryNow();
    trouble.status = status;
    // Attempts that were under way together are one round.
    if (trouble.failures > 0 && now < trouble.until) return;
    trouble.failures++;
    trouble.probing = false;
    trouble.wait = backOffWait(trouble.failures, retry) * (1 + JITTER * this.#random());
    trouble.until = now + trouble.wait;
    const { failures, wait } = trouble;
    this.#notices('delivery.unreached', {
      destination,
      failures,
      waitMs: Math.round(wait),
      status: status.text,
    });
  }

  /** The attempt that was asked for was not made, or said nothing about the destination: the next one probes. */
  abandoned(destination: string): void {
    if (this.#troubles.size === 0) return;
    const trouble = this.#troubles.get(destination);
    if (trouble) trouble.probing = false;
  }

  /** An operator wants it tried again: what was tried in vain is forgotten. */
  forgive(): void {
    this.#troubles.clear();
  }

  /** Destinations in trouble now. */
  list(): readonly Troubled[] {
    const ahead = this.#clock.now() - this.#clock.elapsed();
    return [...this.#troubles].map(([destination, { failures, until, status }]) => ({
      destination,
      failures,
      until: Math.round(until + ahead),
      status,
    }));
  }

  /** Those that wait come back one after the other, the first when the probe is due. */
  #waitOf({ until, wait, probing }: Trouble): number {
    const left = until - this.#clock.elapsed();
    if (left > 0) return left + wait * JITTER * this.#random();
    return probing ? Math.min(wait, PROBE_LOOK) * (1 + this.#random()) : 0;
  }
}

/** The wait after so many vain rounds, in milliseconds. */
export function backOffWait(failures: number, retry: readonly number[]): number {
  const grown = Math.min(FIRST_BACK_OFF * 2 ** Math.min(failures - 1, 20), LONGEST_BACK_OFF);
  return Math.min(grown, retry[Math.min(failures, retry.length) - 1] ?? grown);
}
