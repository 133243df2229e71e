/**
 * What operators work with, in one hand: the admin API and, through it, the pages and the command line.
 *
 * A gateway has an office where it delivers. Each part is a room of its own that says in its file what it promises.
 */
import type { JournalReader } from '#journal';
import type { Metrics } from './metrics/index.ts';
import type { MilterDesk } from './milters/index.ts';
import type { Desk } from './queue/index.ts';
import type { Readiness } from './ready.ts';
import type { Settings } from './settings/index.ts';
import type { Accounts } from './users/index.ts';

/** See above. */
export interface Office {
  /** The queue and what may be done to it. */
  readonly desk: Desk;
  /** The filters: how they do, what may be done with them, and trying things out. */
  readonly milters: MilterDesk;
  /** What was counted. */
  readonly metrics: Metrics;
  /** Whether mail is taken. */
  readonly ready: () => Promise<Readiness>;
  /** The configuration, and how it is changed. */
  readonly settings: Settings;
  /** Who may sign in with a password. */
  readonly accounts: Accounts;
  /** What happened to mail; null when the journal is off. */
  readonly journal: JournalReader | null;
}
