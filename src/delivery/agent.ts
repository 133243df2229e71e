/** What a delivery agent is: the one who takes a message to one destination. Agents live in agents/, one file each. */
import type { EntryContent, EntryMeta, EntryRecipient } from '#spool';
import type { Status } from '#message';
import type { BreakOff } from '#smtp/client';

/** The result for one recipient. Positive = delivered, permanent = failed, everything else = try again. */
export interface Outcome {
  readonly address: string;
  readonly status: Status;
  /**
   * What a positive status means to a sender who asked to hear of success: it lies in a mailbox, or a next hop has it that will
   * not report. Absent when the next hop promised to report (DSN), and where there is nothing to report.
   */
  readonly success?: Success;
  /**
   * Set when no host of the destination could be used at all, whatever the message: it is then left alone for a while by all
   * entries.
   */
  readonly unreached?: true;
}

/** Actions of RFC 3464 2.3.3 that are ours to report. */
export type Success = 'delivered' | 'relayed';

/** One try at one destination for recipients that share a route. */
export interface Attempt {
  readonly entry: EntryMeta;
  readonly recipients: readonly EntryRecipient[];
  /** Opens the bytes; may be called more than once. */
  content(): Promise<EntryContent>;
  readonly signal: BreakOff;
}

/** Takes messages to a destination. Expected trouble is an Outcome; only a bug throws. */
export interface Agent {
  /** One outcome per recipient of the attempt. */
  deliver(attempt: Attempt): Promise<readonly Outcome[]>;
  /** Lets go of connections. */
  close(): Promise<void>;
}
