/**
 * The store that forgets: SpoolStore in memory, for tests and for gateways that deliver while the client waits.
 *
 * Keeps every promise of store.ts but the disk: what it holds is gone with the process. Bounded by `maxBytes`, bodies that are
 * still coming in included; beyond it a draft or `commit` fails with `full`. Made for few entries: claiming and listing walk all of them.
 */
import type { Body, BodyDraft } from '#message';
import { bodyOf } from '#message';
import {
  allows,
  amended,
  checkNew,
  claimed,
  hastened,
  held,
  IllegalMove,
  isSame,
  released,
  renewed,
  settled,
} from './states.ts';
import { SpoolError } from './store.ts';
import type {
  EntryContent,
  EntryMeta,
  EntryState,
  Lease,
  NewEntry,
  Settlement,
  SpoolStore,
  SpoolTotals,
} from './store.ts';

export interface MemorySpoolOptions {
  /** Bytes of headers and bodies it may hold; default 256 MiB. */
  readonly maxBytes?: number;
}

interface Kept {
  meta: EntryMeta;
  readonly content: EntryContent;
  readonly bytes: number;
}

const MAX_BYTES = 256 * 1024 * 1024;

export class MemorySpool implements SpoolStore {
  readonly #maxBytes: number;
  /** Bytes that drafts charged, by the bodies they became; an entry takes the charge of its body over. */
  readonly #drafted = new WeakMap<Body, MemoryDraft>();
  readonly #room: Room = {
    take: (bytes) => {
      if (this.#bytes + bytes > this.#maxBytes) return false;
      this.#bytes += bytes;
      return true;
    },
    giveBack: (bytes) => void (this.#bytes -= bytes),
    finished: (body, draft) => void this.#drafted.set(body, draft),
  };
  readonly #entries = new Map<string, Kept>();
  /** By owner, the token of every lease it has and did not settle; shows which ones were lost. */
  readonly #claims = new Map<string, Map<string, string>>();
  #bytes = 0;
  #tokens = 0;
  #closed = false;

  constructor(options: MemorySpoolOptions = {}) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  draft(): BodyDraft {
    return new MemoryDraft(this.#room);
  }

  async commit(entry: NewEntry): Promise<void> {
    this.#check([entry]);
    const charged = this.#drafted.get(entry.body)?.charged ?? 0;
    if (this.#bytes + bytesOf(entry) - charged > this.#maxBytes)
      throw new SpoolError('full', 'spool: no room for new mail');
    this.#insert(entry);
  }

  async claim(owner: string, now: number, leaseMs: number, limit: number): Promise<readonly EntryMeta[]> {
    this.#use();
    const due = [...this.#entries.values()].filter(({ meta }) => (dueOf(meta) ?? Infinity) <= now);
    due.sort((a, b) => dueOf(a.meta)! - dueOf(b.meta)! || (a.meta.id < b.meta.id ? -1 : 1));
    return due.slice(0, limit).map((kept) => {
      const token = `memory.${(this.#tokens++).toString(36)}`;
      kept.meta = claimed(kept.meta, { owner, token, until: now + leaseMs });
      this.#remember(kept.meta);
      return kept.meta;
    });
  }

  async content(id: string): Promise<EntryContent | null> {
    this.#use();
    return this.#entries.get(id)?.content ?? null;
  }

  async settle(
    id: string,
    lease: Lease,
    result: Settlement,
    also: readonly NewEntry[] = [],
  ): Promise<boolean> {
    const kept = this.#entries.get(id);
    const mine = kept?.meta.lease?.token === lease.token;
    let next: EntryMeta | null | false;
    try {
      this.#check(also);
      next = mine && settled(kept.meta, result);
    } catch (error) {
      if (error instanceof IllegalMove) this.#forget(id, lease.owner, lease.token);
      throw error;
    }
    this.#forget(id, lease.owner, lease.token);
    if (next === false || !kept) return false;
    if (next) kept.meta = next;
    else this.#drop(id);
    for (const entry of also) this.#insert(entry);
    return true;
  }

  async renew(owner: string, until: number): Promise<readonly string[]> {
    this.#use();
    const lost: string[] = [];
    for (const [id, token] of this.#claims.get(owner) ?? []) {
      const kept = this.#entries.get(id);
      if (kept?.meta.lease?.token === token) kept.meta = renewed(kept.meta, until);
      else {
        this.#forget(id, owner, token);
        lost.push(id);
      }
    }
    return lost;
  }

  async get(id: string): Promise<EntryMeta | null> {
    this.#use();
    return this.#entries.get(id)?.meta ?? null;
  }

  async list(options: {
    readonly after?: string;
    readonly limit: number;
    readonly state?: EntryState;
  }): Promise<readonly EntryMeta[]> {
    this.#use();
    const { after = '', limit, state } = options;
    const found = [...this.#entries.values()].map(({ meta }) => meta);
    return found
      .filter((meta) => meta.id > after && (state === undefined || meta.state === state))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, Math.max(0, limit));
  }

  async nextDue(): Promise<number | null> {
    this.#use();
    let first: number | null = null;
    for (const { meta } of this.#entries.values()) {
      const due = dueOf(meta);
      if (due !== null && (first === null || due < first)) first = due;
    }
    return first;
  }

  async hasten(beyond: number, due: number): Promise<number> {
    this.#use();
    let count = 0;
    for (const kept of this.#entries.values()) {
      if (!allows('hasten', kept.meta.state) || kept.meta.due <= beyond) continue;
      kept.meta = hastened(kept.meta, due);
      count++;
    }
    return count;
  }

  totals(): SpoolTotals {
    const totals = { queued: 0, leased: 0, held: 0 };
    for (const { meta } of this.#entries.values()) totals[meta.state]++;
    return totals;
  }

  async release(id: string, due: number): Promise<boolean> {
    return this.#move(id, (meta) => allows('release', meta.state) && released(meta, due));
  }

  async hold(id: string, reason: string, by: string, since?: number): Promise<boolean> {
    return this.#move(id, (meta) => allows('hold', meta.state) && held(meta, reason, by, since));
  }

  async amend(seen: EntryMeta, next: EntryMeta | null, also: readonly NewEntry[] = []): Promise<boolean> {
    const after = amended(seen, next);
    this.#check(also);
    const kept = this.#entries.get(seen.id);
    if (!kept || !isSame(kept.meta, seen)) return false;
    if (after) kept.meta = after;
    else this.#drop(seen.id);
    for (const entry of also) this.#insert(entry);
    return true;
  }

  async remove(id: string): Promise<boolean> {
    this.#use();
    const kept = this.#entries.get(id);
    if (!kept || !allows('remove', kept.meta.state)) return false;
    this.#drop(id);
    return true;
  }

  freeBytes(): number {
    return this.#maxBytes - this.#bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #move(id: string, decide: (meta: EntryMeta) => EntryMeta | false): boolean {
    this.#use();
    const kept = this.#entries.get(id);
    const next = kept ? decide(kept.meta) : false;
    if (!kept || next === false) return false;
    kept.meta = next;
    return true;
  }

  #use(): void {
    if (this.#closed) throw new SpoolError('io', 'spool: closed');
  }

  #check(entries: readonly NewEntry[]): void {
    this.#use();
    for (const entry of entries) {
      checkNew(entry.meta);
      if (this.#entries.has(entry.meta.id)) throw new IllegalMove('an entry with this id exists');
    }
  }

  #insert(entry: NewEntry): void {
    const { meta, header, body } = entry;
    const bytes = bytesOf(entry);
    this.#drafted.get(body)?.settle();
    this.#entries.set(meta.id, { meta, content: { header, body }, bytes });
    this.#bytes += bytes;
    this.#remember(meta);
  }

  #drop(id: string): void {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
  }

  #remember(meta: EntryMeta): void {
    if (!meta.lease) return;
    const { owner, token } = meta.lease;
    const claims = this.#claims.get(owner);
    if (claims) claims.set(meta.id, token);
    else this.#claims.set(owner, new Map([[meta.id, token]]));
  }

  #forget(id: string, owner: string, token: string): void {
    const claims = this.#claims.get(owner);
    if (claims?.get(id) !== token) return;
    claims.delete(id);
    if (claims.size === 0) this.#claims.delete(owner);
  }
}

/** When a queued entry is due or a lease ends; null for a held entry. */
function dueOf(meta: EntryMeta): number | null {
  if (meta.state === 'queued') return meta.due;
  return meta.lease && meta.lease.until;
}

function bytesOf(entry: NewEntry): number {
  return entry.header.length + entry.body.size;
}

/** What drafts share with their store. */
interface Room {
  /** Charges so many bytes; false, and nothing charged, when there is no room. */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** The draft has become this body. */
  finished(body: Body, draft: MemoryDraft): void;
}

/** Chunks as they come. Where there is no room all are dropped, the client is heard to its end, and `finish` throws `full`. */
class MemoryDraft implements BodyDraft {
  /** Bytes held for this draft and for no entry. */
  charged = 0;
  readonly #room: Room;
  #chunks: Uint8Array[] = [];
  #failure: SpoolError | null = null;

  constructor(room: Room) {
    this.#room = room;
  }

  write(chunk: Uint8Array): void {
    if (this.#failure !== null) return;
    if (!this.#room.take(chunk.length)) {
      this.settle();
      this.#failure = new SpoolError('full', 'spool: no room for a message body');
      return;
    }
    this.charged += chunk.length;
    this.#chunks.push(chunk);
  }

  finish(): Body {
    if (this.#failure !== null) throw this.#failure;
    const body = bodyOf(this.#chunks);
    this.#room.finished(body, this);
    return body;
  }

  discard(): void {
    this.settle();
    this.#failure ??= new SpoolError('io', 'spool: the body was discarded');
  }

  /** It holds nothing any more: an entry does, or nobody. */
  settle(): void {
    this.#room.giveBack(this.charged);
    this.charged = 0;
    this.#chunks = [];
  }
}
