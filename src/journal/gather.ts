/**
 * Write-behind: rows, recordings, changes and delivery lines are gathered in memory and written in batches.
 *
 * A row waits a moment for the outcome of its delivery, so that a message that is accepted and delivered meanwhile costs one put.
 * Memory is bounded: when the disk does not keep up, body bytes, then recordings, then changes and rows are given up and
 * counted. A failed write is noticed and its batch is gone; nothing here rejects, nobody on the way of the mail ever waits.
 */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { encodeChanges } from './changes-code.ts';
import type { Changes } from './changes.ts';
import type { PartLine } from './line-code.ts';
import { Pace } from './pace.ts';
import { addLines, encodeLine, encodeRow, rowText } from './row-code.ts';
import { MAX_NAMED, type DeliveryLine, type HistoryRow } from './row.ts';
import { directoryOf, Segments, type Segment } from './segments.ts';
import { Spares } from './spares.ts';
import { keyOf, type Table, type Tables } from './tables.ts';
import { textBlock, Texts } from './texts.ts';

/** Bytes of recordings and changes that may wait: from the first on without body bytes, from the second on none are taken. */
export const WAITING_BODIES = 16 * 1024 * 1024;
export const WAITING_BYTES = 32 * 1024 * 1024;
/** Bytes of recordings from which it is not waited for any longer before they are written. */
const MUCH = 4 * 1024 * 1024;
/** Rows that may wait, and rows whose delivery lines may. */
export const WAITING_ROWS = 20_000;
/** Characters of recipients beyond those that a row names, which may wait. */
export const WAITING_RECIPIENTS = 16 * 1024 * 1024;
/** Milliseconds a row waits for the outcome of its delivery. */
const PATIENCE = 600;
/** Writes in one go of the event loop. */
const IN_ONE_GO = 1000;
/** Milliseconds between two notices of the same trouble. */
const NOTICE_EVERY = 60_000;

/** Marks a record of `delivery` that names the row which its message belongs to. */
export const ALIAS = '>';

/** What the gatherer is handed. */
export interface GatherOptions {
  readonly tables: Tables;
  /** Makes keys of segments: as queue ids. */
  readonly newId: () => string;
  /** Name of this process among those that write. */
  readonly writer: string;
  /** False: the disk is needed for mail. */
  readonly hasRoom: () => boolean;
  /** Hears of a write that failed for damage. */
  readonly broken: (error: unknown) => void;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** What was written. */
export interface Written {
  readonly ids: readonly string[];
  readonly parts: number;
  readonly changes: number;
}

/** A row that waits, as text. */
interface Waiting {
  readonly id: string;
  readonly text: string;
  readonly since: number;
  /** Recipients whose way is not at its end. */
  left: number;
  /** Delivery lines so far. */
  lines: string;
}

type Put = readonly [table: Table, key: string, value: Buffer];

/** See the head of the file. */
export class Gather {
  readonly #o: GatherOptions;
  readonly #segments = new Segments();
  /** Rows that wait for the outcome of their delivery, and those that do not. */
  #rows = new Map<string, Waiting>();
  readonly #spares = new Spares(textBlock);
  #ready = new Texts(this.#spares);
  #delivery = new Map<string, string>();
  #aliases = new Map<string, string>();
  #changes: { readonly id: string; readonly make: () => Changes }[] = [];
  #changesBytes = 0;
  /** Characters of further recipients that came since the last write. */
  #further = 0;
  #writing: Promise<Written> | null = null;
  #noticedAt = -Infinity;
  #history = 0;
  #parts = 0;
  /** Bytes and rows that were given up. */
  lostBytes = 0;
  lostRows = 0;

  constructor(options: GatherOptions) {
    this.#o = options;
  }

  /** Nothing waits. */
  get empty(): boolean {
    return (
      this.#ready.size + this.#rows.size + this.#delivery.size + this.#aliases.size + this.#changes.length ===
        0 && this.#segments.empty
    );
  }

  /** It is time to write, if nobody writes already. */
  get isMuch(): boolean {
    return this.#writing === null && this.#segments.bytes > MUCH;
  }

