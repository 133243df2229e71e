/**
 * A body while it arrives: chunks kept as they come, and a file from the moment they are more than the bound.
 *
 * Memory is bounded by the bound plus what one write to the file may leave waiting; beyond that `write` asks its caller to
 * wait. After a failure further chunks are dropped, so the client can be heard to its end, and `finish` rejects with the
 * SpoolError. `discard` never throws and leaves no file.
 */
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { bodyOf } from '#message';
import type { Body, BodyDraft } from '#message';
import { FileBody } from './bodies.ts';
import type { BodyFiles } from './bodies.ts';
import { spoolError } from './errors.ts';
import type { FreeSpace } from './free-space.ts';
import { SpoolError } from './store.ts';

/** Bytes that may wait for the disk before the writer is asked to wait. */
const WAITING_BYTES = 256 * 1024;
/** Bytes after which a flush is begun while more arrive. */
const FLUSH_BYTES = 2 * 1024 * 1024;
/** Buffers in one write (the kernel takes 1024). */
const WRITE_BUFFERS = 512;

/** What a draft asks for room: it may have as many bytes, and says how many it took. */
export type Room = Pick<FreeSpace, 'bytes' | 'used'>;

export class SpoolDraft implements BodyDraft {
  readonly #memoryMax: number;
  readonly #files: BodyFiles;
  readonly #free: Room;
  #size = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #file: FileHandle | null = null;
  #path = '';
  #pumping: Promise<void> | null = null;
  /** A flush under way, or the one that failed. */
  #flushing: Promise<void> | null = null;
  #unsynced = 0;
  #failure: SpoolError | null = null;
  #finished: FileBody | null = null;
  #discarded = false;

  constructor(memoryMax: number, files: BodyFiles, free: Room) {
    this.#memoryMax = memoryMax;
    this.#files = files;
    this.#free = free;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#size += chunk.length;
    if (this.#failure !== null || this.#discarded) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#size <= this.#memoryMax) return;
    this.#pumping ??= this.#pump();
    if (this.#waitingBytes > WAITING_BYTES) return this.#pumping;
  }

  finish(): Body | Promise<Body> {
    if (this.#path === '' && this.#failure === null) return bodyOf(this.#waiting);
    return this.#finishFile();
  }

  discard(): void {
    if (this.#discarded) return;
    this.#discarded = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    void this.#cleanUp();
  }

  /** Writes what waits until nothing waits. Never rejects: a failure is kept for `finish`. */
  async #pump(): Promise<void> {
    try {
      if (this.#path === '') {
        this.#path = join(this.#files.incoming, this.#files.newName());
        this.#file = await open(this.#path, 'wx', 0o600);
      }
      while (this.#waiting.length > 0) {
        if (this.#free.bytes() < this.#waitingBytes)
          throw new SpoolError('full', 'spool: no room for a message body');
        const buffers = this.#waiting.splice(0, WRITE_BUFFERS);
        const bytes = await writeAll(this.#file!, buffers);
        this.#waitingBytes -= bytes;
        this.#free.used(bytes);
        this.#flushAhead(bytes);
      }
    } catch (error) {
      this.#failure = spoolError(error, 'writing a body');
    }
    if (this.#failure !== null || this.#discarded) {
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    this.#pumping = null;
  }

  async #finishFile(): Promise<Body> {
    await this.#pumping;
    if (this.#discarded) this.#failure ??= new SpoolError('io', 'spool: the body was discarded');
    if (this.#failure !== null) {
      await this.#file?.close().catch(() => {});
      this.#file = null;
      if (this.#path !== '') await unlink(this.#path).catch(() => {});
      throw this.#failure;
    }
    this.#finished = new FileBody(this.#path, this.#size, this.#synced());
    return this.#finished;
  }

  /** The last bytes to the disk, and the file closed. Rejects with the SpoolError of any sync. */
  async #synced(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    try {
      await this.#flushing;
      await file?.datasync();
    } catch (error) {
      throw spoolError(error, 'syncing a body');
    } finally {
      await file?.close().catch(() => {});
    }
  }

  /** Large bodies go to the disk while they arrive, so that little is left for the end. A failure is kept for it. */
  #flushAhead(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#flushing !== null || this.#unsynced < FLUSH_BYTES) return;
    this.#unsynced = 0;
    const flushing = this.#file!.datasync().then(() => {
      this.#flushing = null;
    });
    flushing.catch(() => undefined); // heard at the end: a failed flush stays the one that is waited for
    this.#flushing = flushing;
  }

  async #cleanUp(): Promise<void> {
    await this.#pumping;
    await (this.#finished?.synced ?? this.#flushing)?.catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = null;
    if (this.#path !== '' && !this.#finished?.taken) await unlink(this.#path).catch(() => {});
  }
}

/** Writes all buffers at the end of the file; returns their bytes. A short write goes on where it stopped. */
async function writeAll(file: FileHandle, buffers: readonly Uint8Array[]): Promise<number> {
  let left: Uint8Array[] = [...buffers];
  let total = 0;
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left);
    total += bytesWritten;
    let skip = bytesWritten;
    let first = 0;
    while (first < left.length && skip >= left[first]!.length) skip -= left[first++]!.length;
    left = left.slice(first);
    if (skip > 0) left[0] = left[0]!.subarray(skip);
    else if (bytesWritten === 0 && left.length > 0) throw new Error('nothing could be written');
  }
  return total;
}
