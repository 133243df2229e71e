/** What intake is handed: the listener's rules, the filters' surroundings, the spool, and whom to tell of accepted mail. */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { EntryContent, EntryMeta, Lease, SpoolStore } from '#spool';
import type { StageSurroundings } from '#stages';
import type { RecipientCheck } from './recipients.ts';
import type { RelayPolicy } from './relay.ts';
import type { PassThrough } from './through.ts';

/** Bounds on one message; sizes in bytes. */
export interface IntakeLimits {
  readonly maxHeaderSize: number;
  readonly maxHeaderFields: number;
  /** Received fields from which a message counts as looping (RFC 5321 6.3). */
  readonly maxHops: number;
}

/** Defaults of the limits; docs/limits.md. */
export const INTAKE_LIMITS: IntakeLimits = {
  maxHeaderSize: 1024 * 1024,
  maxHeaderFields: 10_000,
  maxHops: 100,
};

/**
 * The way to a delivery that runs in this process. An entry leased at birth is handed over in memory, so that it is sent on
 * without being read back or written once more; a process that dies leaves a lease that recovery ends.
 */
export interface HandOver {
  /** A lease for one more entry, or null when delivery has no room: the entry is then committed queued. */
  lease(): Lease | null;
  /** The entry is on disk. `meta.lease` is the one given, or null. */
  accepted(meta: EntryMeta, content: EntryContent): void;
}

/** One listener's intake. */
export interface IntakeOptions {
  readonly hostname: string;
  readonly relay: RelayPolicy;
  /** Who a user may send as: lower-case addresses and `@domain`s; null = anybody. Absent: nobody authenticates here. */
  readonly sendersOf?: (user: string) => readonly string[] | null;
  /** Whether a recipient that `relay` lets in exists; null: nobody knows. */
  readonly recipientCheck: RecipientCheck | null;
  readonly around: StageSurroundings;
  readonly spool: SpoolStore;
  readonly limits: IntakeLimits;
  /** Makes a queue id. */
  readonly newId: () => string;
  /** Milliseconds after which an undeliverable message is given up. */
  readonly expire: number;
  readonly handOver: HandOver | null;
  /** Set where mail is not kept but passed through: then `spool` holds nothing but content on its way. */
  readonly through?: PassThrough | null;
  /** Hears how many milliseconds each commit took. Must not throw. */
  readonly committed?: (ms: number) => void;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}
