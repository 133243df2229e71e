/**
 * `listeners[].limits` and `shedding`: the bounds of one door and of the whole, their shape and their defaults.
 *
 * The names are those of the server's and of intake's limits; that the defaults are theirs too is held by a test. Pure.
 */
import type { z } from 'zod';
import { BOUNDS } from './defaults.ts';
import { duration, group, integer, size } from './leaves.ts';
import type { Seen } from './seen.ts';

const COUNT = 1_000_000;
const count = integer(1, COUNT).optional();
/** Times may be so short for tests and impatient operators; the longest is a day. */
const time = duration(100, 86_400_000).optional();

export const limitSettings = group({
  maxCommandLine: size(512, 1_048_576).optional(),
  maxLineLength: size(998, BOUNDS.size).optional(),
  maxHeaderSize: size(1024, BOUNDS.size).optional(),
  maxHeaderFields: count,
  maxHops: count,
  maxConnectionRate: count,
  maxErrors: integer(0, COUNT).optional(),
  maxCommands: count,
  maxTransactions: count,
  commandTimeout: time,
  dataTimeout: time,
  minDataRate: size(0, BOUNDS.size).optional(),
  maxAuthResponse: size(1024, 1_048_576).optional(),
  maxAuthFailures: integer(1, 10).optional(),
  authDelay: duration(0, 60_000).optional(),
  maxAuthDelay: duration(0, 60_000).optional(),
  proxyTimeout: time,
  tlsTimeout: time,
  clientNameTimeout: time,
  drainTimeout: time,
});

/** Limits as written. */
export type LimitSettings = z.output<typeof limitSettings>;

/** Limits in use: milliseconds, bytes and counts. Infinity = none. */
export type LimitsConfig = Readonly<Record<keyof LimitSettings, number>>;

/** What holds where nothing is written. */
export const LIMIT_DEFAULTS: LimitsConfig = Object.freeze({
  maxCommandLine: 2048,
  maxLineLength: Infinity,
  maxHeaderSize: 1_048_576,
  maxHeaderFields: 10_000,
  maxHops: 100,
  maxConnectionRate: 600,
  maxErrors: 20,
  maxCommands: 10_000,
  maxTransactions: Infinity,
  commandTimeout: 300_000,
  dataTimeout: 300_000,
  minDataRate: 100,
  maxAuthResponse: 12_288,
  maxAuthFailures: 5,
  authDelay: 1_000,
  maxAuthDelay: 5_000,
  proxyTimeout: 5_000,
  tlsTimeout: 30_000,
  clientNameTimeout: 5_000,
  drainTimeout: 30_000,
});

/** The limits of a listener whose messages may have `maxRecipients`: there is room for them and for as many that are refused. */
export function resolveLimits(written: Seen<LimitSettings> | undefined, maxRecipients: number): LimitsConfig {
  const maxCommands = Math.max(LIMIT_DEFAULTS.maxCommands, 2 * maxRecipients);
  const given = Object.entries(written ?? {}).filter(([, value]) => value !== undefined);
  return { ...LIMIT_DEFAULTS, maxCommands, ...(Object.fromEntries(given) as Partial<LimitsConfig>) };
}

export const sheddingSettings = group({
  loopDelay: duration(0, 60_000).optional(),
  freeDisk: size(0, Number.MAX_SAFE_INTEGER).optional(),
});

/** When new work is refused. */
export interface SheddingConfig {
  /** Milliseconds the event loop may be late; beyond that new connections are refused. 0 = never. */
  readonly loopDelay: number;
  /** Bytes of the spool's volume that new mail never uses; null = what the spool thinks right, 0 = all may be used. */
  readonly freeDisk: number | null;
}

/** What holds where nothing is written. */
export const LOOP_DELAY = 500;

/** `shedding` with its defaults. */
export function resolveShedding(
  written: Seen<z.output<typeof sheddingSettings>> | undefined,
): SheddingConfig {
  return { loopDelay: written?.loopDelay ?? LOOP_DELAY, freeDisk: written?.freeDisk ?? null };
}
