/**
 * Replies on their way out: gathered as text, written in one go when the session has to wait for something.
 *
 * A client that does not read its replies is seen by `blocked`; the session then stops reading. Never throws.
 */
import type { Socket } from 'node:net';

/** Text gathered beyond this is written at once. */
const MAX_GATHERED = 16 * 1024;

/** The writing side of one connection. */
export class Output {
  #socket: Socket;
  #text = '';
  #soon: NodeJS.Immediate | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** From now on over `socket` (after STARTTLS). */
  moveTo(socket: Socket): void {
    this.#socket = socket;
  }

  /** Adds wire text (a byte string). */
  write(text: string): void {
    this.#text += text;
    if (this.#text.length > MAX_GATHERED) this.flush();
  }

  /** Writes what was gathered; `done` is called when the system has taken it (or never will). */
  flush(done?: () => void): void {
    const text = this.#text;
    if (text === '') return done?.();
    this.#text = '';
    if (this.#socket.writable) this.#socket.write(text, 'latin1', done && (() => done()));
    else done?.();
  }

  /** Writes what was gathered once this turn of the event loop is over: an answer may come before and travel along. */
  flushSoon(): void {
    if (this.#text === '' || this.#soon !== null) return;
    this.#soon = setImmediate(() => {
      this.#soon = null;
      this.flush();
    });
  }

  /** The client has not taken earlier replies; `drain` of the socket ends it. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain;
  }
}
