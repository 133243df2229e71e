/**
 * Stdout as the place where log lines go, whoever reads it, or nobody.
 *
 * Lines are written together, never waited for, and never block the process. When the reader of a pipe stops or a volume is full,
 * lines wait up to a bound; beyond it they are dropped and counted, and the number is told once lines are taken again. When the
 * reader is gone they are dropped. Never throws.
 */
import { fstatSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { DestinationStream } from 'pino';

/** Milliseconds after which a line is written at the latest; under load lines are written together. */
const FLUSH = 50;
/** Text gathered beyond this is written at once, in characters. */
const TOGETHER = 4096;
/** Lines waiting for their reader beyond this are dropped, in bytes. */
const MAX_WAITING = 1_048_576;
/** More than this waits for a file: whoever has further lines is asked to wait, in bytes. */
const ENOUGH = 16_384;
/** Milliseconds until what a file did not take is tried again. */
const RETRY = 250;
/** Milliseconds the reader may take for what is left when the process ends. */
const FAREWELL = 1000;

/** Hears how many lines were dropped, once lines are taken again. */
export type LostLines = (lines: number) => void;

/** Where lines go. */
export interface LogOutput extends DestinationStream {
  /** Takes whole lines. False: what comes before `drain` may be dropped. */
  write(lines: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
  /** Who hears of dropped lines from now on. */
  tellLost(told: LostLines): void;
  /** Writes what is left; resolves when it is written or will never be. */
  close(): Promise<void>;
}

/** Stdout. */
export function openOutput(): LogOutput {
  const kind = fstatSync(1);
  return kind.isFIFO() || kind.isSocket()
    ? new PipeOutput(new Socket({ fd: 1, readable: false, writable: true }))
    : new FileOutput(1);
}

/** Lines to another process, which may stop reading. */
export class PipeOutput implements LogOutput {
  readonly #pipe: Socket;
  #text = '';
  #flushes: NodeJS.Timeout | null = null;
  #lost = 0;
  #told: LostLines = () => undefined;
  #waiting: (() => void)[] = [];
  readonly #atExit = (): void => this.#flush();

  /** The pipe is this one's from now on. */
  constructor(pipe: Socket) {
    this.#pipe = pipe;
    pipe.on('error', () => undefined); // its close follows
    pipe.on('close', () => this.#drained());
    pipe.on('drain', () => this.#drained());
    process.once('exit', this.#atExit);
  }

  write(lines: string): boolean {
    if (!this.#pipe.writable) return true; // nobody is there: no use in waiting either
    if (this.#text.length + this.#pipe.writableLength + lines.length > MAX_WAITING) {
      this.#lost += lines.split('\n').length - 1;
      return false;
    }
    this.#text += lines;
    if (this.#text.length >= TOGETHER) this.#flush();
    else this.#flushes ??= setTimeout(() => this.#flush(), FLUSH).unref();
    return !this.#pipe.writableNeedDrain;
  }

  once(_event: 'drain', listener: () => void): void {
    this.#waiting.push(listener);
    if (!this.#pipe.writable) setImmediate(() => this.#drained());
  }

  tellLost(told: LostLines): void {
    this.#told = told;
  }

  close(): Promise<void> {
    process.off('exit', this.#atExit);
    this.#flush();
    const pipe = this.#pipe;
    if (pipe.writableLength === 0 || !pipe.writable) return Promise.resolve();
    return new Promise((resolve) => {
      const patience = setTimeout(() => pipe.destroy(), FAREWELL);
      this.#waiting.push(() => {
        clearTimeout(patience);
        resolve();
      });
    });
  }

  #flush(): void {
    if (this.#flushes !== null) clearTimeout(this.#flushes);
    this.#flushes = null;
    const text = this.#text;
    this.#text = '';
    if (text !== '' && this.#pipe.writable) this.#pipe.write(text);
  }

  #drained(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0 && this.#pipe.writable) this.#told(lost);
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** Lines to a file, a terminal or a device. What it does not take, its volume being full, is tried again until the end. */
export class FileOutput implements LogOutput {
  readonly #fd: number;
  #text = '';
  /** Under way to the file, or not taken by it yet. */
  #bytes: Buffer = Buffer.alloc(0);
  #writing = false;
  #timer: NodeJS.Timeout | null = null;
  #lost = 0;
  #told: LostLines = () => undefined;
  #waiting: (() => void)[] = [];
  #closed: (() => void) | null = null;
  readonly #atExit = (): void => this.#writeAtOnce();

  /** The descriptor stays the caller's. */
  constructor(fd: number) {
    this.#fd = fd;
    process.once('exit', this.#atExit);
  }

  get #size(): number {
    return this.#text.length + this.#bytes.length;
  }

  write(lines: string): boolean {
    if (this.#closed) return true; // too late
    if (this.#size + lines.length > MAX_WAITING) {
      this.#lost += lines.split('\n').length - 1;
      return false;
    }
    this.#text += lines;
    if (this.#text.length >= TOGETHER && this.#bytes.length === 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH).unref();
    return this.#size < ENOUGH;
  }

  once(_event: 'drain', listener: () => void): void {
    this.#waiting.push(listener);
  }

  tellLost(told: LostLines): void {
    this.#told = told;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      const patience = setTimeout(() => this.#closed!(), FAREWELL);
      this.#closed = () => {
        clearTimeout(patience);
        process.off('exit', this.#atExit);
        resolve();
      };
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#writing) return;
    if (this.#bytes.length === 0) {
      this.#bytes = Buffer.from(this.#text);
      this.#text = '';
    }
    if (this.#bytes.length === 0) return this.#closed?.();
    this.#writing = true;
    write(this.#fd, this.#bytes, (error, written) => {
      this.#writing = false;
      if (error) return this.#refused(error);
      this.#bytes = this.#bytes.subarray(written);
      if (this.#bytes.length > 0 || this.#text.length >= TOGETHER || this.#closed) this.#flush();
      else this.#drained();
    });
  }

  /** Now is no use; a terminal may only be slow. */
  #refused({ code }: NodeJS.ErrnoException): void {
    if (this.#closed && code !== 'EAGAIN') this.#closed();
    else this.#timer ??= setTimeout(() => this.#flush(), RETRY).unref();
  }

  #drained(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#told(lost);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The process ends without having closed this: one attempt. */
  #writeAtOnce(): void {
    const rest = this.#writing ? Buffer.alloc(0) : this.#bytes;
    try {
      writeSync(this.#fd, Buffer.concat([rest, Buffer.from(this.#text)]));
    } catch {
      // nobody is left to be told
    }
  }
}
