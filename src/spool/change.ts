/**
 * Changing an entry that exists: read, decide, write under the guard of what was read, and again when somebody was faster.
 *
 * Serves settlements, renewals and the operator's moves. Atomic each; the caller's decision is made anew on every round.
 */
import type { Insert } from './insert.ts';
import { MARK } from './insert.ts';
import { readEntry } from './parts.ts';
import type { Parts, StoredEntry } from './parts.ts';
import { encodeMeta, idKey, indexKey } from './record.ts';
import { SpoolError } from './store.ts';
import type { EntryMeta } from './store.ts';

/** Rounds before a change gives up: each lost round means that another change of the same entry won. */
const MAX_ROUNDS = 100;

/** What to make of an entry: its next record, null to remove it, false to leave it (the answer is then false). */
export type Decision = (meta: EntryMeta) => EntryMeta | null | false;

/** How a change is to be written. */
export interface Manner {
  /** Entries that come to exist in the same transaction. */
  readonly also?: readonly Insert[];
  /** The entry as it is known to the caller, so that it need not be read. */
  readonly known?: StoredEntry | undefined;
  /** See writer.ts. */
  readonly lazy?: boolean;
}

/** What a change made of an entry. */
export interface Changed {
  /** Null when it was removed. */
  readonly meta: EntryMeta | null;
  readonly file: string | null;
  readonly version: number;
}

/** Changes an entry; null when it does not exist or `decide` says so, else the entry it became and its version. */
export async function change(
  parts: Parts,
  id: string,
  decide: Decision,
  manner: Manner = {},
): Promise<Changed | null> {
  let stored = manner.known ?? readEntry(parts, id);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (stored === null) return null;
    const next = decide(stored.meta);
    if (next === false) return null;
    const version = stored.version + 1;
    if (await write(parts, stored, next, manner)) return { meta: next, file: stored.file, version };
    parts.tables.freshen(); // it may have been another process
    stored = readEntry(parts, id);
  }
  throw new SpoolError('io', 'spool: an entry would not stand still');
}

async function write(
  parts: Parts,
  stored: StoredEntry,
  next: EntryMeta | null,
  { also = [], lazy = false }: Manner,
): Promise<boolean> {
  const { tables, writer } = parts;
  const { meta, file, version } = stored;
  const key = idKey(meta.id);
  const from = indexKey(meta);
  const to = next && indexKey(next);
  const record = next && encodeMeta(next, file);
  const happened = await writer.submit({
    guard: { key, version },
    lazy,
    size: (record?.length ?? 0) + also.reduce((sum, insert) => sum + insert.size, 0),
    writes() {
      void tables[meta.state].remove(from);
      if (next === null) {
        void tables.entries.remove(key);
        void tables.contents.remove(key);
        if (file !== null) void tables.files.remove(Buffer.from(file, 'latin1'));
      } else {
        void tables[next.state].put(to!, MARK);
        void tables.entries.put(key, record!, version + 1);
      }
      for (const insert of also) insert.writes();
    },
  });
  if (happened && next === null) {
    parts.cache.drop(meta.id);
    if (file !== null) parts.files.drop(file);
  }
  return happened;
}
