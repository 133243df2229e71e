/**
 * Before lmdb may touch a spool: its directories are made, what is in their place is put aside, and the data file is checked.
 *
 * lmdb ends the process when its file cannot be opened or is none of its own, and when it reads past the end of a file that
 * was cut short. So a file without lmdb's header is put aside here, and one shorter than its header says is first made as
 * long as it should be; lmdb then finds empty pages and reports them. Damage deeper inside stays lmdb's to notice. That is
 * mending, and is done only on demand, by a process that knows itself alone with the spool. Links are never followed and
 * nothing is ever deleted. Throws what the file system throws when it refuses.
 */
import { constants } from 'node:fs';
import { access, link, lstat, mkdir, open, rename, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { OPEN_DIRECTORY } from './presence.ts';

/** lmdb's header page (data version 2): page flags, then the meta block. */
const HEADER_BYTES = 168;
const FLAGS_AT = 18;
const META_PAGE = 0x08;
const META_AT = 24;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
/** Within the meta block. */
const VERSION_AT = META_AT + 4;
const PAGE_SIZE_AT = META_AT + 24;
const LAST_PAGE_AT = META_AT + 120;
/** A header that claims more bytes than this is not believed. */
const MAX_BYTES = 2 ** 46;

/** Directories below the spool's own; first the one that takes what stands in the place of the others. */
const DIRECTORIES = ['damaged', OPEN_DIRECTORY, 'queue', 'incoming', 'bodies'];

/** Makes the directories (0700); what is there and is none goes aside. Takes nothing from a process that has the spool open. */
export async function makeDirectories(dir: string, clock: Clock, notices: NoticeSink): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of DIRECTORIES) {
    const path = join(dir, name);
    const found = await lstat(path).catch(() => null);
    if (found && !found.isDirectory()) {
      // A directory that another process made here meanwhile can be neither linked nor unlinked.
      const aside = asideName(name, clock);
      await link(path, join(dir, aside));
      await unlink(path);
      notices('spool.storeDamaged', { file: name, movedTo: aside });
    }
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
}

/** Whether lmdb may open what is there. Changes nothing. */
export async function isSound(dir: string): Promise<boolean> {
  for (const path of lmdbFiles(dir)) {
    const found = await lstat(path).catch(() => null);
    if (found && !found.isFile()) return false;
  }
  await checkLock(join(dir, 'queue', 'lock.mdb'));
  return (await shapeOf(join(dir, 'queue', 'data.mdb'))).kind === 'sound';
}

/** Makes a usable data file, or none. Only for a process that is alone with the spool. */
export async function mend(dir: string, clock: Clock, notices: NoticeSink): Promise<void> {
  for (const path of lmdbFiles(dir)) {
    const found = await lstat(path).catch(() => null);
    if (found && !found.isFile()) await putAside(dir, path, clock, notices);
  }
  const data = join(dir, 'queue', 'data.mdb');
  const shape = await shapeOf(data);
  if (shape.kind === 'garbage') await putAside(dir, data, clock, notices);
  if (shape.kind !== 'cut') return;
  await truncate(data, shape.size + shape.missing);
  notices('spool.storeCut', { missing: shape.missing });
}

function lmdbFiles(dir: string): readonly string[] {
  return ['data.mdb', 'lock.mdb'].map((name) => join(dir, 'queue', name));
}

/** Moves the data file away, so that the spool can start with an empty one. Only for a process that is alone with the spool. */
export async function putStoreAside(dir: string, clock: Clock, notices: NoticeSink): Promise<void> {
  await putAside(dir, join(dir, 'queue', 'data.mdb'), clock, notices);
}

async function putAside(dir: string, path: string, clock: Clock, notices: NoticeSink): Promise<void> {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const name = asideName(base, clock);
  await rename(path, join(dir, name));
  notices('spool.storeDamaged', { file: base, movedTo: name });
}

function asideName(name: string, clock: Clock): string {
  return name === 'damaged' ? `${name}.${clock.now()}` : join('damaged', `${name}.${clock.now()}`);
}

/** lmdb must be able to write its lock file. Not tried by opening it: closing it would undo the locks of this process. */
async function checkLock(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What can be told of a data file from its outside. */
export type Shape =
  /** lmdb can open it, or make it when `size` is 0: it is empty or missing. */
  | { readonly kind: 'sound'; readonly size: number }
  /** Without lmdb's header, or with one that cannot be believed. */
  | { readonly kind: 'garbage' }
  /** Shorter than its header says. */
  | { readonly kind: 'cut'; readonly size: number; readonly missing: number };

/**
 * Looks at a data file, beside a process that writes to it too: the header is read before the size, and such a file has its
 * pages before its header names them and never shrinks. Throws what the file system throws.
 */
export async function shapeOf(path: string): Promise<Shape> {
  const file = await openIfThere(path);
  if (file === null || (await file.stat()).size === 0) {
    await file?.close();
    return { kind: 'sound', size: 0 };
  }
  try {
    const first = await readHeader(file, 0);
    if (first === null) return { kind: 'garbage' };
    const second = await readHeader(file, first.pageSize);
    const needed = Math.max(first.pages, second?.pages ?? 0, 2) * first.pageSize;
    if (needed > MAX_BYTES) return { kind: 'garbage' };
    const { size } = await file.stat();
    return needed > size ? { kind: 'cut', size, missing: needed - size } : { kind: 'sound', size };
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

interface Header {
  readonly pageSize: number;
  /** Pages the file should have. */
  readonly pages: number;
}

/** The header page at this place; null when it is none. */
async function readHeader(file: FileHandle, at: number): Promise<Header | null> {
  const page = Buffer.alloc(HEADER_BYTES);
  await file.read(page, 0, HEADER_BYTES, at);
  const pageSize = page.readUInt32LE(PAGE_SIZE_AT);
  const isHeader =
    (page.readUInt16LE(FLAGS_AT) & META_PAGE) !== 0 &&
    page.readUInt32LE(META_AT) === MAGIC &&
    (page.readUInt32LE(VERSION_AT) & 0xffff) === DATA_VERSION &&
    pageSize >= 512 &&
    pageSize <= 65_536 &&
    (pageSize & (pageSize - 1)) === 0;
  return isHeader ? { pageSize, pages: Number(page.readBigUInt64LE(LAST_PAGE_AT)) + 1 } : null;
}
