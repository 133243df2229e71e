/**
 * Looks at a spool without changing it: for tools, beside a gateway that lives and without one.
 *
 * Nothing is made, mended, given back or removed, and no other process is asked after; entries are shown as they are on disk,
 * leases of dead processes included. lmdb notes in its lock file that somebody reads, which keeps writers from reusing the
 * pages being read; so that file must exist and be writable. Only numbers pass between the two, so a reader that is killed
 * leaves nothing but an entry there, which writers clear. Rejects with SpoolError `io`.
 */
import { constants } from 'node:fs';
import { access, lstat, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bodyOf } from '#message';
import type { NoticeSink } from '#notices';
import { FileBody } from './bodies.ts';
import { isAbsent, spoolError } from './errors.ts';
import { listEntries } from './list.ts';
import { MAP_MAX } from './open-lmdb.ts';
import { readEntry } from './parts.ts';
import type { Readable } from './parts.ts';
import { shapeOf } from './preflight.ts';
import { decodeContent, idKey } from './record.ts';
import { SpoolError } from './store.ts';
import type { EntryContent, SpoolStore } from './store.ts';
import { Tables } from './tables.ts';

/** What can be asked of a spool that is only looked at. */
export type SpoolReader = Pick<SpoolStore, 'list' | 'get' | 'content' | 'close'>;

export interface LmdbReaderOptions {
  /** The spool's own directory. */
  readonly dir: string;
  /** Hears of records that cannot be read; they are left out. */
  readonly notices: NoticeSink;
}

/** Opens the embedded store for a look. A spool that is not there, or that nothing was ever put into, is an empty one. */
export async function openLmdbReader({ dir, notices }: LmdbReaderOptions): Promise<SpoolReader> {
  try {
    const tables = (await isThere(dir)) ? await openTables(dir) : null;
    return tables === null ? EMPTY : readerOf(tables, dir, notices);
  } catch (error) {
    throw spoolError(error, 'reading');
  }
}

const EMPTY: SpoolReader = {
  list: async () => [],
  get: async () => null,
  content: async () => null,
  close: async () => {},
};

/** Whether there is a store to read. Rejects when there is one that must not be opened. */
async function isThere(dir: string): Promise<boolean> {
  try {
    if (!(await stat(dir)).isDirectory()) throw new SpoolError('io', 'spool: it is not a directory');
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  const shape = await shapeOf(join(dir, 'queue', 'data.mdb'));
  if (shape.kind !== 'sound')
    throw new SpoolError('io', 'spool: the data file is damaged; the gateway mends it when it starts');
  if (shape.size === 0) return false;
  const lock = join(dir, 'queue', 'lock.mdb');
  const found = await lstat(lock).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  // lmdb would make one, with an owner that the gateway may not be, or go on without.
  if (!found?.isFile())
    throw new SpoolError('io', 'spool: its lock file is missing; the gateway makes it when it starts');
  await access(lock, constants.R_OK | constants.W_OK);
  return true;
}

/** The tables; null when the first start did not get as far as making them. */
async function openTables(dir: string): Promise<Tables | null> {
  const { blocks, bsize } = await statfs(dir);
  try {
    return await Tables.open(join(dir, 'queue'), Math.min(MAP_MAX, blocks * bsize), true);
  } catch (error) {
    if (error instanceof Error && error.message === 'Database not found') return null;
    throw error;
  }
}

function readerOf(tables: Tables, dir: string, notices: NoticeSink): SpoolReader {
  const damaged = new Set<string>();
  const parts: Readable = {
    tables,
    aside: {
      has: (id) => damaged.has(id),
      add: (id, why) => {
        if (!damaged.has(id)) notices('spool.entryUnreadable', { id, why });
        damaged.add(id);
      },
    },
  };
  return {
    list: (options) =>
      listEntries(parts, options).catch((error: unknown) => {
        throw spoolError(error, 'reading');
      }),
    get: async (id) => reading(() => readEntry(parts, id)?.meta ?? null),
    content: async (id) => reading(() => contentOf(tables, dir, id)),
    close: () => tables.close(),
  };
}

/** The bytes of an entry; null when there is none, or when they cannot be read. */
function contentOf(tables: Tables, dir: string, id: string): EntryContent | null {
  const record = id === '' ? undefined : tables.contents.get(idKey(id));
  const content = record === undefined ? null : decodeContent(record);
  if (content === null) return null;
  const { header } = content;
  if (content.kind === 'inline')
    return { header, body: bodyOf(content.body.length > 0 ? [content.body] : []) };
  return { header, body: new FileBody(join(dir, 'bodies', content.file), content.size) };
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw spoolError(error, 'reading');
  }
}
