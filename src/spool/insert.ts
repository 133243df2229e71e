/**
 * The writes that make an entry exist: meta record, content record, index key, and for a large body its file.
 *
 * Everything is encoded and every file is in place before the transaction; a failure up to there leaves nothing (files are
 * taken away again). Rejects with SpoolError.
 */
import { bodyOf } from '#message';
import type { Body } from '#message';
import { FileBody } from './bodies.ts';
import { SpoolDraft } from './draft.ts';
import type { Parts } from './parts.ts';
import { encodeInline, encodeMeta, encodeOnFile, idKey, indexKey } from './record.ts';
import { checkNew } from './states.ts';
import { SpoolError } from './store.ts';
import type { EntryContent, NewEntry } from './store.ts';

/** Versions begin here; every change of an entry adds one. */
export const FIRST_VERSION = 1;

/** An entry ready to be written. */
export interface Insert {
  readonly key: Buffer;
  /** About how many bytes it takes. */
  readonly size: number;
  readonly writes: () => void;
  readonly undo: () => void;
  /** After the commit: remembers what is worth remembering. */
  readonly committed: () => void;
  /** After a failure: takes the body file away. */
  readonly failed: () => void;
}

/** Checks and encodes an entry. Synchronous unless its body belongs in a file. Throws IllegalMove or SpoolError. */
export function prepare(parts: Parts, entry: NewEntry): Insert | Promise<Insert> {
  checkNew(entry.meta);
  if (parts.free.bytes() <= 0) throw new SpoolError('full', 'spool: no room for new mail');
  const { header, body } = entry;
  if (body.chunks !== null && body.size <= parts.inlineBodyMax) {
    const record = encodeInline(header, body.chunks, body.size);
    const split = record.length - body.size;
    return insert(parts, entry, record, null, {
      header: record.subarray(split - header.length, split),
      body: bodyOf(body.size > 0 ? [record.subarray(split)] : []),
    });
  }
  return prepareFile(parts, entry);
}

/** Prepares several entries; when one fails, nothing of the others is left. */
export async function prepareAll(parts: Parts, entries: readonly NewEntry[]): Promise<readonly Insert[]> {
  const inserts: Insert[] = [];
  try {
    for (const entry of entries) {
      const insert = prepare(parts, entry);
      inserts.push(insert instanceof Promise ? await insert : insert);
    }
  } catch (error) {
    for (const insert of inserts) insert.failed();
    throw error;
  }
  return inserts;
}

async function prepareFile(parts: Parts, entry: NewEntry): Promise<Insert> {
  const body = await asFile(parts, entry.body);
  const file = await parts.files.place(body);
  const record = encodeOnFile(entry.header, file, body.size);
  return insert(parts, entry, record, file, null);
}

/** The body as a file of this spool: the draft's own, or a new one. */
async function asFile(parts: Parts, body: Body): Promise<FileBody> {
  if (body instanceof FileBody) return body;
  const draft = new SpoolDraft(0, parts.files, parts.free);
  for await (const chunk of body.read()) await draft.write(chunk);
  const copy = await draft.finish();
  if (copy instanceof FileBody && copy.size === body.size) return copy;
  draft.discard();
  throw new SpoolError('io', 'spool: a body does not have the size it says');
}

function insert(
  parts: Parts,
  entry: NewEntry,
  record: Buffer,
  file: string | null,
  content: EntryContent | null,
): Insert {
  const { tables, free, cache, leases, files } = parts;
  const { meta } = entry;
  const key = idKey(meta.id);
  const metaRecord = encodeMeta(meta, file);
  const at = indexKey(meta);
  const fileKey = file === null ? null : Buffer.from(file, 'latin1');
  const size = record.length + metaRecord.length;
  return {
    key,
    size,
    writes() {
      void tables.entries.put(key, metaRecord, FIRST_VERSION);
      void tables.contents.put(key, record);
      void tables[meta.state].put(at, MARK);
      if (fileKey) void tables.files.put(fileKey, key);
    },
    undo() {
      void tables.entries.remove(key);
      void tables.contents.remove(key);
      void tables[meta.state].remove(at);
      if (fileKey) void tables.files.remove(fileKey);
    },
    committed() {
      free.used(size);
      if (content) cache.put(meta.id, content, record.length);
      if (meta.lease) leases.set({ meta, file, version: FIRST_VERSION });
    },
    failed() {
      if (file !== null) files.drop(file);
    },
  };
}

/** The value of an index key, which says nothing. */
export const MARK = Buffer.from([1]);
