/**
 * Damaged entries: their bytes go to `damaged/` and out of the way, so that they block nothing and are lost to nobody.
 *
 * From the moment an entry is found damaged it is skipped; copying and removing happen behind. When the copy cannot be made
 * the records stay where they are (still skipped) and the next start tries again. Never throws.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NoticeSink } from '#notices';
import type { BodyFiles } from './bodies.ts';
import { causeOf } from './errors.ts';
import { decodeContent, idKey, readTimeKey } from './record.ts';
import type { Tables } from './tables.ts';
import type { GroupWriter } from './writer.ts';

export class SetAside {
  readonly #dir: string;
  readonly #tables: Tables;
  readonly #writer: GroupWriter;
  readonly #files: BodyFiles;
  readonly #notices: NoticeSink;
  readonly #ids = new Set<string>();
  readonly #work = new Set<Promise<void>>();

  constructor(dir: string, tables: Tables, writer: GroupWriter, files: BodyFiles, notices: NoticeSink) {
    this.#dir = join(dir, 'damaged');
    this.#tables = tables;
    this.#writer = writer;
    this.#files = files;
    this.#notices = notices;
  }

  /** Whether this id was found damaged and is still in the tables. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** How many such ids there are. */
  get size(): number {
    return this.#ids.size;
  }

  /** Sets an entry aside; `why` goes into the notice. A second call for the same id does nothing. */
  add(id: string, why: string): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#notices('spool.damaged', { id, why });
    const work = this.#move(id)
      .catch((error: unknown) => this.#notices('spool.leftover', { file: id, cause: causeOf(error) }))
      .finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  /** Resolves when everything found so far is moved, or was given up. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async #move(id: string): Promise<void> {
    const key = idKey(id);
    const tables = this.#tables;
    const meta = tables.entry(key)?.record;
    const content = tables.contents.get(key);
    const indexKeys = indexKeysOf(tables, id);
    const name = /^[A-Za-z0-9]{1,64}$/.test(id) ? id : `key-${key.toString('hex').slice(0, 128)}`;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    if (meta) await writeFile(join(this.#dir, `${name}.meta`), meta, { mode: 0o600, flush: true });
    if (content) await writeFile(join(this.#dir, `${name}.content`), content, { mode: 0o600, flush: true });
    const record = content && decodeContent(content);
    if (record?.kind === 'file')
      await rename(join(this.#files.kept, record.file), join(this.#dir, `${name}.body`)).catch(() => {});
    await this.#writer.submit({
      size: 0,
      writes: () => {
        void tables.entries.remove(key);
        void tables.contents.remove(key);
        if (record?.kind === 'file') void tables.files.remove(Buffer.from(record.file, 'latin1'));
        for (const [table, at] of indexKeys) void table.remove(at);
      },
    });
    this.#ids.delete(id);
  }
}

/** Every index key that names this id. A scan of keys: damage is rare, and its meta record cannot be trusted to say where. */
function indexKeysOf(tables: Tables, id: string): [Tables['queued'], Buffer][] {
  const found: [Tables['queued'], Buffer][] = [[tables.held, idKey(id)]];
  for (const table of [tables.queued, tables.leased])
    for (const key of table.getKeys()) if (readTimeKey(key).id === id) found.push([table, key]);
  return found;
}
