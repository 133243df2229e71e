/**
 * The table of states: what an entry and a recipient may become, and the one place that makes the next record of an entry.
 *
 * Both stores call these functions and nothing else changes an entry. A move that the table does not know throws IllegalMove:
 * it is a mistake of the caller, never an answer. Pure values in, new values out; nothing here touches a disk or a clock.
 */
import type { EntryMeta, EntryRecipient, EntryState, Lease, RecipientState, Settlement } from './store.ts';

/** States with the one before commit and after the end. */
export type Place = EntryState | 'absent';

/** Legal moves of an entry: from where, to where. */
export const ENTRY_MOVES = {
  /** `commit`: a new entry. */
  commit: { from: ['absent'], to: ['queued', 'leased', 'held'] },
  /** `claim`: a worker takes it; from `leased` only when the lease ran out. */
  claim: { from: ['queued', 'leased'], to: ['leased'] },
  /** `renew`: its worker needs longer. */
  renew: { from: ['leased'], to: ['leased'] },
  /** `settle` retry. */
  retry: { from: ['leased'], to: ['queued'] },
  /** `settle` hold. */
  suspend: { from: ['leased'], to: ['held'] },
  /** `settle` done. */
  done: { from: ['leased'], to: ['absent'] },
  /** A start finds a lease of a process that is gone. */
  recover: { from: ['leased'], to: ['queued'] },
  /** Operator's moves. */
  release: { from: ['held'], to: ['queued'] },
  hold: { from: ['queued'], to: ['held'] },
  remove: { from: ['queued', 'held'], to: ['absent'] },
} as const satisfies Record<string, { readonly from: readonly Place[]; readonly to: readonly Place[] }>;

/** Name of a row of ENTRY_MOVES. */
export type Move = keyof typeof ENTRY_MOVES;

/** What one recipient may become in a settlement; every state but `pending` is final. */
export const RECIPIENT_MOVES: Record<RecipientState, readonly RecipientState[]> = {
  pending: ['pending', 'delivered', 'failed', 'expired'],
  delivered: ['delivered'],
  failed: ['failed'],
  expired: ['expired'],
};

/** A move the table does not know, or an entry that contradicts itself: the caller's mistake. */
export class IllegalMove extends Error {
  readonly code = 'spool_illegal_move';

  constructor(message: string) {
    super(message);
    this.name = 'IllegalMove';
  }
}

/** Whether the table lets an entry in `from` make this move. */
export function allows(move: Move, from: Place): boolean {
  return (ENTRY_MOVES[move].from as readonly Place[]).includes(from);
}

function check(move: Move, from: Place, to: Place): void {
  if (!allows(move, from) || !(ENTRY_MOVES[move].to as readonly Place[]).includes(to))
    throw new IllegalMove(`${move} may not take an entry from ${from} to ${to}`);
}

function checkTime(what: string, ms: number): void {
  if (!Number.isFinite(ms)) throw new IllegalMove(`${what} is not a time`);
}

/** An id as store.ts asks for it. */
export const ENTRY_ID = /^[A-Za-z0-9]{1,64}$/;

/** Holds an entry that is about to be committed against the table. Throws IllegalMove. */
export function checkNew(meta: EntryMeta): void {
  check('commit', 'absent', meta.state);
  if (!ENTRY_ID.test(meta.id)) throw new IllegalMove('an entry id is 1 to 64 letters and digits');
  if ((meta.state === 'leased') !== (meta.lease !== null))
    throw new IllegalMove('a lease belongs to a leased entry');
  if ((meta.state === 'held') !== (meta.hold !== null))
    throw new IllegalMove('a hold belongs to a held entry');
  checkTime('due', meta.due);
  checkTime('expiresAt', meta.expiresAt);
  if (meta.lease) checkTime('until', meta.lease.until);
}

/** The entry with a claim on it. */
export function claimed(meta: EntryMeta, lease: Lease): EntryMeta {
  check('claim', meta.state, 'leased');
  checkTime('until', lease.until);
  return { ...meta, state: 'leased', lease };
}

/** The entry with its lease extended; owner and token stay. */
export function renewed(meta: EntryMeta, until: number): EntryMeta {
  check('renew', meta.state, 'leased');
  checkTime('until', until);
  return { ...meta, lease: { ...meta.lease!, until } };
}

/**
 * The entry after a run that left recipients pending. `recipients` are the same ones in the same order; a finished one may not
 * come back to life. `attempts` counts a run only when some recipient was really tried.
 */
export function retried(meta: EntryMeta, recipients: readonly EntryRecipient[], due: number): EntryMeta {
  check('retry', meta.state, 'queued');
  checkTime('due', due);
  if (recipients.length !== meta.recipients.length)
    throw new IllegalMove('a settlement names every recipient of the entry');
  let tried = false;
  recipients.forEach((now, i) => {
    const before = meta.recipients[i]!;
    if (now.address !== before.address) throw new IllegalMove('a settlement keeps the order of recipients');
    if (!RECIPIENT_MOVES[before.state].includes(now.state))
      throw new IllegalMove(`a recipient may not go from ${before.state} to ${now.state}`);
    if (now.attempts > before.attempts) tried = true;
  });
  return {
    ...meta,
    state: 'queued',
    lease: null,
    recipients,
    due,
    attempts: meta.attempts + (tried ? 1 : 0),
  };
}

/** The entry held by the worker that leased it. */
export function suspended(meta: EntryMeta, reason: string, by: string): EntryMeta {
  check('suspend', meta.state, 'held');
  return { ...meta, state: 'held', lease: null, hold: { reason, by } };
}

/** The entry of a worker that is gone, free to be claimed. */
export function recovered(meta: EntryMeta): EntryMeta {
  check('recover', meta.state, 'queued');
  return { ...meta, state: 'queued', lease: null };
}

/** A held entry let go by an operator. */
export function released(meta: EntryMeta, due: number): EntryMeta {
  check('release', meta.state, 'queued');
  checkTime('due', due);
  return { ...meta, state: 'queued', hold: null, due };
}

/** A queued entry stopped by an operator. */
export function held(meta: EntryMeta, reason: string, by: string): EntryMeta {
  check('hold', meta.state, 'held');
  return { ...meta, state: 'held', hold: { reason, by } };
}

/** What a settlement makes of a leased entry; null when it ends. */
export function settled(meta: EntryMeta, result: Settlement): EntryMeta | null {
  switch (result.kind) {
    case 'done':
      check('done', meta.state, 'absent');
      return null;
    case 'retry':
      return retried(meta, result.recipients, result.due);
    case 'hold':
      return suspended(meta, result.reason, result.by);
  }
}
