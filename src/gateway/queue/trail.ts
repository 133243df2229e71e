/**
 * Who did what to which message, and what operators wrote about held ones: a file that is only added to, in two generations.
 *
 * An order is answered when its line was handed to the system; it survives the end of the process. When the file is full it becomes the
 * older generation, and the one before is gone; notes are carried over, so that they live as long as they are among the newest
 * MAX_NOTES. A line that cannot be read (a crash tore it) is passed over. Trouble with the file is noticed and costs no order: the
 * log tells of each as well. Nothing here rejects.
 */
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';

/** Bytes of one generation. */
export const MAX_TRAIL_FILE = 8_388_608;
/** Notes that are kept, and characters of one. */
export const MAX_NOTES = 1000;
export const MAX_NOTE = 1000;
/** Records given out about one message, the newest of them. */
export const MAX_TRAIL = 1000;
/** Records kept where there is no file. */
const MAX_IN_MEMORY = 10_000;

/** Detail of a note that was written again when the file turned over. */
const CARRIED = 'carried over';

/** One line. */
export interface TrailRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The message as it was then called. */
  readonly id: string;
  /** A verb of orders, `note`, or `expire`. */
  readonly verb: string;
  /** `operator:NAME`, or `gateway`. */
  readonly by: string;
  /** As of ActResult. */
  readonly result: string;
  readonly detail: string;
  /** The id it went on under. */
  readonly as?: string;
  /** Why, as the operator said; the text of a note. */
  readonly text?: string;
}

/** What somebody wrote about a message. */
export interface Note {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

export interface TrailOptions {
  /** Absolute path; '' keeps it in memory. */
  readonly file: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly notices: NoticeSink;
  /** For tests. */
  readonly maxFile?: number;
}

/** See above. */
export class Trail {
  readonly #o: TrailOptions;
  readonly #inMemory: TrailRecord[] = [];
  readonly #notes = new Map<string, Note>();
  #loaded: Promise<void> | null = null;
  #prepared: Promise<void> | null = null;
  #size = 0;
  #pending: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(options: TrailOptions) {
    this.#o = options;
  }

  /** Adds a line; resolves when it is written, or when that failed and was noticed. */
  async record(what: Omit<TrailRecord, 'at'>): Promise<void> {
    const record: TrailRecord = { at: this.#o.clock.now(), ...what };
    if (this.#o.file === '') {
      if (this.#inMemory.push(record) > MAX_IN_MEMORY) this.#inMemory.shift();
      return;
    }
    this.#pending.push(JSON.stringify(record) + '\n');
    this.#writing ??= this.#write();
    await this.#writing;
  }

  /** Writes a note about a message, in place of the one before; '' takes it away. */
  async note(id: string, text: string, by: string): Promise<void> {
    await this.#load();
    this.#takeNote(id, { at: this.#o.clock.now(), by, text: text.slice(0, MAX_NOTE) });
    await this.record({ id, verb: 'note', by, result: 'done', detail: '', text: text.slice(0, MAX_NOTE) });
  }

  /** The notes there are, by id. */
  async notes(): Promise<ReadonlyMap<string, Note>> {
    await this.#load();
    return this.#notes;
  }

  /** Everything that was done to a message, under this id or what became of it; oldest first. */
  async of(id: string): Promise<readonly TrailRecord[]> {
    const found: TrailRecord[] = [];
    const take = (record: TrailRecord): void => {
      if (record.id !== id && record.as !== id) return;
      if (record.detail === CARRIED && found.some((f) => f.verb === 'note' && f.at === record.at)) return;
      if (found.push(record) > MAX_TRAIL) found.shift();
    };
    if (this.#o.file === '') this.#inMemory.forEach(take);
    else {
      await this.#writing;
      const mark = JSON.stringify(id);
      for (const file of this.#generations())
        await eachLine(file, (line) => line.includes(mark), take).catch((e: unknown) => this.#failed(e));
    }
    return found;
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #generations(): readonly string[] {
    return [`${this.#o.file}.1`, this.#o.file];
  }

  /** Reads the notes, once. Changes nothing: another process may be the one that writes. */
  #load(): Promise<void> {
    this.#loaded ??= this.#read().catch((error: unknown) => this.#failed(error));
    return this.#loaded;
  }

  /** Makes the file ready to be added to, once. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeReady().catch((error: unknown) => this.#failed(error));
    return this.#prepared;
  }

  async #read(): Promise<void> {
    if (this.#o.file === '') return;
    for (const one of this.#generations())
      await eachLine(
        one,
        (line) => line.includes('"verb":"note"'),
        (r) => r.verb === 'note' && this.#takeNote(r.id, { at: r.at, by: r.by, text: r.text ?? '' }),
      );
  }

  async #makeReady(): Promise<void> {
    await this.#load();
    const { file } = this.#o;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    this.#size = await sizeOf(file);
    // A line that a crash tore must not take the next one with it.
    if (this.#size > 0 && !(await endsLine(file, this.#size))) await this.#add('\n');
  }

  #takeNote(id: string, note: Note): void {
    this.#notes.delete(id);
    if (note.text === '') return;
    this.#notes.set(id, note);
    if (this.#notes.size <= MAX_NOTES) return;
    const [oldest] = this.#notes.keys();
    this.#notes.delete(oldest!);
  }

  /** Writes what waits until nothing does; lines that come together share a write. */
  async #write(): Promise<void> {
    await this.#prepare();
    while (this.#pending.length > 0) {
      const text = this.#pending.join('');
      this.#pending = [];
      try {
        if (this.#size > 0 && this.#size + text.length > (this.#o.maxFile ?? MAX_TRAIL_FILE))
          await this.#turnOver();
        await this.#add(text);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#writing = null;
  }

  async #turnOver(): Promise<void> {
    const { file } = this.#o;
    await rename(file, `${file}.1`);
    this.#size = 0;
    const lines = [...this.#notes].map(([id, { at, by, text }]) =>
      JSON.stringify({ at, id, verb: 'note', by, result: 'done', detail: CARRIED, text }),
    );
    if (lines.length > 0) await this.#add(lines.join('\n') + '\n');
  }

  async #add(text: string): Promise<void> {
    await appendFile(this.#o.file, text, { mode: 0o600 });
    this.#size += Buffer.byteLength(text);
  }

  #failed(error: unknown): void {
    this.#o.notices('queue.trail-failed', { file: this.#o.file, error: String(error) });
  }
}

/** Hands out the records on lines that look right. A file that is not there has none. */
async function eachLine(
  file: string,
  looksRight: (line: string) => boolean,
  take: (record: TrailRecord) => void,
): Promise<void> {
  let rest = '';
  const each = (line: string): void => {
    if (!looksRight(line)) return;
    const record = recordIn(line);
    if (record) take(record);
  };
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 65_536 })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      lines.forEach(each);
    }
    each(rest);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function recordIn(line: string): TrailRecord | null {
  try {
    const read = JSON.parse(line) as Partial<Record<keyof TrailRecord, unknown>> | null;
    if (read === null || typeof read.at !== 'number') return null;
    const texts = [read.id, read.verb, read.by, read.result, read.detail];
    const more = [read.as, read.text];
    if (!texts.every((t) => typeof t === 'string')) return null;
    return more.every((t) => t === undefined || typeof t === 'string') ? (read as TrailRecord) : null;
  } catch {
    return null;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function endsLine(file: string, size: number): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, size - 1);
    return last[0] === 10;
  } finally {
    await handle.close();
  }
}
