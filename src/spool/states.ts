/**
 * The table of states: what an entry and a recipient may become, and the one place that makes the next record of an entry.
 *
 * Both stores call these functions and nothing else changes an entry. A move that the table does not know throws IllegalMove:
 * it is a mistake of the caller, never an answer. Pure values in, new values out; nothing here touches a disk or a clock.
 */
import type { EntryMeta, EntryState, Lease, RecipientState, Settlement } from './store.ts';

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
  /** It is due too late to have been meant so: the clock was set back. */
  hasten: { from: ['queued'], to: ['queued'] },
  /** Operator's moves. */
  release: { from: ['held'], to: ['queued'] },
  hold: { from: ['queued'], to: ['held'] },
  remove: { from: ['queued', 'held'], to: ['absent'] },
  amend: { from: ['queued', 'held'], to: ['queued', 'held', 'absent'] },
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
export function retried(
  meta: EntryMeta,
  { recipients, due, delayTold }: Omit<Extract<Settlement, { readonly kind: 'retry' }>, 'kind'>,
): EntryMeta {
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
    ...(delayTold && { delayTold }),
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

/** A queued entry made due at another time. */
export function hastened(meta: EntryMeta, due: number): EntryMeta {
  check('hasten', meta.state, 'queued');
  checkTime('due', due);
  return { ...meta, due };
}

/** A held entry let go by an operator. */
export function released(meta: EntryMeta, due: number): EntryMeta {
  check('release', meta.state, 'queued');
  checkTime('due', due);
  return { ...meta, state: 'queued', hold: null, due };
}

/** A queued entry stopped by an operator. */
export function held(meta: EntryMeta, reason: string, by: string, since?: number): EntryMeta {
  check('hold', meta.state, 'held');
  return { ...meta, state: 'held', hold: { reason, by, ...(since !== undefined && { since }) } };
}

/**
 * Holds an operator's change of an entry against the table. Recipients may go, be added, and change their address, but one that
 * is finished does not come back to life under the same address. Id, bytes and arrival stay. Throws IllegalMove.
 */
export function amended(seen: EntryMeta, next: EntryMeta | null): EntryMeta | null {
  check('amend', seen.state, next?.state ?? 'absent');
  if (next === null) return null;
  if (next.id !== seen.id || next.size !== seen.size || next.receivedAt !== seen.receivedAt)
    throw new IllegalMove('a change keeps id, size and arrival of an entry');
  if (next.lease !== null || (next.state === 'held') !== (next.hold !== null))
    throw new IllegalMove('a hold belongs to a held entry, and nobody works on a changed one');
  checkTime('due', next.due);
  checkTime('expiresAt', next.expiresAt);
  const before = new Map(seen.recipients.map((r) => [r.address, r.state]));
  for (const { address, state } of next.recipients) {
    const was = before.get(address) ?? 'pending';
    if (!RECIPIENT_MOVES[was].includes(state))
      throw new IllegalMove(`a recipient may not go from ${was} to ${state}`);
  }
  if (!next.recipients.some((r) => r.state === 'pending'))
    throw new IllegalMove('an entry without a recipient to deliver ends');
  return next;
}

/** Whether two readings of an entry are the same record. */
export function isSame(a: EntryMeta, b: EntryMeta): boolean {
  return a === b || (a.id === b.id && JSON.stringify(a) === JSON.stringify(b));
}

/** What a settlement makes of a leased entry; null when it ends. */
export function settled(meta: EntryMeta, result: Settlement): EntryMeta | null {
  switch (result.kind) {
    case 'done':
      check('done', meta.state, 'absent');
      return null;
    case 'retry':
      return retried(meta, result);
    case 'hold':
      return suspended(meta, result.reason, result.by);
  }
}
