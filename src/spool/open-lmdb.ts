/**
 * Opens the embedded store: makes what is missing, puts aside what cannot be used, recovers, and hands out the store.
 *
 * Several processes of one machine may have the same spool open; never put it on a network file system. Layout of the
 * directory: `queue/` lmdb, `bodies/` and `incoming/` body files, `open/` who has it open, `damaged/` what was set aside.
 */
import { randomInt } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { BodyFiles } from './bodies.ts';
import { ContentCache } from './cache.ts';
import { causeOf, isUnusable, spoolError } from './errors.ts';
import { FreeSpace } from './free-space.ts';
import { Leases } from './leases.ts';
import { LmdbSpool } from './lmdb.ts';
import { makeOwner, OWNER_NAME } from './owner.ts';
import { closeParts } from './parts.ts';
import type { Parts } from './parts.ts';
import { isSound, makeDirectories, mend, putStoreAside } from './preflight.ts';
import { Presence } from './presence.ts';
import { Probe } from './probe.ts';
import { recover } from './recover.ts';
import { Reserve } from './reserve.ts';
import { SetAside } from './set-aside.ts';
import { SpoolError } from './store.ts';
import type { SpoolStore } from './store.ts';
import { Tables } from './tables.ts';
import { GroupWriter } from './writer.ts';

export interface LmdbSpoolOptions {
  /** The spool's own directory; made when missing. */
  readonly dir: string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Name of this process for leases; default makeOwner(). */
  readonly owner?: string;
  /** Bytes of a body up to which it is kept in the record; default 64 KiB. */
  readonly inlineBodyMax?: number;
  /** Bytes of the volume that new mail may never use; default 64 MiB, on small volumes an eighth. */
  readonly freeFloor?: number;
  /** Bytes of just committed content kept in memory; default 16 MiB. */
  readonly cacheBytes?: number;
  /** Refuse (`io`) when another process may have the spool open. */
  readonly alone?: boolean;
  /** Bytes of address space for the map; default the size of the volume, at most 64 GiB. It grows when it must. */
  readonly mapSize?: number;
}

/** A new spool is not begun with less; lmdb would end the process. */
const NEW_STORE_BYTES = 1024 * 1024;
const INLINE_MAX = 64 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;
/** Bytes of address space for lmdb's map, unless the volume is smaller. */
export const MAP_MAX = 64 * 2 ** 30;

/**
 * Opens (or makes) a spool and puts it in order, whatever it holds. Rejects with SpoolError `io` only when the directory
 * cannot be used at all.
 */
export async function openLmdbSpool(options: LmdbSpoolOptions): Promise<SpoolStore> {
  const { dir, clock, notices, owner = '' } = options;
  let presence: Presence | null = null;
  try {
    if (owner !== '' && !OWNER_NAME.test(owner))
      throw new SpoolError('io', 'spool: the owner name is not usable');
    await makeDirectories(dir, clock, notices);
    presence = await Presence.announce(dir);
    if (options.alone) await presence.demandAlone();
    return new LmdbSpool(await ready(options, presence));
  } catch (error) {
    await presence?.leave();
    throw spoolError(error, 'opening');
  }
}

/** Parts in order; begins anew with an empty store when damage of the old one shows only now. */
async function ready(options: LmdbSpoolOptions, presence: Presence): Promise<Parts> {
  const { dir, clock, notices } = options;
  if (!(await isSound(dir))) await presence.alone(() => mend(dir, clock, notices));
  const parts = await assemble(options, presence);
  try {
    await recover(parts);
    return parts;
  } catch (error) {
    await closeParts(parts);
    if (!isUnusable(error)) throw error;
    await beginAnew(options, presence, error);
  }
  const empty = await assemble(options, presence);
  try {
    await recover(empty);
    return empty;
  } catch (error) {
    await closeParts(empty);
    throw error;
  }
}

async function beginAnew(options: LmdbSpoolOptions, presence: Presence, error: unknown): Promise<void> {
  const { dir, clock, notices } = options;
  notices('spool.unreadable', { cause: causeOf(error) });
  await presence.alone(() => putStoreAside(dir, clock, notices));
}

async function assemble(options: LmdbSpoolOptions, presence: Presence): Promise<Parts> {
  const { dir, clock, notices, owner = makeOwner() } = options;
  const free: FreeSpace = new FreeSpace({
    dir,
    clock,
    notices,
    ...(options.freeFloor !== undefined && { floor: options.freeFloor }),
    reusable: () =>
      tables && reserve ? tables.reusableBytes() + Math.max(0, reserve.size - tables.usedBytes()) : 0,
  });
  let tables: Tables | null = null;
  let reserve: Reserve | null = null;
  await free.ask();
  if (free.available < NEW_STORE_BYTES && !existsSync(join(dir, 'queue', 'data.mdb')))
    throw new SpoolError('full', 'spool: no room for a new spool');
  const mapSize = options.mapSize ?? Math.min(MAP_MAX, free.volume);
  tables = await openTables(options, presence, mapSize);
  reserve = await Reserve.open(join(dir, 'queue', 'data.mdb'));
  await free.ask();
  for (const made of [join(dir, 'queue'), dir, dirname(dir)]) await syncDirectory(made);
  const probe = new Probe(join(dir, 'queue', 'probe'), clock);
  const writer = new GroupWriter(tables, reserve, free, clock, notices, probe);
  const files = new BodyFiles(dir, owner, randomInt(2 ** 47).toString(36), notices);
  await files.open();
  return {
    dir,
    owner,
    presence,
    clock,
    notices,
    inlineBodyMax: options.inlineBodyMax ?? INLINE_MAX,
    tables,
    writer,
    free,
    files,
    cache: new ContentCache(options.cacheBytes ?? CACHE_BYTES),
    leases: new Leases(),
    aside: new SetAside(dir, tables, writer, files, notices),
  };
}

async function openTables(options: LmdbSpoolOptions, presence: Presence, mapSize: number): Promise<Tables> {
  const path = join(options.dir, 'queue');
  try {
    return await Tables.open(path, mapSize);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    await beginAnew(options, presence, error);
    return Tables.open(path, mapSize);
  }
}

/** A new file is only safe when the directory that names it is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
