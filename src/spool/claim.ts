/**
 * Claiming: leases on the entries that are due, oldest first, without looking at any that are not.
 *
 * Each claim is guarded by the entry's version, so two processes that see the same entry cannot both have it. Index keys that
 * contradict their entry (a damaged store) are removed in passing. Each look sees what other processes have committed by then: one
 * that was told of a new entry finds it.
 */
import { MARK } from './insert.ts';
import { readEntry } from './parts.ts';
import type { Parts } from './parts.ts';
import { encodeMeta, idKey, indexKey, readTimeKey, timeKey } from './record.ts';
import { claimed } from './states.ts';
import type { EntryMeta } from './store.ts';

interface Due {
  readonly state: 'queued' | 'leased';
  readonly at: number;
  readonly id: string;
  readonly key: Buffer;
}

/** Leases up to `limit` due entries; see SpoolStore.claim. `token` makes a new token at every call. */
export async function claimDue(
  parts: Parts,
  owner: string,
  now: number,
  until: number,
  limit: number,
  token: () => string,
): Promise<readonly EntryMeta[]> {
  parts.tables.freshen();
  const claims = dueAt(parts, now, limit).map((due) =>
    claimOne(parts, due, { owner, token: token(), until }),
  );
  const taken = await Promise.all(claims);
  return taken.filter((meta) => meta !== null);
}

/** Time of the first entry that is or becomes due; null when there is none. */
export function firstDue(parts: Parts): number | null {
  parts.tables.freshen();
  let first: number | null = null;
  for (const state of ['queued', 'leased'] as const)
    for (const key of parts.tables[state].getKeys({ limit: 1 + parts.aside.size })) {
      const { at, id } = readTimeKey(key);
      if (parts.aside.has(id)) continue;
      if (first === null || at < first) first = at;
      break;
    }
  return first;
}

function dueAt(parts: Parts, now: number, limit: number): readonly Due[] {
  const found: Due[] = [];
  for (const state of ['queued', 'leased'] as const) {
    const keys = parts.tables[state].getKeys({ end: timeKey(now + 1, ''), limit: limit + parts.aside.size });
    for (const key of keys) {
      const due = { state, key, ...readTimeKey(key) };
      if (!parts.aside.has(due.id)) found.push(due);
    }
  }
  return found.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).slice(0, limit);
}

async function claimOne(
  parts: Parts,
  due: Due,
  lease: NonNullable<EntryMeta['lease']>,
): Promise<EntryMeta | null> {
  const { tables, writer, leases } = parts;
  const stored = readEntry(parts, due.id);
  if (stored === null || stored.meta.state !== due.state || !indexKey(stored.meta).equals(due.key)) {
    if (!parts.aside.has(due.id))
      await writer.submit({ size: 0, writes: () => void tables[due.state].remove(due.key) });
    return null;
  }
  const meta = claimed(stored.meta, lease);
  const record = encodeMeta(meta, stored.file);
  const at = indexKey(meta);
  const key = idKey(due.id);
  const version = stored.version + 1;
  const happened = await writer.submit({
    guard: { key, version: stored.version },
    size: record.length,
    writes() {
      void tables[due.state].remove(due.key);
      void tables.leased.put(at, MARK);
      void tables.entries.put(key, record, version);
    },
  });
  if (!happened) return null;
  leases.set({ meta, file: stored.file, version });
  return meta;
}
