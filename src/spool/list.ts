/**
 * Listing entries in order of id, page by page, for people and their tools.
 *
 * Reads in slices and lets the event loop run between them. With a state asked for, a state that few entries are in is read
 * from its index, any other by walking the entries. Damaged records are handed to `aside` and left out.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { readEntry } from './parts.ts';
import type { Readable } from './parts.ts';
import { decodeMeta, idKey, idOf, indexedId, isInState } from './record.ts';
import type { EntryMeta, EntryState } from './store.ts';

/** Records looked at between two turns of the event loop. */
const SLICE = 256;
/** Up to so many entries in a state are read from its index and sorted. */
const INDEX_MAX = 10_000;

/** See SpoolStore.list. */
export async function listEntries(
  parts: Readable,
  options: { readonly after?: string; readonly limit: number; readonly state?: EntryState },
): Promise<readonly EntryMeta[]> {
  const { after = '', limit, state } = options;
  if (limit <= 0) return [];
  if (state !== undefined && parts.tables.totals()[state] <= INDEX_MAX)
    return fromIndex(parts, after, limit, state);
  return fromEntries(parts, after, limit, state);
}

function fromIndex(parts: Readable, after: string, limit: number, state: EntryState): EntryMeta[] {
  const ids: string[] = [];
  for (const key of parts.tables[state].getKeys()) {
    const id = indexedId(state, key);
    if (id > after) ids.push(id);
  }
  const found: EntryMeta[] = [];
  for (const id of ids.toSorted()) {
    if (found.length === limit) break;
    const stored = readEntry(parts, id);
    if (stored?.meta.state === state) found.push(stored.meta);
  }
  return found;
}

async function fromEntries(
  parts: Readable,
  after: string,
  limit: number,
  state: EntryState | undefined,
): Promise<EntryMeta[]> {
  const found: EntryMeta[] = [];
  let start = Buffer.concat([idKey(after), Buffer.alloc(1)]); // the first key behind `after`
  for (;;) {
    let seen = 0;
    for (const { key, value } of parts.tables.entries.getRange({ start, limit: SLICE })) {
      seen++;
      start = Buffer.concat([key, Buffer.alloc(1)]);
      if (state !== undefined && !isInState(value, state)) continue;
      const id = idOf(key);
      if (parts.aside.has(id)) continue;
      const entry = decodeMeta(value, id);
      if (entry === null) parts.aside.add(id, 'the meta record cannot be read');
      else found.push(entry.meta);
      if (found.length === limit) return found;
    }
    if (seen < SLICE) return found;
    await turn();
  }
}
