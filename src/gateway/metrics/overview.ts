/** The gateway at a glance, for the first page that operators see. Plain values. */
import type { Certificate } from './metrics.ts';
import type { Failure } from './failures.ts';

/** See above. Times in milliseconds since 1970, durations in milliseconds unless said. */
export interface Overview {
  readonly now: number;
  readonly hostname: string;
  readonly version: string;
  /** The last hour. */
  readonly perMinute: readonly MinuteLine[];
  /** Milliseconds from the final dot to the reply within the last minutes; null: no mail came. */
  readonly accept: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  /** `oldest`: age of the oldest message that is not held; null: there is none. */
  readonly queue: {
    readonly messages: number;
    readonly held: number;
    readonly deferred: number;
    readonly oldest: number | null;
  };
  readonly milters: readonly MilterLine[];
  readonly failures: readonly Failure[];
  readonly configChanged: { readonly at: number; readonly by: string } | null;
  readonly certificates: readonly CertificateLine[];
  /** Bytes; null where the spool is in memory. */
  readonly spoolFree: number | null;
  /** How late the event loop was on average since this was asked last. */
  readonly loopDelay: number;
}

export interface MinuteLine {
  readonly at: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly tempfailed: number;
  readonly held: number;
  readonly discarded: number;
}

export interface MilterLine {
  readonly name: string;
  /** `answering`, `slow`, `unreachable`, `paused` or `unused`. */
  readonly state: string;
  /** Milliseconds that nineteen in twenty messages of the last minutes waited for it at most; null: none did. */
  readonly p95: number | null;
  /** Failures since the start. */
  readonly errors: number;
  /** Answers since the start, by what was answered. */
  readonly answers: Readonly<Record<string, number>>;
}

export interface CertificateLine {
  readonly name: string;
  /** Whole days; below 0 when it has ended. */
  readonly daysLeft: number;
}

const DAY = 86_400_000;

/** How long certificates are good for. */
export function certificateLines(
  certificates: readonly Certificate[],
  now: number,
): readonly CertificateLine[] {
  return certificates.map(({ name, expires }) => ({ name, daysLeft: Math.floor((expires - now) / DAY) }));
}
