/**
 * The embedded store: SpoolStore on lmdb, with large bodies in files beside it. Opened by open-lmdb.ts.
 *
 * Promises what store.ts promises; `commit` is one lmdb transaction (records and index key), synced before it resolves, shared
 * by all commits that wait at that moment. A read that lmdb refuses is SpoolError `io`. Its work is done in files of their
 * own: insert, claim, change, list.
 */
import { randomInt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { bodyOf } from '#message';
import type { BodyDraft } from '#message';
import { change } from './change.ts';
import { claimDue, firstDue } from './claim.ts';
import { Company } from './company.ts';
import { SpoolDraft } from './draft.ts';
import { spoolError } from './errors.ts';
import { hastenEntries } from './hasten.ts';
import { prepare } from './insert.ts';
import type { Insert } from './insert.ts';
import { listEntries } from './list.ts';
import { closeParts, readEntry } from './parts.ts';
import type { Parts } from './parts.ts';
import { decodeContent, idKey } from './record.ts';
import { allows, amended, held, IllegalMove, isSame, released, renewed, settled } from './states.ts';
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

/** A spool that recover.ts put in order. */
export class LmdbSpool implements SpoolStore {
  readonly #parts: Parts;
  readonly #company: Company;
  readonly #tokenPrefix = randomInt(2 ** 47).toString(36);
  #tokens = 0;
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#company = new Company(parts);
  }

  draft(): BodyDraft {
    const { inlineBodyMax, files, free } = this.#parts;
    return new SpoolDraft(inlineBodyMax, files, free);
  }

  async commit(entry: NewEntry): Promise<void> {
    let insert = prepare(this.#parts, entry);
    if (insert instanceof Promise) insert = await insert;
    const { key, size, writes, undo } = insert;
    let happened: boolean;
    try {
      happened = await this.#parts.writer.submit({ guard: { key, version: null }, size, writes, undo });
    } catch (error) {
      insert.failed();
      throw error;
    }
    if (!happened) {
      insert.failed();
      throw new IllegalMove('an entry with this id exists');
    }
    insert.committed();
  }

  claim(owner: string, now: number, leaseMs: number, limit: number): Promise<readonly EntryMeta[]> {
    const token = (): string => `${this.#tokenPrefix}.${(this.#tokens++).toString(36)}`;
    const claim = this.#claiming.then(() =>
      reading(() => claimDue(this.#parts, owner, now, now + leaseMs, limit, token)),
    );
    this.#claiming = claim.catch(() => {}); // one after another, or they would race for the same entries
    return claim;
  }

  async content(id: string): Promise<EntryContent | null> {
    const cached = this.#parts.cache.get(id);
    return cached ?? reading(() => this.#readContent(id));
  }

  async #readContent(id: string): Promise<EntryContent | null> {
    const { tables, files, aside } = this.#parts;
    if (id === '' || aside.has(id)) return null;
    const record = tables.contents.get(idKey(id));
    if (record === undefined) {
      if (readEntry(this.#parts, id) === null) return null;
      return this.#damaged(id, 'the content record is missing');
    }
    const content = decodeContent(record);
    if (content === null) return this.#damaged(id, 'the content record cannot be read');
    const { header } = content;
    if (content.kind === 'inline')
      return { header, body: bodyOf(content.body.length > 0 ? [content.body] : []) };
    const body = files.body(content.file, content.size);
    const found = await stat(body.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found?.size !== content.size && readEntry(this.#parts, id) !== null)
      return this.#damaged(id, 'the body file is missing or has another size');
    return found && { header, body };
  }

  #damaged(id: string, why: string): never {
    this.#parts.aside.add(id, why);
    throw new SpoolError('damaged', 'spool: an entry is damaged and was set aside');
  }

  async settle(
    id: string,
    lease: Lease,
    result: Settlement,
    also: readonly NewEntry[] = [],
  ): Promise<boolean> {
    const { leases } = this.#parts;
    let inserts: readonly Insert[] = [];
    try {
      if (also.length > 0) inserts = await this.#company.prepare(also);
      const known = leases.get(id, lease);
      if (known) known.settling = true;
      const changed = await change(
        this.#parts,
        id,
        (meta) => meta.lease?.token === lease.token && settled(meta, result),
        { also: inserts, known, lazy: result.kind === 'done' && also.length === 0 },
      );
      leases.drop(id, lease);
      if (changed) this.#company.happened(inserts);
      else this.#company.notHappened(also, inserts);
      return changed !== null;
    } catch (error) {
      const left = leases.get(id, lease);
      if (left) left.settling = false;
      // A mistake of the caller, who cannot do better the next time: nothing was written, and the lease is to run out.
      if (!(error instanceof SpoolError)) leases.drop(id, lease);
      this.#company.notHappened(also, inserts);
      throw error;
    }
  }

  async renew(owner: string, until: number): Promise<readonly string[]> {
    const { leases } = this.#parts;
    const lost: string[] = [];
    const renewals = leases.of(owner).map(async (known) => {
      const { id } = known.meta;
      const lease = known.meta.lease!;
      const changed = await change(
        this.#parts,
        id,
        (meta) => meta.lease?.token === lease.token && renewed(meta, until),
        { known },
      );
      const now = leases.get(id, lease);
      if (!now || now.settling) return; // settled meanwhile: neither renewed nor lost
      if (changed?.meta) leases.set({ ...changed, meta: changed.meta });
      else {
        leases.drop(id, lease);
        lost.push(id);
      }
    });
    await Promise.all(renewals);
    return lost;
  }

  async get(id: string): Promise<EntryMeta | null> {
    return reading(() => readEntry(this.#parts, id)?.meta ?? null);
  }

  list(options: { after?: string; limit: number; state?: EntryState }): Promise<readonly EntryMeta[]> {
    return reading(() => listEntries(this.#parts, options));
  }

  async nextDue(): Promise<number | null> {
    return reading(() => firstDue(this.#parts));
  }

  hasten(beyond: number, due: number): Promise<number> {
    return reading(() => hastenEntries(this.#parts, beyond, due));
  }

  totals(): SpoolTotals {
    return this.#parts.tables.totals();
  }

  async release(id: string, due: number): Promise<boolean> {
    return this.#move(id, (meta) => allows('release', meta.state) && released(meta, due));
  }

  async hold(id: string, reason: string, by: string, since?: number): Promise<boolean> {
    return this.#move(id, (meta) => allows('hold', meta.state) && held(meta, reason, by, since));
  }

  async amend(seen: EntryMeta, next: EntryMeta | null, also: readonly NewEntry[] = []): Promise<boolean> {
    const after = amended(seen, next);
    const inserts = await this.#company.prepare(also);
    const decide = (meta: EntryMeta): EntryMeta | null | false => isSame(meta, seen) && after;
    let happened = false;
    try {
      happened = (await reading(() => change(this.#parts, seen.id, decide, { also: inserts }))) !== null;
    } finally {
      if (happened) this.#company.happened(inserts);
      else this.#company.notHappened(also, inserts);
    }
    return happened;
  }

  async remove(id: string): Promise<boolean> {
    return this.#move(id, (meta) => (allows('remove', meta.state) ? null : false));
  }

  async #move(id: string, decide: (meta: EntryMeta) => EntryMeta | null | false): Promise<boolean> {
    return (await reading(() => change(this.#parts, id, decide))) !== null;
  }

  freeBytes(): number {
    return this.#parts.free.bytes();
  }

  async close(): Promise<void> {
    await closeParts(this.#parts);
    await this.#parts.presence.leave();
  }
}

/** What lmdb throws while reading becomes a SpoolError; a caller's own mistake stays what it is. */
async function reading<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof IllegalMove) throw error;
    throw spoolError(error, 'reading');
  }
}
