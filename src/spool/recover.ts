/**
 * What a start does with what an earlier process left behind.
 *
 * Leases of processes that are gone, or that ran out, are given back; an index that does not fit its entries is made anew;
 * body files that no entry names are removed; whatever else lies in the spool's directories is moved to `damaged/`. Nothing
 * of a living process is touched, and a process that cannot be looked up (another container's) counts as living: its leases
 * end by themselves, its files must be older than any message in the making. What cannot be done now (a full disk) is reported
 * and left to the next start; rejects only when the data file turns out to be unusable.
 */
import { lstat, readdir, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { change } from './change.ts';
import { causeOf, isUnusable } from './errors.ts';
import { MARK } from './insert.ts';
import { fateOf } from './owner.ts';
import { readEntry } from './parts.ts';
import type { Parts, StoredEntry } from './parts.ts';
import { BODY_FILE, idKey, idOf, indexedId, indexKey, readTimeKey } from './record.ts';
import { recovered } from './states.ts';
import type { EntryState } from './store.ts';

/** Records looked at between two turns of the event loop. */
const SLICE = 512;
/** Milliseconds after its last change before a body file may go that no entry names and whose maker cannot be looked up. */
const UNCLAIMED_AGE = 86_400_000;

/** Puts the spool in order; see above. */
export async function recover(parts: Parts): Promise<void> {
  const { tables, files } = parts;
  await attempt(parts, () => proveWritable(parts));
  const leases = await attempt(parts, () => releaseLeases(parts));
  const fixed = await attempt(parts, () => mendIndexes(parts));
  const isOwned = (name: string): boolean => {
    tables.freshen(); // the maker may have committed it just before it ended
    return tables.files.doesExist(Buffer.from(name, 'latin1'));
  };
  const arriving = await attempt(parts, () => sweep(parts, files.incoming, () => false));
  const kept = await attempt(parts, () => sweep(parts, files.kept, isOwned));
  await parts.aside.settled();
  if (leases + fixed + arriving + kept > 0)
    parts.notices('spool.recovered', { leases, fixed, files: arriving + kept });
}

/** One step; the others go on without it. */
async function attempt(parts: Parts, step: () => Promise<number>): Promise<number> {
  try {
    return await step();
  } catch (error) {
    if (isUnusable(error)) throw error;
    parts.notices('spool.notRecovered', { cause: causeOf(error) });
    return 0;
  }
}

/** A transaction that leaves nothing: damage where lmdb keeps its free pages shows now and not at the first message. */
async function proveWritable(parts: Parts): Promise<number> {
  const { files } = parts.tables;
  const key = Buffer.from('probe', 'latin1');
  await parts.writer.submit({
    size: 0,
    writes() {
      void files.put(key, MARK);
      void files.remove(key);
    },
  });
  return 0;
}

/** Gives back leases that nobody will settle; returns how many. */
async function releaseLeases(parts: Parts): Promise<number> {
  const now = parts.clock.now();
  const fates = new Map<string, boolean>();
  const gone = (owner: string): boolean => {
    let fate = fates.get(owner);
    if (fate === undefined) fates.set(owner, (fate = fateOf(owner) === 'gone'));
    return fate;
  };
  const ids = Array.from(parts.tables.leased.getKeys(), (key) => readTimeKey(key).id);
  const changes = ids.map((id) =>
    change(parts, id, (meta) => {
      if (meta.lease === null) return false;
      return meta.lease.until <= now || gone(meta.lease.owner) ? recovered(meta) : false;
    }),
  );
  const results = await Promise.all(changes);
  return results.filter((result) => result !== null).length;
}

/** Makes the indexes say what the entries say: a full walk, only after counts were found to differ. */
async function mendIndexes(parts: Parts): Promise<number> {
  const { tables } = parts;
  const { queued, leased, held } = tables.totals();
  if (tables.entryCount() === queued + leased + held) return 0;
  let fixed = 0;
  // Guarded by the entry's version: a living process may be changing it.
  const submit = (id: string, stored: StoredEntry | null, writes: () => void): Promise<boolean> => {
    fixed++;
    const guard = id === '' ? {} : { guard: { key: idKey(id), version: stored?.version ?? null } };
    return parts.writer.submit({ ...guard, size: 0, writes });
  };
  for (const state of ['queued', 'leased', 'held'] as const)
    for (const slice of slices(Array.from(tables[state].getKeys()))) {
      const removals: Promise<boolean>[] = [];
      for (const key of slice) {
        const id = indexedId(state, key);
        const stored = readEntry(parts, id);
        if (!parts.aside.has(id) && !isIndexed(stored, state, key))
          removals.push(submit(id, stored, () => void tables[state].remove(key)));
      }
      await Promise.all(removals);
      await turn();
    }
  for (const slice of slices(Array.from(tables.entries.getKeys()))) {
    const missing = slice.map((key) => readEntry(parts, idOf(key)));
    for (const stored of missing) {
      if (stored === null) continue;
      const at = indexKey(stored.meta);
      const index = tables[stored.meta.state];
      if (!index.doesExist(at)) await submit(stored.meta.id, stored, () => void index.put(at, MARK));
    }
    await turn();
  }
  return fixed;
}

function isIndexed(stored: StoredEntry | null, state: EntryState, key: Buffer): boolean {
  return stored?.meta.state === state && indexKey(stored.meta).equals(key);
}

function* slices<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += SLICE) yield all.slice(at, at + SLICE);
}

/** Whether no process can be about to commit this file: then, and not before, the entries can be asked. */
async function isLeft(parts: Parts, owner: string, path: string): Promise<boolean> {
  if (owner === parts.owner) return false;
  const fate = fateOf(owner);
  if (fate !== 'unknown') return fate === 'gone';
  const { mtimeMs, ctimeMs } = await lstat(path);
  return parts.clock.now() - Math.max(mtimeMs, ctimeMs) > UNCLAIMED_AGE;
}

/** Removes body files of dead processes that no entry owns, puts strangers aside; returns how many it moved or removed. */
async function sweep(parts: Parts, dir: string, isOwned: (name: string) => boolean): Promise<number> {
  let count = 0;
  for (const found of await readdir(dir, { withFileTypes: true })) {
    const owner = found.isFile() ? BODY_FILE.exec(found.name)?.[1] : undefined;
    const path = join(dir, found.name);
    try {
      if (owner === undefined) {
        // The folder is in the name: another stranger of the same name may be put aside in the same millisecond.
        const aside = `${found.name}.${basename(dir)}.${parts.clock.now()}`;
        await rename(path, join(parts.dir, 'damaged', aside));
        parts.notices('spool.stranger', { file: found.name });
      } else {
        if (!(await isLeft(parts, owner, path)) || isOwned(found.name)) continue;
        await unlink(path);
      }
      count++;
    } catch (error) {
      parts.notices('spool.leftover', { file: found.name, cause: causeOf(error) });
    }
  }
  return count;
}
