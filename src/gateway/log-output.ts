/**
 * Stdout as the place where log lines go, whoever reads it, or nobody.
 *
 * Lines are written together, never waited for, and never block the process. When the reader of a pipe stops or a volume is full,
 * lines wait up to a bound; beyond it they are dropped and counted, and the number is told once lines are taken again. When the
 * reader is gone they are dropped. Never throws.
 */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { pino, type DestinationStream } from 'pino';

/** Milliseconds after which a line is written at the latest; under load lines are written together. */
const FLUSH = 50;
/** Text gathered beyond this is written at once, in characters. */
const TOGETHER = 4096;
/** Lines waiting for their reader beyond this are dropped, in bytes. */
const MAX_WAITING = 1_048_576;
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
    : fileOutput();
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

/** Lines to a file, a terminal or a device. */
function fileOutput(): LogOutput {
  const out = pino.destination({
    dest: 1,
    sync: false,
    minLength: TOGETHER,
    periodicFlush: FLUSH,
    maxLength: MAX_WAITING,
  });
  out.setMaxListeners(0); // every worker may wait for it
  let lost = 0;
  let told: LostLines = () => undefined;
  out.on('error', () => undefined); // what could not be written is tried again with the next lines
  out.on('drop', () => void lost++);
  out.on('drain', () => {
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    told(lines);
  });
  return {
    write: (lines) => out.write(lines),
    once: (event, listener) => out.once(event, listener),
    tellLost: (next) => void (told = next),
    close: () =>
      new Promise((resolve) => {
        const patience = setTimeout(resolve, FAREWELL);
        out.flush(() => {
          clearTimeout(patience);
          resolve();
        });
      }),
  };
}
