/**
 * What is new since the last look, for streams of events: rows of the history, parts of conversations, packets of one conversation.
 *
 * Each tail remembers a place or a bounded number of parts, never rows. When more is new than may be sent, the reader is told how
 * many were left out. Reads are bounded, so a reader of a busy gateway costs it no more than one of a calm one.
 */
import type {
  ConversationLine,
  ConversationWhere,
  HistoryRow,
  HistoryWhere,
  JournalReader,
  PacketRow,
} from '#journal';
import type { EventStream } from './streams.ts';

/** Parts read at once to find out what is new. */
const LOOK = 120;
/** Messages that are looked at in one step, and that may wait to be. */
const MESSAGES = 400;
const MAX_WAITING = 1000;
/** Parts that are remembered, to tell what changed of them. */
const MAX_REMEMBERED = 500;
/** Packets sent in one go. */
const PACKETS = 200;

/** Something that sends what is new. */
export interface Tail {
  step(stream: EventStream): Promise<void>;
}

/** Where a reader of the history was: when the last message it heard of had ended, and which one that was. */
export interface HistoryPlace {
  readonly end: number;
  readonly id: string;
}

const endOf = (row: HistoryRow): number => Math.floor(row.at + row.ms);

/** Messages when their transaction ends, and again when something becomes of them. */
export class HistoryTail implements Tail {
  readonly #journal: JournalReader;
  readonly #where: HistoryWhere;
  readonly #waiting = new Set<string>();
  #lost = 0;
  #place: HistoryPlace = { end: 0, id: '' };

  constructor(journal: JournalReader, where: HistoryWhere) {
    this.#journal = journal;
    this.#where = where;
  }

  /** Those that have ended since a place count as news. */
  async resume(place: HistoryPlace): Promise<void> {
    this.#place = place;
    const { rows } = await this.#journal.history({ where: {}, limit: MESSAGES });
    const missed = rows.filter((row) => endOf(row) >= place.end && row.id !== place.id);
    if (missed.length === rows.length && rows.length === MESSAGES) this.#lost++;
    this.news(missed.toSorted((a, b) => endOf(a) - endOf(b)).map(({ id }) => id));
  }

