/** What a delivery agent is: the one who takes a message to one destination. Agents live in agents/, one file each. */
import type { EntryContent, EntryMeta, EntryRecipient } from '#spool';
import type { Status } from '#message';

/** The result for one recipient. Positive = delivered, permanent = failed, everything else = try again. */
export interface Outcome {
  readonly address: string;
  readonly status: Status;
}

/** One try at one destination for recipients that share a route. */
export interface Attempt {
  readonly entry: EntryMeta;
  readonly recipients: readonly EntryRecipient[];
  /** Opens the bytes; may be called more than once. */
  content(): Promise<EntryContent>;
  readonly signal: AbortSignal;
}

/** Takes messages to a destination. Expected trouble is an Outcome; only a bug throws. */
export interface Agent {
  /** One outcome per recipient of the attempt. */
  deliver(attempt: Attempt): Promise<readonly Outcome[]>;
  /** Lets go of connections. */
  close(): Promise<void>;
}
