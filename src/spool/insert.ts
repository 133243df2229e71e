/**
 * The writes that make an entry exist: meta record, content record, index key, and for a large body its file.
 *
 * Everything is encoded and every file is in place before the transaction; a failure up to there leaves nothing (files are
 * taken away again). An entry that comes with a change of another, a notice, is part of mail that leaves: the floor for new mail
 * is not for it, and when the disk has no room for a file of it its body goes into the store's own reserve. Rejects with SpoolError.
 */
import { bodyOf } from '#message';
import type { Body } from '#message';
import { FileBody } from './bodies.ts';
import { SpoolDraft } from './draft.ts';
import type { Room } from './draft.ts';
import type { Parts } from './parts.ts';
import { encodeInline, encodeMeta, encodeOnFile, idKey, indexKey } from './record.ts';
import { checkNew } from './states.ts';
import { SpoolError } from './store.ts';
import type { EntryContent, NewEntry } from './store.ts';

/** Versions begin here; every change of an entry adds one. */
export const FIRST_VERSION = 1;

/** Bytes of a body that may lie in its record when there is no room for a file: well below what the writer keeps in reserve. */
const RESERVE_BODY_MAX = 512 * 1024;

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

/**
 * Checks and encodes an entry; `leaving`: one that comes with a change of another. Synchronous unless its body belongs in a
 * file. Throws IllegalMove or SpoolError.
 */
export function prepare(parts: Parts, entry: NewEntry, leaving = false): Insert | Promise<Insert> {
  checkNew(entry.meta);
  if (!leaving && parts.free.bytes() <= 0) throw new SpoolError('full', 'spool: no room for new mail');
  const { body } = entry;
  if (body.chunks !== null && body.size <= parts.inlineBodyMax) {
    return prepareInline(parts, entry, body.chunks);
  }
  return leaving ? prepareLeaving(parts, entry) : prepareFile(parts, entry, parts.free);
}

function prepareInline(parts: Parts, entry: NewEntry, chunks: readonly Uint8Array[]): Insert {
  const { header, body } = entry;
  const record = encodeInline(header, chunks, body.size);
  const split = record.length - body.size;
  return insert(parts, entry, record, null, {
    header: record.subarray(split - header.length, split),
    body: bodyOf(body.size > 0 ? [record.subarray(split)] : []),
  });
}

/** A file below the floor; without room for one, a record in the store's reserve. */
async function prepareLeaving(parts: Parts, entry: NewEntry): Promise<Insert> {
  const { chunks, size } = entry.body;
  const { free } = parts;
  try {
    return await prepareFile(parts, entry, { bytes: () => Infinity, used: (bytes) => free.used(bytes) });
  } catch (error) {
    const isFull = error instanceof SpoolError && error.code === 'full';
    if (!isFull || chunks === null || size > RESERVE_BODY_MAX) throw error;
    return prepareInline(parts, entry, chunks);
  }
}

async function prepareFile(parts: Parts, entry: NewEntry, room: Room): Promise<Insert> {
  const body = await asFile(parts, entry.body, room);
  const file = await parts.files.place(body);
  const record = encodeOnFile(entry.header, file, body.size);
  return insert(parts, entry, record, file, null);
}

/** The body as a file of this spool: the draft's own, or a new one. */
async function asFile(parts: Parts, body: Body, room: Room): Promise<FileBody> {
  if (body instanceof FileBody) return body;
  const draft = new SpoolDraft(0, parts.files, room);
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
