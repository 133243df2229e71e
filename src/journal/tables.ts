/**
 * The journal's lmdb environment: its tables, opening, closing, sizes. Throws what lmdb throws.
 *
 * Synced commits, few of them: see gather.ts. Keys are ASCII text that sorts by time. Apart from the spool's environment, so that
 * no trouble here can touch mail.
 */
import { open, type Database, type RootDatabase } from 'lmdb';

/** Bytes of address space; the file grows only as far as it is used. */
const MAP_SIZE = 8 * 2 ** 30;
const PAGE = 4096;

export type Table = Database<Buffer, Buffer>;

/** Asks whether the volume takes writes at all: lmdb spoils its own memory, and ends the process, when a page is refused. */
export interface WriteProbe {
  /** Throws or rejects when it takes none. */
  ask(): void | Promise<void>;
  close(): Promise<void>;
}

interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

/** Codes of lmdb: corrupted, page not found, panic, not lmdb, incompatible. */
const DAMAGE = new Set<unknown>([-30796, -30797, -30795, -30793, -30784]);

/** Whether an error says that the environment is damaged. */
export const isDamage = (error: unknown): boolean => DAMAGE.has((error as { code?: unknown } | null)?.code);

/** Key of a text. */
export const keyOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** See the head of the file. */
export class Tables {
  /** Rows by id. */
  readonly rows: Table;
  /** Delivery lines that came after their row was written, by the row's id; or `>ID`: they belong to that row. */
  readonly delivery: Table;
  /** Directories of segments, and their packets, by segment key; the same of pinned sessions. */
  readonly lines: Table;
  readonly packets: Table;
  readonly keptLines: Table;
  readonly keptPackets: Table;
  /** Before and after, by id. */
  readonly changes: Table;
  /** Policy, pins, what each writer has written. */
  readonly meta: Table;
  readonly #env: RootDatabase<Buffer, Buffer>;
  readonly #probe: WriteProbe;
  #open = true;

  /** `path`: an existing directory. `probe`: asked before every transaction. */
  constructor(path: string, probe: WriteProbe) {
    this.#probe = probe;
    const env = open<Buffer, Buffer>(path, {
      noSubdir: false,
      mapSize: MAP_SIZE,
      maxDbs: 12,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
    });
    this.#env = env;
    const table = (name: string, compression = false): Table =>
      env.openDB({ name, encoding: 'binary', keyEncoding: 'binary', compression });
    this.rows = table('rows');
    this.delivery = table('delivery');
    this.lines = table('lines');
    // Most of what is written are bodies. Packed (LZ4, in lmdb's own thread) they cost less than the pages they would fill.
    this.packets = table('packets', true);
    this.keptLines = table('kept-lines');
    this.keptPackets = table('kept-packets', true);
    this.changes = table('changes');
    this.meta = table('meta');
  }

  /** Reads a little of every table, so that damage that shows at once shows now. */
  readOnce(): void {
    for (const table of [
      this.rows,
      this.delivery,
      this.lines,
      this.packets,
      this.keptLines,
      this.changes,
      this.meta,
    ])
      for (const reverse of [false, true])
        for (const key of table.getKeys({ limit: 1, reverse, snapshot: false })) table.doesExist(key);
    this.freshen();
  }

  /** Runs writes as one transaction; resolves when it is on disk, false when all was closed meanwhile. `writes` must not throw. */
  async batch(writes: () => void): Promise<boolean> {
    if (!this.#open) return false;
    await this.#probe.ask();
    if (!this.#open) return false;
    try {
      return await this.#env.batch(writes);
    } catch (error) {
      // Of a failed commit lmdb tells twice: that it failed, and in a promise of its own why. Both want to be heard.
      const { commitError = null } = error as { readonly commitError?: Promise<unknown> };
      await commitError;
      throw error;
    }
  }

  /** Lets the next read see everything that any process has committed until now. */
  freshen(): void {
    this.#env.resetReadTxn();
  }

  /** Closes what may be damaged: it is of no use any more, whatever comes of it. Never rejects. */
  async leave(): Promise<void> {
    await this.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#env.close();
    await this.#probe.close();
  }
}

/** Entries of a table. */
export function countOf(table: Table): number {
  return (table.getStats() as TreeStats).entryCount;
}

/** Bytes that a table has of the file. */
export function bytesOf(table: Table): number {
  const { treeBranchPageCount, treeLeafPageCount, overflowPages } = table.getStats() as TreeStats;
  return (treeBranchPageCount + treeLeafPageCount + overflowPages) * PAGE;
}
