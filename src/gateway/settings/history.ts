/**
 * Configurations that were in force: the last fifty, each in a file of its own below `stateDir/config-history`, for its owner alone.
 *
 * What cannot be written is said and costs the change nothing. Files that are not ours, or no longer readable, are left out.
 */
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { NoticeSink } from '#notices';
import { replaceFile } from '../replace-file.ts';

/** Configurations that are kept. */
export const MAX_HISTORY = 50;

const versionSchema = z.object({
  revision: z.string(),
  at: z.number(),
  by: z.string(),
  summary: z.string(),
  text: z.string(),
});

/** A configuration that was in force from `at` (milliseconds since 1970) on. */
export type Version = Readonly<z.output<typeof versionSchema>>;
/** What is told of it in a list. */
export type VersionLine = Omit<Version, 'text'>;

const NAME = /^\d{15}-[0-9a-f]{12}\.json$/;

export class History {
  readonly #folder: string;
  readonly #notices: NoticeSink;

  constructor(folder: string, notices: NoticeSink) {
    this.#folder = folder;
    this.#notices = notices;
  }

  /** All that are kept, the newest first. */
  async list(): Promise<readonly Version[]> {
    const names = await this.#names();
    const read = await Promise.all(names.toReversed().map((name) => this.#read(name)));
    return read.filter((version) => version !== null);
  }

  /** Keeps one, unless it is the newest already. Never rejects. */
  async keep(version: Version): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const names = await this.#names();
      const newest = names.at(-1);
      if (newest !== undefined && (await this.#read(newest))?.revision === version.revision) return;
      // Two in one millisecond, or a clock that was set back: the newer one has the later name nevertheless.
      const after = Number(newest?.slice(0, 15) ?? 0) + 1;
      const name = `${String(Math.max(version.at, after)).padStart(15, '0')}-${version.revision.slice(0, 12)}.json`;
      await replaceFile(join(this.#folder, name), `${JSON.stringify(version)}\n`, 0o600);
      for (const old of names.slice(0, Math.max(0, names.length + 1 - MAX_HISTORY)))
        await unlink(join(this.#folder, old)).catch(() => undefined);
    } catch (error) {
      this.#notices('config.history-failed', { folder: this.#folder, error: String(error) });
    }
  }

  /** Oldest first. */
  async #names(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((): string[] => []);
    return names.filter((name) => NAME.test(name)).toSorted();
  }

  async #read(name: string): Promise<Version | null> {
    try {
      return versionSchema.parse(JSON.parse(await readFile(join(this.#folder, name), 'utf8')));
    } catch {
      return null;
    }
  }
}
