/**
 * Who has a spool open: every store leaves a file in `open/` before it looks at anything else, so that nobody puts a data file
 * aside, or changes its length, under a process that writes to it.
 *
 * Mending is announced first, then the others are looked for; opening is announced first, then a mending is looked for. So of
 * two processes at least one sees the other. A process that may live counts as living; files of those that are gone are
 * removed. Listing the queue announces nothing, since it changes nothing. Throws SpoolError.
 */
import { randomInt } from 'node:crypto';
import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNoRoom, spoolError } from './errors.ts';
import { fateOf, makeOwner } from './owner.ts';
import { SpoolError } from './store.ts';

/** Below the spool's directory. */
export const OPEN_DIRECTORY = 'open';

const HOLDER = /^([A-Za-z0-9-]{1,64})\.[0-9a-z]{1,16}(\.mending)?$/;

/** One store's announcement. */
export class Presence {
  readonly #dir: string;
  readonly #name = `${makeOwner()}.${randomInt(2 ** 47).toString(36)}`;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Announces a store on the spool in `dir`, whose `open/` exists. Rejects (`io`) while another process mends that spool. */
  static async announce(dir: string): Promise<Presence> {
    const presence = new Presence(join(dir, OPEN_DIRECTORY));
    try {
      await presence.#make(presence.#name);
    } catch (error) {
      if (!isNoRoom(error)) throw spoolError(error, 'opening');
      // A full disk must not keep mail from leaving. Unannounced it cannot mend either: that begins with a file, too.
    }
    const mending = (await presence.#others()).filter((name) => name.endsWith('.mending'));
    if (mending.length === 0) return presence;
    await presence.leave();
    throw inTheWay('spool: another process is mending it', mending);
  }

  /**
   * Runs `mend` while nobody else has the spool open or can open it. Rejects with SpoolError `io` when somebody may have it
   * open, and with what `mend` throws.
   */
  async alone<T>(mend: () => Promise<T>): Promise<T> {
    const mark = `${this.#name}.mending`;
    try {
      await this.#make(mark);
    } catch (error) {
      throw spoolError(error, 'mending');
    }
    try {
      const others = await this.#others();
      if (others.length > 0)
        throw inTheWay('spool: it needs mending and another process may have it open', others);
      return await mend();
    } finally {
      await this.#remove(mark);
    }
  }

  /** Rejects with SpoolError `io` while somebody else may have the spool open. */
  async demandAlone(): Promise<void> {
    const others = await this.#others();
    if (others.length > 0) throw inTheWay('spool: another process has it open', others);
  }

  /** Takes the announcement back. Never throws. */
  async leave(): Promise<void> {
    await this.#remove(this.#name);
  }

  /** Files of other stores that may be open. */
  async #others(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const name of await readdir(this.#dir)) {
      const owner = HOLDER.exec(name)?.[1];
      if (owner === undefined || name.startsWith(this.#name)) continue;
      if (fateOf(owner) === 'gone') await this.#remove(name);
      else found.push(name);
    }
    return found;
  }

  async #make(name: string): Promise<void> {
    await writeFile(join(this.#dir, name), '', { flag: 'wx', mode: 0o600 });
  }

  async #remove(name: string): Promise<void> {
    await unlink(join(this.#dir, name)).catch(() => {});
  }
}

function inTheWay(message: string, names: readonly string[]): SpoolError {
  const cause = new Error(`remove from ${OPEN_DIRECTORY}/ what no process stands for: ${names.join(' ')}`);
  return new SpoolError('io', message, { cause });
}
