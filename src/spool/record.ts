/**
 * How an entry looks on disk: the bytes of its records and the keys of its indexes.
 *
 * An entry is a meta record (format byte, state letter, JSON), a content record (lengths, header, then the body or the name of
 * its file) and one key in the index of its state. Decoders never throw: bytes that are no record of ours give null, and the
 * caller sets the entry aside.
 */
import type { EntryMeta, EntryState } from './store.ts';

const FORMAT = 1;
const LETTERS: Record<EntryState, string> = { queued: 'q', leased: 'l', held: 'h' };

/** The meta record: format, state letter, length and name of the body file (if it has one), JSON. */
export function encodeMeta(meta: EntryMeta, file: string | null): Buffer {
  const name = file ?? '';
  const head = `\x01${LETTERS[meta.state]}${String.fromCharCode(name.length)}${name}`;
  return Buffer.from(head + JSON.stringify(meta), 'utf8');
}

/** Whether a meta record is of an entry in this state, without decoding it. */
export function isInState(record: Uint8Array, state: EntryState): boolean {
  return record[1] === LETTERS[state].charCodeAt(0);
}

/** What a meta record holds. */
export interface MetaRecord {
  readonly meta: EntryMeta;
  /** Name of the body file, null when the body lies in the content record. */
  readonly file: string | null;
}

/** The entry in a meta record stored under `id`; null when it is damaged. */
export function decodeMeta(record: Buffer, id: string): MetaRecord | null {
  if (record[0] !== FORMAT || record.length < 3) return null;
  const json = 3 + record[2]!;
  const file = record.toString('latin1', 3, json);
  if (file !== '' && !BODY_FILE.test(file)) return null;
  try {
    const meta = JSON.parse(record.toString('utf8', json)) as EntryMeta;
    return isEntry(meta, id) && isInState(record, meta.state) ? { meta, file: file || null } : null;
  } catch {
    return null;
  }
}

function isEntry(meta: EntryMeta, id: string): boolean {
  return (
    meta.id === id &&
    meta.state in LETTERS &&
    [meta.receivedAt, meta.size, meta.due, meta.expiresAt, meta.attempts].every(Number.isFinite) &&
    typeof meta.sender === 'string' &&
    Array.isArray(meta.senderParams) &&
    typeof meta.origin === 'object' &&
    meta.origin !== null &&
    Array.isArray(meta.recipients) &&
    meta.recipients.every(
      (r) => typeof r.address === 'string' && typeof r.state === 'string' && Array.isArray(r.params),
    ) &&
    (meta.state === 'leased') ===
      (typeof meta.lease?.token === 'string' && Number.isFinite(meta.lease.until)) &&
    (meta.state === 'held') === (typeof meta.hold?.reason === 'string')
  );
}

/** What a content record holds: views of the record. */
export type ContentRecord =
  | { readonly kind: 'inline'; readonly header: Buffer; readonly body: Buffer }
  | { readonly kind: 'file'; readonly header: Buffer; readonly file: string; readonly size: number };

const INLINE_HEAD = 10;
const FILE_HEAD = 16;

/** The content record of a body in memory; the only copy its bytes make on their way to the disk. */
export function encodeInline(header: Uint8Array, chunks: readonly Uint8Array[], size: number): Buffer {
  const record = Buffer.allocUnsafe(INLINE_HEAD + header.length + size);
  record[0] = FORMAT;
  record[1] = 0;
  record.writeUInt32BE(header.length, 2);
  record.writeUInt32BE(size, 6);
  record.set(header, INLINE_HEAD);
  let at = INLINE_HEAD + header.length;
  for (const chunk of chunks) {
    record.set(chunk, at);
    at += chunk.length;
  }
  return record;
}

/** The content record of a body in a file of `size` bytes; `file` is a plain name of at most 255 characters. */
export function encodeOnFile(header: Uint8Array, file: string, size: number): Buffer {
  const record = Buffer.allocUnsafe(FILE_HEAD + file.length + header.length);
  record[0] = FORMAT;
  record[1] = 1;
  record.writeUInt32BE(header.length, 2);
  record.writeUInt16BE(file.length, 6);
  record.writeDoubleBE(size, 8);
  record.write(file, FILE_HEAD, 'latin1');
  record.set(header, FILE_HEAD + file.length);
  return record;
}

/** The content in a record; null when it is damaged. */
export function decodeContent(record: Buffer): ContentRecord | null {
  if (record[0] !== FORMAT || record.length < INLINE_HEAD) return null;
  const headerSize = record.readUInt32BE(2);
  if (record[1] === 0) {
    const split = INLINE_HEAD + headerSize;
    if (record.length !== split + record.readUInt32BE(6)) return null;
    return { kind: 'inline', header: record.subarray(INLINE_HEAD, split), body: record.subarray(split) };
  }
  if (record[1] !== 1 || record.length < FILE_HEAD) return null;
  const nameEnd = FILE_HEAD + record.readUInt16BE(6);
  if (record.length !== nameEnd + headerSize) return null;
  const size = record.readDoubleBE(8);
  const file = record.toString('latin1', FILE_HEAD, nameEnd);
  if (!BODY_FILE.test(file) || !Number.isSafeInteger(size) || size < 0) return null;
  return { kind: 'file', header: record.subarray(nameEnd), file, size };
}

/** Names of body files: owner, store, number. No dot-dot, no slash can pass. */
export const BODY_FILE = /^([A-Za-z0-9-]{1,64})\.[0-9a-z]{1,16}\.[0-9a-z]{1,16}$/;

/** Key of an entry's records. */
export function idKey(id: string): Buffer {
  return Buffer.from(id, 'latin1');
}

/** The id in a key made by idKey. */
export function idOf(key: Buffer): string {
  return key.toString('latin1');
}

/** Key in an index by time: eight bytes of milliseconds, then the id. An empty id gives the first key of that moment. */
export function timeKey(ms: number, id: string): Buffer {
  const at = Math.min(Math.max(Math.floor(ms), 0), Number.MAX_SAFE_INTEGER);
  const key = Buffer.allocUnsafe(8 + id.length);
  key.writeUInt32BE(Math.floor(at / 0x100000000), 0);
  key.writeUInt32BE(at % 0x100000000, 4);
  key.write(id, 8, 'latin1');
  return key;
}

/** Milliseconds and id of a key made by timeKey. */
export function readTimeKey(key: Buffer): { readonly at: number; readonly id: string } {
  return { at: key.readUInt32BE(0) * 0x100000000 + key.readUInt32BE(4), id: key.toString('latin1', 8) };
}

/** The key of an entry in the index of its state. */
export function indexKey(meta: EntryMeta): Buffer {
  switch (meta.state) {
    case 'queued':
      return timeKey(meta.due, meta.id);
    case 'leased':
      return timeKey(meta.lease!.until, meta.id);
    case 'held':
      return idKey(meta.id);
  }
}

/** The id in a key of the index of this state. */
export function indexedId(state: EntryState, key: Buffer): string {
  return state === 'held' ? idOf(key) : readTimeKey(key).id;
}
