/**
 * When an entry is tried again, and when it is given up. Pure.
 *
 * All times are milliseconds; the result is a date, never a timer, so that months are as good as minutes.
 */
import type { Clock } from '#clock';

/** A wait is lengthened by up to this part of itself, so that messages deferred together come back apart. */
export const JITTER = 0.1;

/** No retry comes sooner than this, whatever the configuration says. */
export const SHORTEST_WAIT = 50;

/** The wait after the n-th failed attempt (n from 1): the n-th of the list, the last one repeats. `random` is 0 up to 1. */
export function retryWait(retry: readonly number[], attempts: number, random: number): number {
  const wait = retry[Math.min(Math.max(attempts, 1), retry.length) - 1] ?? SHORTEST_WAIT;
  return Math.max(SHORTEST_WAIT, Math.round(wait * (1 + JITTER * random)));
}

/** When to try next: after the wait, but not later than the end of the entry's life, which gets one last attempt. */
export function nextAttempt(now: number, wait: number, expiresAt: number): number {
  return expiresAt > now ? Math.min(now + wait, Math.max(expiresAt, now + SHORTEST_WAIT)) : now + wait;
}

/**
 * The time by which entries expire: the wall clock, but never ahead of the time that really passed since the start. A clock
 * that jumps forward must not bounce a queue of fresh mail.
 */
export function expiryTime(clock: Clock): () => number {
  const offset = clock.now() - clock.elapsed();
  return () => Math.min(clock.now(), clock.elapsed() + offset);
}
