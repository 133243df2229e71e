/**
 * The journal: takes what happened, writes it behind the mail, prunes what is old, and answers what is asked.
 *
 * One for each process; all of them share one environment, so the one that is asked knows what the others wrote. Without tables
 * (the environment could not be used) everything is taken and forgotten. Nothing here delays mail, throws at it, or rejects for
 * damage.
 */
import type { Cancel, Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { Allowance } from './allowance.ts';
import type { Changes } from './changes.ts';
import { decodeChanges } from './changes-code.ts';
import { conversationPage, knowsSession, packetsOf, type OpenPart } from './conversations.ts';
import type { PacketRow } from './conversation.ts';
import { Gather } from './gather.ts';
import { PartCount } from './part-count.ts';
import { LOOK_EVERY, News } from './news.ts';
import { historyPage, rowOf } from './history.ts';
import type { PartLine } from './line-code.ts';
import { captureOf, readPolicy, type Capture, type CapturePolicy } from './policy.ts';
import { hasRoomForPinned, pinKey, pinsOf, prune, unpin, type Retention } from './prune.ts';
import type {
  ConversationPage,
  ConversationQuery,
  HistoryPage,
  HistoryQuery,
  HistoryWhere,
  JournalFigures,
  JournalNews,
  JournalReader,
} from './reader.ts';
import { storedPolicy, storePolicy } from './stored-policy.ts';
import { Recorder, type RecorderHome } from './recorder.ts';
import type { DeliveryLine, HistoryRow } from './row.ts';
import { bytesOf, countOf, isDamage, keyOf, type Tables } from './tables.ts';
import type { TapeBudget } from './tape.ts';

/** What the journal is told. */
export interface JournalSettings extends Retention {
  /** What is kept of conversations where nobody said otherwise while it ran. */
  readonly policy: CapturePolicy;
}

export interface JournalOptions {
  readonly settings: JournalSettings;
  /** null: nothing is kept. */
  readonly tables: Tables | null;
  /** Makes queue ids. */
  readonly newId: () => string;
  /** How many processes write into the same environment. */
  readonly writers: number;
  readonly hasRoom: () => boolean;
  /** The environment is damaged: it is to be set aside at the next start. */
  readonly damaged: () => void;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Milliseconds between two writes while nobody watches. */
const UNWATCHED = 500;
/** Milliseconds between two looks at what other processes have changed. */
const LOOK = 1000;
/** Milliseconds between two looks for what has become too old. */
const PRUNE = 60_000;
/** Bytes that what is being recorded may take. */
export const MAX_RECORDING = 64 * 1024 * 1024;
/** Sessions that may be pinned. */
export const MAX_PINS = 1000;

/** See the head of the file. */
export class Journal implements JournalReader, RecorderHome {
  readonly budget: TapeBudget = { left: MAX_RECORDING };
  readonly #o: JournalOptions;
  readonly #gather: Gather | null;
  #tables: Tables | null;
  #settings: JournalSettings;
  #capture: Capture;
  #lookedAt = -Infinity;
  #pins: ReadonlySet<string> = new Set();
  #recorders = new Map<string, Recorder>();
  #ripe = new Set<Recorder>();
  #lost = 0;
  #timer: Cancel | null = null;
  #hurries = false;
  #pruner: Cancel | null = null;
  readonly #news: News;
  readonly #parts = new PartCount();
  readonly #allowance: Allowance;
  #closed = false;

  constructor(options: JournalOptions) {
    const { settings, tables } = options;
    this.#o = options;
    this.#settings = settings;
    this.#tables = tables;
    this.#capture = captureOf(settings.policy);
    this.#allowance = new Allowance(options.clock, settings.conversations / options.writers);
    const hear = (): void => this.#guarded(undefined, (open) => this.#news.hearOthers(open));
    this.#news = new News(options.clock, options.writers > 1 ? hear : () => undefined);
    const broken = (error: unknown): void => this.#broken(error);
    this.#gather = tables && new Gather({ ...options, tables, writer: options.newId(), broken });
    this.#look();
    this.#prune();
  }

  // What happens, as told by the mail's way.

  get capture(): Capture {
    if (this.#o.clock.elapsed() - this.#lookedAt > LOOK) this.#look();
    return this.#capture;
  }

  get pressure(): 0 | 1 | 2 {
    return this.#gather?.pressure ?? 2;
  }

  elapsed(): number {
    return this.#o.clock.elapsed();
  }

  now(): number {
    return this.#o.clock.now();
  }

  /** Somebody who records a new connection; null: nothing is to be recorded of it. */
  record(session: string, client: string, listener: string): Recorder | null {
    if (this.#gather === null || this.#closed || !this.capture.mayKeep(client)) return null;
    const recorder = new Recorder(this, session, client, listener);
    this.#recorders.set(session, recorder);
    this.#news.happened();
    return recorder;
  }

  /** A transaction is over. */
  row(row: HistoryRow): void {
    this.#gather?.row(row);
    this.#soon();
  }

  /** Something became of a recipient on the way out; a line for '' is about everybody who still waits. */
  delivery(id: string, line: DeliveryLine): void {
    this.#gather?.delivery(id, line);
    this.#soon();
  }

  /** The message goes on under another id. */
  goesOn(id: string, as: string): void {
    this.#gather?.alias(as, id);
    this.#soon();
  }

  /** Who records this connection; null: nobody. */
  recorderOf(session: string): Recorder | null {
    return this.#recorders.get(session) ?? null;
  }

  /** Filters changed a message: about so many bytes, made when they are written. False: they cannot be kept. */
  changed(id: string, bytes: number, make: () => Changes): boolean {
    const kept = this.#gather?.changes(id, bytes, make) ?? false;
    this.#soon();
    return kept;
  }

  take(line: PartLine, recording: Uint8Array): void {
    this.#gather?.part(line, recording);
    this.#soon();
  }

  lost(bytes: number): void {
    this.#lost += bytes;
  }

  ripe(recorder: Recorder): void {
    this.#ripe.add(recorder);
    this.#soon();
  }

  closed(recorder: Recorder): void {
    this.#ripe.delete(recorder);
    if (this.#recorders.get(recorder.session) === recorder) this.#recorders.delete(recorder.session);
  }

  isPinned(session: string): boolean {
    return this.#pins.has(session);
  }

  /** Who said which conversations are meant wants them whole. */
  mayKeepContent(session: string, bytes: number): boolean {
    return !this.#capture.all || this.#allowance.take(bytes) || this.#pins.has(session);
  }

  /** Other bounds and another policy from the configuration. */
  reconfigure(settings: JournalSettings): void {
    this.#settings = settings;
    this.#allowance.resize(settings.conversations / this.#o.writers);
    this.#look();
  }

  // What may be asked.

  history(query: HistoryQuery): Promise<HistoryPage> {
    return this.#reading({ rows: [], next: null, looked: 0 }, (tables) => historyPage(tables, query));
  }

  message(id: string, where: HistoryWhere = {}): Promise<HistoryRow | null> {
    return this.#reading(null, (tables) => rowOf(tables, id, where));
  }

  changes(id: string): Promise<Changes | null> {
    return this.#reading(null, (tables) => {
      const value = tables.changes.get(keyOf(id));
      return value === undefined ? null : decodeChanges(id, value);
    });
  }

  conversations(query: ConversationQuery): Promise<ConversationPage> {
    return this.#reading({ lines: [], next: null, looked: 0 }, (tables) => {
      const open = [...this.#recorders.values()].map((r) => r.snapshot()).toReversed();
      return conversationPage(tables, query, open, (session) => this.#pins.has(session));
    });
  }

  async packets(session: string, part?: number, afterN?: number): Promise<readonly PacketRow[] | null> {
    const rows = await this.#reading(null, (tables) =>
      packetsOf(tables, session, part, this.#openPart(session)),
    );
    return rows !== null && afterN !== undefined ? rows.filter(({ n }) => n > afterN) : rows;
  }

  policy(): CapturePolicy {
    return this.capture.policy;
  }

  /** Rejects with RangeError when it is no policy. */
  async setPolicy(policy: CapturePolicy): Promise<void> {
    const checked = readPolicy(policy);
    if (typeof checked === 'string') throw new RangeError(checked);
    this.#handInRipe();
    this.#capture = captureOf(checked);
    if (this.#tables) await storePolicy(this.#tables, checked, this.#settings.policy);
    this.#o.notices('journal.policy', { mode: checked.mode, body: checked.body });
  }

  pin(session: string, pinned: boolean): Promise<boolean> {
    return this.#reading(false, async (tables) => {
      if (pinned && !(await this.#mayPin(tables, session))) return false;
      if (pinned) await tables.batch(() => void tables.meta.put(pinKey(session), Buffer.alloc(0)));
      else await unpin(tables, session);
      this.#look();
      return true;
    });
  }

  figures(): JournalFigures {
    const droppedBytes = this.#lost + (this.#gather?.lostBytes ?? 0);
    const capacity = this.#settings.conversations;
    const none = { rows: 0, sessions: 0, bytes: 0, capacity, droppedBytes };
    return this.#guarded(none, (open) => {
      open.freshen();
      const bytes = bytesOf(open.lines) + bytesOf(open.packets);
      return { ...none, rows: countOf(open.rows), sessions: this.#parts.of(open.lines), bytes };
    });
  }

  watch(listener: (what: JournalNews) => void): () => void {
    return this.#news.listen(listener);
  }

  /** Writes everything that waits. */
  async flush(): Promise<void> {
    await this.#write(true);
  }

  /** Writes what is left and closes the environment. Recorders that are still open are closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    for (const recorder of this.#recorders.values()) recorder.close();
    this.#closed = true;
    for (const cancel of [this.#timer, this.#pruner]) cancel?.();
    this.#news.stop();
    await this.#write(true);
    const tables = this.#tables;
    this.#tables = null;
    await tables?.leave();
  }

  #soon(): void {
    this.#news.happened();
    if (this.#closed || this.#gather === null) return;
    if (this.#timer === null) this.#writeIn(this.#news.wanted ? LOOK_EVERY : UNWATCHED);
    else if (this.#gather.isMuch && !this.#hurries) {
      this.#hurries = true;
      this.#timer();
      this.#writeIn(0);
    }
  }

  #writeIn(ms: number): void {
    this.#timer = this.#o.clock.after(ms, () => {
      this.#timer = null;
      this.#hurries = false;
      void this.#write(false).then(() => {
        if (!this.#gather!.empty) this.#soon();
      });
    });
  }

  async #write(all: boolean): Promise<void> {
    if (this.#gather === null || this.#tables === null) return;
    this.#handInRipe();
    const written = await this.#gather.write(all);
    if (written.ids.length + written.parts + written.changes === 0) return;
    this.#news.tell(written.ids, written.parts > 0);
    await this.#pruneNow();
  }

  #handInRipe(): void {
    for (const recorder of this.#ripe) if (recorder.isRipe) recorder.handIn();
    this.#ripe.clear();
  }

  #openPart(session: string): OpenPart | null {
    const recorder = this.#recorders.get(session);
    return recorder ? { line: recorder.snapshot(), recording: Buffer.from(recorder.recording) } : null;
  }

  async #mayPin(tables: Tables, session: string): Promise<boolean> {
    if (this.#pins.size >= MAX_PINS || !hasRoomForPinned(tables, this.#settings.conversations)) return false;
    return this.#recorders.has(session) || knowsSession(tables, session);
  }

  /** Policy and pins as any process has set them. */
  #look(): void {
    this.#lookedAt = this.#o.clock.elapsed();
    this.#guarded(undefined, (tables) => {
      tables.freshen();
      this.#pins = new Set(pinsOf(tables));
      const wanted = storedPolicy(tables, this.#settings.policy) ?? this.#settings.policy;
      if (JSON.stringify(wanted) !== JSON.stringify(this.#capture.policy)) this.#capture = captureOf(wanted);
    });
  }

  #prune(): void {
    this.#pruner = this.#o.clock.after(PRUNE, () => {
      this.#gather?.trim();
      void this.#pruneNow().then(() => this.#closed || this.#prune());
    });
  }

  async #pruneNow(): Promise<void> {
    try {
      for (;;) {
        const tables = this.#tables;
        if (tables === null || !(await prune(tables, this.#settings, this.#o.clock.now()))) return;
      }
    } catch (error) {
      this.#broken(error);
    }
  }

  async #reading<T>(otherwise: T, read: (tables: Tables) => T | Promise<T>): Promise<T> {
    await this.#write(true);
    const tables = this.#tables;
    if (tables === null) return otherwise;
    try {
      tables.freshen();
      return await read(tables);
    } catch (error) {
      this.#broken(error);
      return otherwise;
    }
  }

  #guarded<T>(otherwise: T, read: (tables: Tables) => T): T {
    if (this.#tables === null) return otherwise;
    try {
      return read(this.#tables);
    } catch (error) {
      this.#broken(error);
      return otherwise;
    }
  }

  /** Damage ends the journal until the next start, which sets it aside. */
  #broken(error: unknown): void {
    const tables = this.#tables;
    if (tables === null || !isDamage(error)) return;
    this.#tables = null;
    this.#o.damaged();
    this.#o.notices('journal.unusable', { error: error instanceof Error ? error.message : String(error) });
    void tables.leave();
  }
}
