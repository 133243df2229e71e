/**
 * The lmdb environment of a spool: its tables, and opening, closing and probing them.
 *
 * Synced commits only: no option that trades durability for speed is set, ever. Batching by event turn is off, because
 * writer.ts groups commits itself (then a failed commit rejects exactly the promises we hold, and leaks none).
 * Throws what lmdb throws.
 */
import { getLastVersion, open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { SpoolError } from './store.ts';
import type { SpoolTotals } from './store.ts';

type Table = Database<Buffer, Buffer>;

interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

interface EnvironmentStats extends TreeStats {
  readonly root: TreeStats;
  readonly free: TreeStats;
  readonly lastPageNumber: number;
}

/** A record with its version, which every change of the record moves on. */
export interface Versioned {
  readonly record: Buffer;
  readonly version: number;
}

/** The tables of one spool. Replaced inside by `reopen`, so nobody keeps one of them. */
export class Tables {
  /** Meta records by id; versioned. */
  entries!: Table;
  /** Content records by id. */
  contents!: Table;
  /** Body file name to id of the entry that owns it. */
  files!: Table;
  /** One index per state: by due time, by end of lease, by id. */
  queued!: Table;
  leased!: Table;
  held!: Table;
  #env!: RootDatabase<Buffer, Buffer>;
  #open = false;
  readonly #path: string;
  readonly #mapSize: number;
  readonly #readOnly: boolean;

  private constructor(path: string, mapSize: number, readOnly: boolean) {
    this.#path = path;
    this.#mapSize = mapSize;
    this.#readOnly = readOnly;
  }

  /**
   * `path`: an existing directory. `mapSize`: bytes of address space to set aside; grows when it must. `readOnly`: nothing is
   * written or made; the tables must exist.
   */
  static async open(path: string, mapSize: number, readOnly = false): Promise<Tables> {
    const tables = new Tables(path, mapSize, readOnly);
    await tables.#openAll();
    return tables;
  }

  async #openAll(): Promise<void> {
    try {
      this.#openNow();
      this.#readOnce();
    } catch (error) {
      await this.close();
      throw isSameNumber(error) ? new SpoolError('io', SAME_NUMBER, { cause: error }) : error;
    }
  }

  /** A read that fails here is an error; one that fails first on lmdb's own timer would end the process. */
  #readOnce(): void {
    try {
      this.entries.doesExist(Buffer.from('0'));
    } finally {
      this.#env.resetReadTxn();
    }
  }

  #openNow(): void {
    const env = open<Buffer, Buffer>(this.#path, {
      noSubdir: false,
      mapSize: this.#mapSize,
      readOnly: this.#readOnly,
      maxDbs: 8,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
    });
    this.#env = env;
    this.#open = true;
    const table = (name: string, useVersions = false): Table =>
      env.openDB({ name, encoding: 'binary', keyEncoding: 'binary', useVersions });
    this.entries = table('entries', true);
    this.contents = table('contents');
    this.files = table('files');
    this.queued = table('queued');
    this.leased = table('leased');
    this.held = table('held');
  }

  /** Runs writes as one transaction; resolves when it is on disk. `writes` must not throw. */
  batch(writes: () => void): Promise<boolean> {
    return this.#env.batch(writes);
  }

  /** A meta record; undefined when there is none. */
  entry(key: Buffer): Versioned | undefined {
    const record = this.entries.get(key);
    return record && { record, version: getLastVersion() };
  }

  /** Lets the next read see everything that any process has committed until now. */
  freshen(): void {
    this.#env.resetReadTxn();
  }

  /** Whether lmdb still works; false after an error that only opening it again can cure. */
  works(): boolean {
    try {
      this.#env.resetReadTxn();
      this.entries.doesExist(Buffer.from('0'));
      return true;
    } catch {
      return false;
    }
  }

  /** Closes and opens lmdb within this process. */
  async reopen(): Promise<void> {
    await this.close();
    await this.#openAll();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#env.close();
  }

  totals(): SpoolTotals {
    return { queued: count(this.queued), leased: count(this.leased), held: count(this.held) };
  }

  /** Entries by their meta records; the same as the sum of totals() unless the store is damaged. */
  entryCount(): number {
    return count(this.entries);
  }

  /** Bytes of the data file that lmdb has made use of, from its start. */
  usedBytes(): number {
    const { lastPageNumber, pageSize } = this.entries.getStats() as EnvironmentStats;
    return (lastPageNumber + 1) * pageSize;
  }

  /** Bytes within usedBytes() that new records can use again. */
  reusableBytes(): number {
    const whole = this.entries.getStats() as EnvironmentStats;
    let used = 2 + pages(whole) + pages(whole.root) + pages(whole.free);
    for (const table of [this.contents, this.files, this.queued, this.leased, this.held])
      used += pages(table.getStats() as TreeStats);
    return Math.max(0, whole.lastPageNumber + 1 - used) * whole.pageSize;
  }
}

/**
 * lmdb tells processes apart by their number, so one process with the same number in another container keeps us from reading.
 * lmdb waits ten seconds for it, then has no transaction to read with: EINVAL, or a TypeError of its own.
 */
function isSameNumber(error: unknown): boolean {
  return error instanceof TypeError || (error as { code?: unknown } | null)?.code === EINVAL;
}

const EINVAL = 22;
const SAME_NUMBER = `spool: it cannot be read, perhaps because process ${process.pid} of another container has it open`;

function count(table: Table): number {
  return (table.getStats() as TreeStats).entryCount;
}

function pages(tree: TreeStats): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}
