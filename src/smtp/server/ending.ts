/** The end of a session: the handler is closed once, and all is over when both the handler and the socket are gone. */
import type { Awaitable } from './handler.ts';

/** Keeps account of an end. Never throws. */
export class Ending {
  readonly #gone: () => void;
  readonly #failed: (error: unknown) => void;
  #begun = false;
  #handlerGone = false;
  #socketGone = false;

  /** `gone` is called once, at the very end; `failed` with what the handler's last calls threw. */
  constructor(gone: () => void, failed: (error: unknown) => void) {
    this.#gone = gone;
    this.#failed = failed;
  }

  /** The handler's last calls, made by `end` the first time only. */
  handler(end: () => Awaitable<void>): void {
    if (this.#begun) return;
    this.#begun = true;
    const over = (): void => {
      this.#handlerGone = true;
      if (this.#socketGone) this.#gone();
    };
    const failed = (error: unknown): void => {
      this.#failed(error);
      over();
    };
    try {
      const ending = end();
      if (ending instanceof Promise) ending.then(over, failed);
      else over();
    } catch (error) {
      failed(error);
    }
  }

  /** The socket is closed (told once). */
  socket(): void {
    this.#socketGone = true;
    if (this.#handlerGone) this.#gone();
  }
}

/** What was thrown, for the log, never for the client. */
export function exact(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