  /** See RecorderHome. */
  get pressure(): 0 | 1 | 2 {
    const bytes = this.#segments.bytes + this.#changesBytes;
    return bytes < WAITING_BODIES ? 0 : bytes < WAITING_BYTES ? 1 : 2;
  }

  row(row: HistoryRow): void {
    if (this.#rows.size + this.#ready.size >= WAITING_ROWS) {
      this.lostRows++;
      return;
    }
    const { id } = row;
    const text = encodeRow(this.#bounded(row));
    if (row.outcome !== 'accepted') this.#ready.add(id, rowText(text, ''));
    else this.#rows.set(id, { id, text, since: this.#o.clock.elapsed(), left: row.recipients, lines: '' });
  }

  /** Something became of a message on its way out. */
  delivery(id: string, line: DeliveryLine): void {
    const row = this.#aliases.get(id) ?? id;
    const text = encodeLine(line);
    const waiting = this.#rows.get(row);
    if (waiting) {
      waiting.lines = joined(waiting.lines, text);
      if (FINAL.has(line.state) && --waiting.left === 0) this.#settle(waiting);
      return;
    }
    const lines = this.#delivery.get(row);
    if (lines !== undefined || this.#delivery.size < WAITING_ROWS)
      this.#delivery.set(row, joined(lines ?? '', text));
    else this.lostRows++;
  }

  /** What becomes of the message `id` from now on belongs to the row of `row`. */
  alias(id: string, row: string): void {
    if (this.#aliases.size < WAITING_ROWS) this.#aliases.set(id, this.#aliases.get(row) ?? row);
  }

  /** False: there is no room. */
  changes(id: string, bytes: number, make: () => Changes): boolean {
    if (this.pressure > 0) {
      this.lostBytes += bytes;
      return false;
    }
    this.#changes.push({ id, make });
    this.#changesBytes += bytes;
    return true;
  }

  /** Gives memory back that was not needed since the last time. */
  trim(): void {
    this.#spares.trim();
    this.#segments.trim();
  }

  part(line: PartLine, recording: Uint8Array): void {
    this.#segments.add(line, recording);
  }

  /** Writes what waits; `all`: rows too that could wait longer. */
  async write(all: boolean): Promise<Written> {
    while (this.#writing) await this.#writing;
    if (this.empty) return NOTHING;
    this.#writing = this.#write(all);
    const written = await this.#writing;
    this.#writing = null;
    return written;
  }

  async #write(all: boolean): Promise<Written> {
    const { tables, hasRoom } = this.#o;
    const rows = this.#takeRows(all);
    this.#further = 0;
    const segments = this.#segments.take();
    const changes = this.#changes;
    const bytes = this.#changesBytes;
    const delivery = this.#delivery;
    const aliases = this.#aliases;
    this.#changes = [];
    this.#delivery = new Map();
    this.#aliases = new Map();
    try {
      if (!hasRoom()) return this.#giveUp(rows, segments, bytes, 'the disk is nearly full');
      tables.freshen();
      const puts: Put[] = [];
      const pace = new Pace();
      for (const segment of segments) puts.push(...this.#segmentPuts(segment));
      for (const one of changes) {
        puts.push([tables.changes, one.id, encodeChanges(one.make())]);
        await pace.rest();
      }
      for (const put of this.#deliveryPuts(delivery, aliases)) {
        puts.push(put);
        await pace.rest();
      }
      this.#history += rows.size + delivery.size;
      const parts = segments.reduce((sum, s) => sum + s.parts, 0);
      this.#parts += parts;
      const ids = rows.keys();
      const word = JSON.stringify([
        this.#history,
        this.#parts,
        ids.concat([...delivery.keys()]).slice(-MAX_IDS),
      ]);
      puts.push([tables.meta, `w/${this.#o.writer}`, Buffer.from(word)]);
      if (!(await this.#put(rows, puts))) return this.#giveUp(rows, segments, bytes, 'it was closed');
      return { ids: [...ids, ...delivery.keys()], parts, changes: changes.length };
    } catch (error) {
      this.#o.broken(error);
      return this.#giveUp(rows, segments, bytes, error instanceof Error ? error.message : String(error));
    } finally {
      this.#segments.written(segments);
      rows.written();
      this.#changesBytes -= bytes;
    }
  }

  /** False: the journal was closed meanwhile. Rejects with what the first of its commits that failed says. */
  async #put(rows: Texts, puts: readonly Put[]): Promise<boolean> {
    const { tables } = this.#o;
    const commits: Promise<boolean>[] = [];
    const begin = (writes: () => void): void => {
      const commit = tables.batch(writes);
      commit.catch(() => undefined); // it may fail before it is waited for, and is heard of then
      commits.push(commit);
    };
    begin(() => {
      for (const [table, key, value] of puts) void table.put(keyOf(key), value);
    });
    for (const some of rows.puts(tables.rows, IN_ONE_GO)) {
      await new Promise(setImmediate);
      begin(some);
    }
    // Of all of them, also when one failed: the others still read from what is used again afterwards.
    const ends = await Promise.allSettled(commits);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return ends.every((end) => end.status === 'fulfilled' && end.value);
  }

  /** The row with as many recipients as there is room for. */
  #bounded(row: HistoryRow): HistoryRow {
    if (row.to.length <= MAX_NAMED) return row;
    const named = row.to.slice(0, MAX_NAMED);
    if (this.#further > WAITING_RECIPIENTS) return { ...row, to: named };
    for (const address of row.to.slice(MAX_NAMED)) this.#further += address.length;
    return row;
  }

  /** Nothing more is to come. */
  #settle({ id, text, lines }: Waiting): void {
    this.#rows.delete(id);
    this.#ready.add(id, rowText(text, lines));
  }

  #takeRows(all: boolean): Texts {
    const old = this.#o.clock.elapsed() - PATIENCE;
    for (const waiting of this.#rows.values()) {
      // They stand in the order in which they came.
      if (!all && waiting.since > old) break;
      this.#settle(waiting);
    }
    const taken = this.#ready;
    this.#ready = new Texts(this.#spares);
    return taken;
  }

  #segmentPuts(segment: Segment): Put[] {
    const key = this.#o.newId();
    const { tables } = this.#o;
    return [
      [tables.packets, key, segment.buffer.subarray(0, segment.used)],
      [tables.lines, key, directoryOf(segment)],
    ];
  }

  *#deliveryPuts(delivery: ReadonlyMap<string, string>, aliases: ReadonlyMap<string, string>): Iterable<Put> {
    const { tables } = this.#o;
    const known = (id: string): string => tables.delivery.get(keyOf(id))?.toString('utf8') ?? '';
    for (const [id, row] of aliases) {
      const before = known(row);
      yield [tables.delivery, id, Buffer.from(before.startsWith(ALIAS) ? before : ALIAS + row)];
    }
    const merged = new Map<string, string>();
    for (const [id, lines] of delivery) {
      const before = known(id);
      const row = before.startsWith(ALIAS) ? before.slice(ALIAS.length) : id;
      merged.set(row, addLines(merged.get(row) ?? (row === id ? before : known(row)), lines));
    }
    for (const [row, lines] of merged) yield [tables.delivery, row, Buffer.from(lines)];
  }

  #giveUp(rows: Texts, segments: readonly Segment[], changesBytes: number, why: string): Written {
    this.lostRows += rows.size;
    for (const { used } of segments) this.lostBytes += used;
    this.lostBytes += changesBytes;
    const now = this.#o.clock.elapsed();
    if (now - this.#noticedAt >= NOTICE_EVERY) {
      this.#noticedAt = now;
      this.#o.notices('journal.not-written', { error: why, rows: this.lostRows, bytes: this.lostBytes });
    }
    return NOTHING;
  }
}

const NOTHING: Written = { ids: [], parts: 0, changes: 0 };
/** Ids that a writer tells the others of at a time. */
const MAX_IDS = 1000;

const FINAL: ReadonlySet<string> = new Set(['delivered', 'failed', 'expired', 'deleted', 'bounced']);

const joined = (lines: string, line: string): string => (lines === '' ? line : `${lines},${line}`);
