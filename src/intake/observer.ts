/** Who hears of each transaction on its way in, whatever becomes of it. Called synchronously; must not throw. */
import type { HeaderField, Origin, Status } from '#message';
import type { ChainObserver, FilterRecord } from '#stages';

/** How a transaction ended. */
export type TransactionOutcome =
  'accepted' | 'held' | 'discarded' | 'rejected' | 'tempfailed' | 'passed' | 'aborted';

/** A transaction that is over. Addresses and names are byte strings. */
export interface TransactionFacts {
  /** Queue id; made for this when it was refused before it had one. */
  readonly id: string;
  readonly origin: Origin;
  /** Wall clock. */
  readonly at: number;
  readonly sender: string;
  /** Those it was queued with; of one that was not, those accepted, or else those named. At most MAX_RECIPIENTS. */
  readonly recipients: readonly string[];
  /** All of them. */
  readonly count: number;
  /** The header as it came; null when none came. */
  readonly fields: readonly HeaderField[] | null;
  readonly size: number;
  readonly outcome: TransactionOutcome;
  /** What the client was told last; null: it went away. */
  readonly reply: Status | null;
  /** Who decided: `milter:NAME`, or whoever is named in the reply. */
  readonly by: string;
  readonly filters: readonly FilterRecord[];
  /** Milliseconds: all of it, and from the final dot to the reply. */
  readonly ms: number;
  readonly acceptMs: number;
}

/** Hears one SMTP connection. */
export interface IntakeObserver extends ChainObserver {
  /** MAIL was accepted. */
  begun(id: string, sender: string): void;
  /** A recipient was named. */
  recipient(address: string): void;
  ended(facts: TransactionFacts): void;
}

/** Recipients told of. */
export const MAX_RECIPIENTS = 1000;
