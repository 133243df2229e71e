/**
 * Body files: large bodies, one file each, made in `incoming/` and moved to `bodies/` by the commit that owns them.
 *
 * A file counts only when a content record names it, so a crash leaves nothing but orphans, which recover.ts sweeps. File data
 * is synced before the move, the directory after it; moves of concurrent commits share one directory sync. Failures are
 * SpoolErrors. Links are never followed.
 */
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import type { Body } from '#message';
import type { NoticeSink } from '#notices';
import { causeOf, spoolError } from './errors.ts';
import { SpoolError } from './store.ts';

/** Bytes read from a body file at a time. */
const READ_BYTES = 128 * 1024;

/** A finished body in a file. */
export class FileBody implements Body {
  readonly size: number;
  readonly chunks = null;
  /** Where the file is now. */
  path: string;
  /** A commit took it: it is the store's now, and the draft has nothing to throw away. */
  taken = false;
  /** Its bytes are on disk. A draft lets the disk work while filters read the body; the commit waits for it. */
  readonly synced: Promise<void>;

  constructor(path: string, size: number, synced: Promise<void> = Promise.resolve()) {
    this.path = path;
    this.size = size;
    this.synced = synced;
    synced.catch(() => undefined); // heard by the commit, if there is one
  }

  async *read(): AsyncGenerator<Uint8Array> {
    let file: FileHandle | null = null;
    let left = this.size;
    try {
      file = await open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW);
      while (left > 0) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, left));
        const { bytesRead } = await file.read(buffer, 0, buffer.length);
        if (bytesRead === 0)
          throw new SpoolError('damaged', 'spool: a body file is shorter than its record says');
        left -= bytesRead;
        yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw spoolError(error, 'reading a body');
    } finally {
      await file?.close();
    }
  }
}

/** The two directories of body files, and names for new ones. */
export class BodyFiles {
  readonly incoming: string;
  readonly kept: string;
  readonly #owner: string;
  readonly #instance: string;
  readonly #notices: NoticeSink;
  readonly #removals = new Set<Promise<unknown>>();
  #made = 0;
  #directory: FileHandle | null = null;
  #syncing: Promise<void> | null = null;
  #nextSync: Promise<void> | null = null;

  /** `owner` and `instance` go into file names, so that a later start knows whose they were. */
  constructor(dir: string, owner: string, instance: string, notices: NoticeSink) {
    this.incoming = join(dir, 'incoming');
    this.kept = join(dir, 'bodies');
    this.#owner = owner;
    this.#instance = instance;
    this.#notices = notices;
  }

  async open(): Promise<void> {
    this.#directory = await open(this.kept, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  /** A file name that nobody has used. */
  newName(): string {
    return `${this.#owner}.${this.#instance}.${(this.#made++).toString(36)}`;
  }

  /**
   * Moves a finished body to where entries keep theirs and syncs the directory; returns its name there. A body that another
   * commit took already gets a second name for the same bytes.
   */
  async place(body: FileBody): Promise<string> {
    const name = this.newName();
    const target = join(this.kept, name);
    try {
      await body.synced;
      if (body.taken) await link(body.path, target);
      else await moved(body, target);
      await this.#sync();
    } catch (error) {
      this.drop(name);
      throw spoolError(error, 'placing a body');
    }
    return name;
  }

  /** The body of a committed entry. */
  body(name: string, size: number): FileBody {
    const body = new FileBody(join(this.kept, name), size);
    body.taken = true;
    return body;
  }

  /** Removes a kept file, behind the caller. What cannot be removed now is an orphan for the next start. */
  drop(name: string): void {
    const removal = unlink(join(this.kept, name))
      .catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          this.#notices('spool.leftover', { file: name, cause: causeOf(error) });
      })
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  async close(): Promise<void> {
    await Promise.all(this.#removals);
    await this.#directory?.close();
    this.#directory = null;
  }

  /** Syncs the directory. Whoever comes while a sync runs waits for the next one, which all of them share. */
  #sync(): Promise<void> {
    if (this.#syncing === null) {
      this.#syncing = this.#directory!.sync().finally(() => {
        this.#syncing = null;
      });
      return this.#syncing;
    }
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = null;
        return this.#sync();
      });
    return this.#nextSync;
  }
}

/** The draft's file becomes the store's; given back when the move fails. */
async function moved(body: FileBody, target: string): Promise<void> {
  const from = body.path;
  body.taken = true;
  body.path = target;
  try {
    await rename(from, target);
  } catch (error) {
    body.taken = false;
    body.path = from;
    throw error;
  }
}
