/**
 * Before lmdb may touch a spool: its directories are made, what is in their place is put aside, and the data file is checked.
 *
 * lmdb ends the process when its file cannot be opened or is none of its own, and when it reads past the end of a file that
 * was cut short. So a file without lmdb's header is put aside here, and one shorter than its header says is first made as
 * long as it should be; lmdb then finds empty pages and reports them. Damage deeper inside stays lmdb's to notice. Links are
 * never followed and nothing is ever deleted. Throws what the file system throws when it refuses.
 */
import { constants } from 'node:fs';
import { access, lstat, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';

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
const DIRECTORIES = ['damaged', 'queue', 'incoming', 'bodies'];

/** Makes the directories (0700) and a usable data file, or none. */
export async function preflight(dir: string, clock: Clock, notices: NoticeSink): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const name of DIRECTORIES) {
    const path = join(dir, name);
    const found = await lstat(path).catch(() => null);
    if (found && !found.isDirectory()) await putAside(dir, path, clock, notices);
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  for (const name of ['data.mdb', 'lock.mdb']) {
    const path = join(dir, 'queue', name);
    const found = await lstat(path).catch(() => null);
    if (found && !found.isFile()) await putAside(dir, path, clock, notices);
  }
  await checkLock(join(dir, 'queue', 'lock.mdb'));
  const data = join(dir, 'queue', 'data.mdb');
  if (!(await checkData(data, notices))) await putAside(dir, data, clock, notices);
}

/** Moves the data file away, so that the spool can start with an empty one. */
export async function putStoreAside(dir: string, clock: Clock, notices: NoticeSink): Promise<void> {
  await putAside(dir, join(dir, 'queue', 'data.mdb'), clock, notices);
}

async function putAside(dir: string, path: string, clock: Clock, notices: NoticeSink): Promise<void> {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const name = base === 'damaged' ? `${base}.${clock.now()}` : join('damaged', `${base}.${clock.now()}`);
  await rename(path, join(dir, name));
  notices('spool.storeDamaged', { file: base, movedTo: name });
}

/** lmdb must be able to write its lock file. Not tried by opening it: closing it would undo the locks of this process. */
async function checkLock(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Whether lmdb can open the data file (or make it); a file that was cut short is made as long as its header says. */
async function checkData(path: string, notices: NoticeSink): Promise<boolean> {
  const file = await openIfThere(path);
  if (file === null) return true;
  try {
    const { size } = await file.stat();
    if (size === 0) return true;
    const first = await readHeader(file, 0);
    if (first === null) return false;
    const second = await readHeader(file, first.pageSize);
    const needed = Math.max(first.pages, second?.pages ?? 0, 2) * first.pageSize;
    if (needed > MAX_BYTES) return false;
    if (needed > size) {
      await file.truncate(needed);
      notices('spool.storeCut', { missing: needed - size });
    }
    return true;
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
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
