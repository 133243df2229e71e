/**
 * The spool's contract: what an entry is, and what a store must be able to do. The lmdb store and the memory store implement
 * it and pass one cases file; a PostgreSQL store will.
 *
 * Promises: `commit` resolves only when the entry is on disk (file data and directory entry synced, or the transaction
 * committed). Every other change is atomic: a crash leaves the entry as before or as after. A move the state table does not
 * know throws. Storage trouble is a typed SpoolError and ends one operation, never the process.
 */
import type { Body, BodyDraft, Status } from '#message';

/** States of an entry; legal moves are in states.ts. */
export type EntryState = 'queued' | 'leased' | 'held';

/** States of one recipient of an entry. Only `pending` is ever tried again. */
export type RecipientState = 'pending' | 'delivered' | 'failed' | 'expired';

/** One recipient in the spool. Addresses and params are byte strings, as in message/envelope. */
export interface EntryRecipient {
  readonly address: string;
  readonly params: readonly string[];
  readonly state: RecipientState;
  /** Delivery attempts so far. */
  readonly attempts: number;
  /** What the last attempt was answered, or null before the first. */
  readonly lastStatus: Status | null;
}

/** Where an entry came from; for routes, traces and listings. */
export interface EntryOrigin {
  readonly listener: string;
  readonly clientAddress: string;
  readonly clientName: string;
  readonly helo: string;
  readonly user: string;
  readonly localPort: number;
  readonly source: 'smtp' | 'dsn' | 'api';
}

/** Everything about an accepted message but its bytes. Immutable; a change makes a new record. */
export interface EntryMeta {
  /** Queue id: 1 to 64 characters of [A-Za-z0-9], opaque, sorts by time of arrival. */
  readonly id: string;
  readonly state: EntryState;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Reverse-path address without brackets, '' for the null sender. */
  readonly sender: string;
  readonly senderParams: readonly string[];
  readonly recipients: readonly EntryRecipient[];
  readonly origin: EntryOrigin;
  /** Bytes of header and body together, blank line included. */
  readonly size: number;
  /** When it is to be tried next (milliseconds since 1970); meaningless while held. */
  readonly due: number;
  /** When it is given up. */
  readonly expiresAt: number;
  /** Delivery runs so far. */
  readonly attempts: number;
  /** Why it is held, with who asked for it; null when it is not. */
  readonly hold: Hold | null;
  /** Who works on it, and until when the claim is good; null when nobody. */
  readonly lease: Lease | null;
  /** The sender was told that it is late. */
  readonly delayTold?: true;
}

/** Why and since when an entry is held. */
export interface Hold {
  readonly reason: string;
  /** The filter's name, or `operator:NAME`. */
  readonly by: string;
  /** Milliseconds since 1970; absent: since it was received. */
  readonly since?: number;
}

/** A claim on an entry. `token` makes every claim distinguishable, so that a revived owner cannot act on a lost one. */
export interface Lease {
  readonly owner: string;
  readonly token: string;
  readonly until: number;
}

/** An accepted message on its way into the store. */
export interface NewEntry {
  readonly meta: EntryMeta;
  /** The header block as delivered, own trace field included, each field with CRLF, without the blank line. */
  readonly header: Uint8Array;
  /** A body made by this store's `draft()`, or one in memory. */
  readonly body: Body;
}

/** An entry's bytes, to be sent on. */
export interface EntryContent {
  readonly header: Uint8Array;
  readonly body: Body;
}

/** What a worker decided about an entry it leased. */
export type Settlement =
  /** Every recipient is finished: the entry and its bytes go. */
  | { readonly kind: 'done' }
  /** Try again: recipients as they stand now, due at a later time. `delayTold`: a notice says that it is late. */
  | {
      readonly kind: 'retry';
      readonly recipients: readonly EntryRecipient[];
      readonly due: number;
      readonly delayTold?: true;
    }
  | { readonly kind: 'hold'; readonly reason: string; readonly by: string };

/** Counts for listings and metrics. */
export interface SpoolTotals {
  readonly queued: number;
  readonly leased: number;
  readonly held: number;
}

/** A queue that survives. All times are milliseconds since 1970 and come from the caller's clock. */
export interface SpoolStore {
  /** A place to write a body while it arrives; spills to a file beyond the store's bound. */
  draft(): BodyDraft;
  /**
   * Makes the entry exist. Resolves when it is on disk; concurrent commits share a sync. May be committed `held`, `queued`,
   * or `leased` by the caller (so that the process that accepted it delivers it without another write).
   * Rejects with SpoolError `full` or `io`; then nothing of it exists.
   */
  commit(entry: NewEntry): Promise<void>;
  /**
   * Leases up to `limit` queued entries that are due at `now`, or whose lease ran out, oldest due first.
   */
  claim(owner: string, now: number, leaseMs: number, limit: number): Promise<readonly EntryMeta[]>;
  /** The bytes of an entry; null when it does not exist. */
  content(id: string): Promise<EntryContent | null>;
  /**
   * Ends a lease with a result; false when the lease was lost meanwhile (nothing is changed then). With `also`, another entry
   * (a notice) is committed in the same transaction: either both happen or neither; the floor for new mail does not count for it. `done` may
   * wait some milliseconds for a change of somebody else to share a sync with. A result or notice that the table of states does not allow throws
   * IllegalMove, and the lease is not renewed any more, so that it runs out.
   */
  settle(id: string, lease: Lease, result: Settlement, also?: readonly NewEntry[]): Promise<boolean>;
  /** Extends leases that this owner still holds; returns the ids that were lost. */
  renew(owner: string, until: number): Promise<readonly string[]>;
  get(id: string): Promise<EntryMeta | null>;
  /** Entries in order of id, page by page: `after` is the last id of the page before. */
  list(options: {
    readonly after?: string;
    readonly limit: number;
    readonly state?: EntryState;
  }): Promise<readonly EntryMeta[]>;
  /** When the next queued entry or expired lease becomes due; null when there is none. */
  nextDue(): Promise<number | null>;
  /** Makes queued entries that are due later than `beyond` due at `due`; resolves with how many. */
  hasten(beyond: number, due: number): Promise<number>;
  totals(): SpoolTotals;
  /** Operator's moves: held to queued, queued to held. False when the entry is not in a state that allows it. */
  release(id: string, due: number): Promise<boolean>;
  hold(id: string, reason: string, by: string, since?: number): Promise<boolean>;
  /** Removes a queued or held entry for good; false when it is leased or absent. */
  remove(id: string): Promise<boolean>;
  /**
   * An operator's change of an entry that nobody works on: what was read (`seen`) becomes `next`, or ends (null), and `also`
   * begins, all in one step. False, with nothing changed, when the entry is not as it was seen: somebody was faster. Throws
   * IllegalMove for what `amended` of the table of states does not allow.
   */
  amend(seen: EntryMeta, next: EntryMeta | null, also?: readonly NewEntry[]): Promise<boolean>;
  /** Bytes free for new mail above the floor; commit answers `full` when this is not positive. */
  freeBytes(): number;
  close(): Promise<void>;
}

/** Storage trouble: `full` (452 4.3.1), `io` (451 4.3.0), `damaged` (the entry was set aside). */
export class SpoolError extends Error {
  readonly code: 'full' | 'io' | 'damaged';

  constructor(code: 'full' | 'io' | 'damaged', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SpoolError';
    this.code = code;
  }
}
