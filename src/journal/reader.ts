/** What may be asked of the journal. Implemented by journal.ts; the admin API and the pages are built on it. */
import type { Changes } from './changes.ts';
import type { ConversationLine, PacketRow } from './conversation.ts';
import type { CapturePolicy } from './policy.ts';
import type { HistoryRow } from './row.ts';

/**
 * Conditions on a message; all that are given must hold. Text: any case, `*` stands for any characters, else the whole value.
 * Times are milliseconds since 1970.
 */
export interface HistoryWhere {
  readonly from?: string;
  /** Any recipient; of very many the first MAX_SEARCHED. */
  readonly rcpt?: string;
  /** An address, a pattern, or a network (`192.0.2.0/24`). */
  readonly client?: string;
  readonly listener?: string;
  readonly user?: string;
  /** A filter that was asked. */
  readonly milter?: string;
  /** What any filter said; with `milter`, what that one said. */
  readonly verdict?: string;
  readonly outcome?: string;
  readonly subject?: string;
  readonly id?: string;
  readonly session?: string;
  /** A recipient is in this state of delivery. */
  readonly state?: string;
  /** Every word of it is somewhere in the row. */
  readonly q?: string;
  readonly since?: number;
  readonly until?: number;
  /** Took at least so many milliseconds from MAIL to the last reply. */
  readonly slower?: number;
}

/** A page of the history, newest first; with `after`, oldest first. */
export interface HistoryQuery {
  readonly where: HistoryWhere;
  /** Only rows older than this id. */
  readonly before?: string;
  /** Only rows newer than this id, oldest first. A row is written when its transaction ends, so a tail needs `watch` too. */
  readonly after?: string;
  readonly limit: number;
}

/** `next`: what to go on with (`before`, or `after` when that was asked); null at the end. `looked`: rows looked at. */
export interface HistoryPage {
  readonly rows: readonly HistoryRow[];
  readonly next: string | null;
  readonly looked: number;
}

/** Conditions on a part of a conversation; as HistoryWhere. */
export interface ConversationWhere {
  readonly client?: string;
  readonly listener?: string;
  readonly milter?: string;
  readonly from?: string;
  /** Any recipient named, refused ones too. */
  readonly rcpt?: string;
  readonly session?: string;
  readonly id?: string;
  readonly outcome?: string;
  readonly errors?: boolean;
  readonly open?: boolean;
  readonly pinned?: boolean;
  readonly since?: number;
  readonly until?: number;
  readonly slower?: number;
}

/** A page of conversations, newest first. */
export interface ConversationQuery {
  readonly where: ConversationWhere;
  /** Only lines older than this cursor. */
  readonly before?: string;
  readonly limit: number;
  /** Most lines looked at of parts that are over; a bound of its own holds anyway. */
  readonly look?: number;
}

/** As HistoryPage. */
export interface ConversationPage {
  readonly lines: readonly ConversationLine[];
  readonly next: string | null;
  readonly looked: number;
}

/** How much the journal holds. */
export interface JournalFigures {
  readonly rows: number;
  /** Parts of conversations. */
  readonly sessions: number;
  /** Bytes of the ring of conversations, and how many it may have. */
  readonly bytes: number;
  readonly capacity: number;
  /** Bytes that this process did not keep, of packets and bodies, since it started. */
  readonly droppedBytes: number;
}

/** What has come since the last word. */
export interface JournalNews {
  readonly history: boolean;
  readonly conversations: boolean;
  /** Messages whose row is new or has changed; the last thousand. */
  readonly ids: readonly string[];
}

/** Everything that may be asked. Rows of every worker are seen. None rejects for damage: what cannot be read is left out. */
export interface JournalReader {
  history(query: HistoryQuery): Promise<HistoryPage>;
  /** Its row; null: there is none, or not one that is meant by `where`. */
  message(id: string, where?: HistoryWhere): Promise<HistoryRow | null>;
  changes(id: string): Promise<Changes | null>;
  conversations(query: ConversationQuery): Promise<ConversationPage>;
  /** All packets of a session, or of one part, in order; `afterN`: only later ones of that part. null: nothing is kept of it. */
  packets(session: string, part?: number, afterN?: number): Promise<readonly PacketRow[] | null>;
  policy(): CapturePolicy;
  /** For every worker, and over restarts. */
  setPolicy(policy: CapturePolicy): Promise<void>;
  /** A pinned session is not pushed out of the ring. False: nothing is kept of it, or no more can be pinned. */
  pin(session: string, pinned: boolean): Promise<boolean>;
  figures(): JournalFigures;
  /** Calls after rows or packets were written, at most every 250 ms. Returns how to stop. */
  watch(listener: (what: JournalNews) => void): () => void;
}
