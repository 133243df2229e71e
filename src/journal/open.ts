/**
 * Opens the journal's environment, or sets it aside when it cannot be used: mail never waits for its sake.
 *
 * lmdb ends the process when a file is none of its own, so the file is looked at first (`isSound`, from whoever knows lmdb's
 * files), and a mark stands beside the environment while it is opened: who finds the mark of a process that is gone knows that
 * opening killed it. Never rejects; null: there can be no journal now.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { Tables, type WriteProbe } from './tables.ts';

export interface OpenOptions {
  /** The folder that has the journal's folder. */
  readonly stateDir: string;
  /** Whether lmdb may open that data file. */
  readonly isSound: (file: string) => Promise<boolean>;
  /** Asks the volume of this file, which is made for it, whether it takes writes. */
  readonly probeOf: (file: string) => WriteProbe;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Names below stateDir. */
const FOLDER = 'journal';
const MARK = 'journal.opening';
const DAMAGED = 'damaged';
const PROBE = 'probe';
/** Milliseconds after which another process that is setting the journal aside is not waited for. */
const PATIENCE = 5000;

/** See the head of the file. */
export async function openTables(options: OpenOptions): Promise<Tables | null> {
  const { stateDir, isSound, notices } = options;
  const folder = join(stateDir, FOLDER);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const why = (await killer(stateDir)) ?? (await markedDamaged(folder)) ?? (await unsound(folder, isSound));
    if (why !== null) await setAside(options, why);
    try {
      return await opened(options);
    } catch (error) {
      await setAside(options, error instanceof Error ? error.message : String(error));
      return await opened(options);
    }
  } catch (error) {
    notices('journal.unusable', { error: error instanceof Error ? error.message : String(error) });
    return null;
  }
}

/** Leaves word that the environment is damaged: the next start sets it aside. */
export async function markDamaged(stateDir: string): Promise<void> {
  await writeFile(join(stateDir, FOLDER, DAMAGED), '').catch(() => undefined);
}

async function opened({ stateDir, probeOf }: OpenOptions): Promise<Tables> {
  const mark = join(stateDir, `${MARK}.${process.pid}`);
  await writeFile(mark, '');
  let tables: Tables | null = null;
  try {
    const folder = join(stateDir, FOLDER);
    tables = new Tables(folder, probeOf(join(folder, PROBE)));
    tables.readOnce();
    return tables;
  } catch (error) {
    await tables?.close().catch(() => undefined);
    throw error;
  } finally {
    await rm(mark, { force: true });
  }
}

/** Why: a process that was opening it is gone without a word. */
async function killer(stateDir: string): Promise<string | null> {
  let why: string | null = null;
  for (const name of await readdir(stateDir)) {
    if (!name.startsWith(`${MARK}.`)) continue;
    const pid = Number(name.slice(MARK.length + 1));
    if (pid !== process.pid && isAlive(pid)) continue;
    await rm(join(stateDir, name), { force: true });
    why = 'a process ended while it opened the journal';
  }
  return why;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function markedDamaged(folder: string): Promise<string | null> {
  const marked = await readFile(join(folder, DAMAGED)).catch(() => null);
  return marked === null ? null : 'it was found damaged';
}

async function unsound(folder: string, isSound: OpenOptions['isSound']): Promise<string | null> {
  return (await isSound(join(folder, 'data.mdb'))) ? null : 'its data file is not usable';
}

/** One process does it; the others wait until it is done. */
async function setAside({ stateDir, clock, notices }: OpenOptions, why: string): Promise<void> {
  const folder = join(stateDir, FOLDER);
  const lock = join(stateDir, `${FOLDER}.set-aside`);
  const end = clock.elapsed() + PATIENCE;
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (clock.elapsed() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (!(await exists(lock))) return;
        continue;
      }
      await rm(lock, { recursive: true, force: true });
    }
  }
  try {
    const aside = `${FOLDER}.damaged.${clock.now()}`;
    await rename(folder, join(stateDir, aside));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    notices('journal.set-aside', { reason: why, movedTo: aside });
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
