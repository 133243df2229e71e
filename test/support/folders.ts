/** Temporary folders for tests: readable by the unprivileged users that filters run as, removed at the end of the test. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A pile of undo steps, done last to first: a process ends before its folder goes. (A test's own `after` hooks run first to
 * last, so a test makes one Cleanup from its context and hands that around.) `run` never throws; it says what went wrong.
 */
export class Cleanup {
  readonly #steps: (() => Promise<unknown> | void)[] = [];

  constructor(t?: { after(undo: () => Promise<void>): void }) {
    t?.after(() => this.run());
  }

  after(undo: () => Promise<unknown> | void): void {
    this.#steps.push(undo);
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        console.error(`clean-up: ${String(error)}`);
      }
    }
  }
}

/** A new folder that is gone after the test. */
export async function tempFolder(cleanup: Cleanup, name = 'millrace'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(folder, 0o755);
  cleanup.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}
