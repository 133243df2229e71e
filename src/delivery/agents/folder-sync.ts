/**
 * Syncs folders to disk; everybody who asks for the same folder while a sync is about to begin shares it.
 *
 * A caller's promise resolves only after a sync that began after it asked, so what it did to the folder before is on disk.
 * Rejects with the system's error; no state is kept of it.
 */
import { open } from 'node:fs/promises';

interface Turn {
  readonly done: Promise<void>;
}

/** See above. One per agent. */
export class FolderSync {
  readonly #running = new Map<string, Turn>();
  readonly #next = new Map<string, Turn>();

  /** Makes the names in `folder` last. */
  sync(folder: string): Promise<void> {
    const waiting = this.#next.get(folder);
    if (waiting) return waiting.done;
    const running = this.#running.get(folder);
    if (!running) return this.#start(folder);
    const turn: Turn = {
      done: running.done
        .catch(() => {})
        .then(() => {
          this.#next.delete(folder);
          return this.#start(folder);
        }),
    };
    this.#next.set(folder, turn);
    return turn.done;
  }

  #start(folder: string): Promise<void> {
    const turn: Turn = {
      done: syncFolder(folder).finally(() => {
        if (this.#running.get(folder) === turn) this.#running.delete(folder);
      }),
    };
    this.#running.set(folder, turn);
    return turn.done;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
