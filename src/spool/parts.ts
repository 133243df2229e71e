/**
 * What an open lmdb spool is made of; handed to the functions that do its work, one file each.
 *
 * Also the one way to read an entry's meta record: a record that cannot be read is set aside on the spot.
 */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { BodyFiles } from './bodies.ts';
import type { ContentCache } from './cache.ts';
import type { FreeSpace } from './free-space.ts';
import type { Leases } from './leases.ts';
import type { Presence } from './presence.ts';
import { decodeMeta, idKey } from './record.ts';
import type { MetaRecord } from './record.ts';
import type { SetAside } from './set-aside.ts';
import type { Tables } from './tables.ts';
import type { GroupWriter } from './writer.ts';

export interface Parts {
  readonly dir: string;
  readonly owner: string;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Bytes of a body up to which it lies in the content record. */
  readonly inlineBodyMax: number;
  readonly tables: Tables;
  readonly writer: GroupWriter;
  readonly free: FreeSpace;
  readonly files: BodyFiles;
  readonly cache: ContentCache;
  readonly leases: Leases;
  readonly aside: SetAside;
}

/** An entry and the version its next change must be guarded by. */
export interface StoredEntry extends MetaRecord {
  readonly version: number;
}

/** As much of an open spool as reading needs. */
export interface Readable {
  readonly tables: Tables;
  readonly aside: Pick<SetAside, 'has' | 'add'>;
}

/** The entry as it stands; null when there is none, or when it was found damaged (now or before). */
export function readEntry(parts: Readable, id: string): StoredEntry | null {
  if (id === '' || parts.aside.has(id)) return null;
  const found = parts.tables.entry(idKey(id));
  if (!found) return null;
  const entry = decodeMeta(found.record, id);
  if (entry === null) {
    parts.aside.add(id, 'the meta record cannot be read');
    return null;
  }
  return { ...entry, version: found.version };
}

/** Finishes what was begun and closes everything but the announcement. */
export async function closeParts(parts: Parts): Promise<void> {
  await parts.aside.settled();
  await parts.writer.close();
  await parts.files.close();
  await parts.tables.close();
}
