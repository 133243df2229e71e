/**
 * Who listens in on the filters of one SMTP connection: their packets, how they fail, what is ruled, what they change.
 *
 * Called synchronously on the way of the mail; must not throw. With no observer none of this costs anything.
 */
import type { EditableMessage } from '#edits';
import type { MilterObserver } from '#milter/client';
import type { Edit } from '#milter/protocol';
import type { Ruling } from './ruling.ts';

/** One filter's changes of a message. */
export interface FilterChange {
  readonly filter: string;
  readonly edits: readonly Edit[];
  /** The message as this filter left it. */
  readonly after: EditableMessage;
}

/** Hears the filters of one connection. */
export interface ChainObserver {
  /** Who hears this filter's packets. */
  packets(filter: string): MilterObserver | null;
  /** A filter could not be used. */
  failed(filter: string, why: string): void;
  /** The filters' answers came to something else than going on. */
  ruled(stage: string, ruling: Ruling): void;
  /**
   * Filters changed a message: as it came, and after each, in configured order. `begin`: the first bytes of its body as it came,
   * MAX_BEGIN of them, for a body that is not in memory.
   */
  changed(received: EditableMessage, begin: readonly Uint8Array[], changes: readonly FilterChange[]): void;
}

/** Bytes of a body that are remembered for `changed`. */
export const MAX_BEGIN = 256 * 1024;

/** What one filter did with the open message. */
export interface FilterRecord {
  readonly name: string;
  readonly verdict: string;
  /** Milliseconds it was waited for. */
  readonly ms: number;
  /** Names of the edits it made, in its order. */
  readonly edits: readonly string[];
  /** Why it failed, ''. */
  readonly error: string;
}