  /** Messages that are new or have changed. */
  news(ids: readonly string[]): void {
    for (const id of ids) this.#waiting.add(id);
    for (const id of this.#waiting) {
      if (this.#waiting.size <= MAX_WAITING) break;
      this.#waiting.delete(id);
      this.#lost++;
    }
  }

  async step(stream: EventStream): Promise<void> {
    let looked = 0;
    for (const id of this.#waiting) {
      if (stream.ended || stream.allowance() === 0 || looked++ === MESSAGES) break;
      this.#waiting.delete(id);
      const row = await this.#journal.message(id, this.#where);
      if (!row) continue;
      if (endOf(row) > this.#place.end) this.#place = { end: endOf(row), id };
      stream.spend(1);
      await stream.send('history', row, this.#cursor());
    }
    const more = this.#waiting.size + this.#lost;
    if (more === 0 || stream.ended) return;
    // What cannot be sent now is passed over as a whole: a reader that falls behind would never catch up.
    const told = { topic: 'history', n: more };
    this.#waiting.clear();
    this.#lost = 0;
    await stream.send('more', told, this.#cursor());
  }

  #cursor(): string {
    return `${this.#place.end}-${this.#place.id}`;
  }
}

/** Parts of conversations that began or changed. */
export class ConversationTail implements Tail {
  readonly #journal: JournalReader;
  readonly #where: ConversationWhere;
  readonly #seen = new Map<string, string>();

  constructor(journal: JournalReader, where: ConversationWhere) {
    this.#journal = journal;
    this.#where = where;
  }

  /** What is there already is not new. */
  async begin(): Promise<void> {
    for (const line of await this.#look()) this.#isNew(line);
  }

  async step(stream: EventStream): Promise<void> {
    const looked = await this.#look();
    const fresh = looked.toReversed().filter((line) => this.#isNew(line));
    const sent = fresh.slice(0, stream.allowance());
    for (const line of sent) {
      if (stream.ended) return;
      await stream.send('conversations', line);
    }
    stream.spend(sent.length);
    const more = fresh.length - sent.length;
    if (more > 0) await stream.send('more', { topic: 'conversations', n: more });
  }

  /** Those that fit among the newest: they may be rare, and looking for more of them long. */
  async #look(): Promise<readonly ConversationLine[]> {
    return (await this.#journal.conversations({ where: this.#where, limit: LOOK, look: LOOK })).lines;
  }

  #isNew(line: ConversationLine): boolean {
    const key = `${line.session} ${line.part}`;
    const state = `${line.packets} ${line.open} ${line.outcome} ${line.id} ${line.pinned}`;
    if (this.#seen.get(key) === state) return false;
    this.#seen.delete(key);
    this.#seen.set(key, state);
    if (this.#seen.size > MAX_REMEMBERED) {
      const [oldest] = this.#seen.keys();
      this.#seen.delete(oldest!);
    }
    return true;
  }
}

/** Where a reader of packets is. */
export interface PacketPlace {
  readonly part: number;
  readonly n: number;
}

/** Milliseconds without a packet after which a connection without a farewell counts as gone. */
export const CONVERSATION_IDLE = 300_000;

/** Packets of one conversation, part by part. */
export class PacketTail {
  readonly #journal: JournalReader;
  readonly #session: string;
  readonly #shown: (row: PacketRow) => PacketRow;
  #place: PacketPlace;
  #saidGoodbye = false;

  constructor(
    journal: JournalReader,
    session: string,
    place: PacketPlace,
    shown: (row: PacketRow) => PacketRow,
  ) {
    this.#journal = journal;
    this.#session = session;
    this.#place = place;
    this.#shown = shown;
  }

  /**
   * Sends what is new; true when everything there will ever be was sent. Pokes when there is more at once. `now`: milliseconds
   * since 1970.
   */
  async advance(stream: EventStream, now: number): Promise<boolean> {
    const open = await this.#lines(true);
    // Parts that are over are listed once nothing is open: while one is, those before it are known by their numbers.
    const lines = open.length > 0 ? open : await this.#lines(false);
    const last = Math.max(this.#place.part, ...lines.map(({ part }) => part));
    for (let part = this.#place.part; part <= last; part++)
      if (!(await this.#sendPart(stream, part))) return stream.ended;
    if (this.#saidGoodbye) return true;
    const end = Math.max(0, ...lines.map(({ at, ms }) => at + ms));
    return open.length === 0 && now - end > CONVERSATION_IDLE;
  }

  /** False when there is more, or the stream has ended. */
  async #sendPart(stream: EventStream, part: number): Promise<boolean> {
    const n = part === this.#place.part ? this.#place.n : 0;
    const rows = (await this.#journal.packets(this.#session, part, n)) ?? [];
    for (const row of rows.slice(0, PACKETS)) {
      if (stream.ended) return false;
      await stream.send('packet', this.#shown(row), `${row.part}.${row.n}`);
      this.#place = { part: row.part, n: row.n };
      if (isGoodbye(row)) this.#saidGoodbye = true;
    }
    if (rows.length > PACKETS) stream.poke();
    return rows.length <= PACKETS;
  }

  async #lines(open: boolean): Promise<readonly ConversationLine[]> {
    const where = { session: this.#session, ...(open && { open }) };
    const { lines } = await this.#journal.conversations({ where, limit: MAX_REMEMBERED });
    return lines.filter((line) => line.session === this.#session);
  }
}

/** Our last word on a connection (RFC 5321 3.8, 4.2.1). */
export const isGoodbye = ({ kind, direction, code }: PacketRow): boolean =>
  kind === 'smtp' && direction === 'sent' && (code === '221' || code === '421');
