/**
 * One message in the history: who sent it to whom, what each filter said, what the client heard, what became of it.
 *
 * Plain data. All text is readable (UTF-8) and bounded; times are milliseconds since 1970, durations milliseconds.
 */

/** What became of a transaction at the door. */
export type MessageOutcome =
  'accepted' | 'held' | 'discarded' | 'rejected' | 'tempfailed' | 'passed' | 'aborted';

/** Every outcome there is, for whoever lists or checks them. */
export const OUTCOMES: readonly MessageOutcome[] = [
  'accepted',
  'held',
  'discarded',
  'rejected',
  'tempfailed',
  'passed',
  'aborted',
];

/** What became of a recipient after the message was ours. `released`: let out of the quarantine, under this or another queue id. */
export type DeliveryState =
  | 'queued'
  | 'held'
  | 'delivered'
  | 'deferred'
  | 'failed'
  | 'expired'
  | 'released'
  | 'deleted'
  | 'bounced'
  | 'redirected';

/** What one filter did with a message. */
export interface FilterAnswer {
  readonly name: string;
  /** Its last word: `continue`, `accept`, `reject`, `tempfail`, `discard`, `replycode`, …, or `failed`. */
  readonly verdict: string;
  /** How long was waited for it. */
  readonly ms: number;
  /** Names of the edits it made, in its order: `addHeader`, `changeHeader`, `replaceBody`, … */
  readonly edits: readonly string[];
  /** Why it failed, ''. */
  readonly error: string;
}

/** One recipient on its way out. */
export interface DeliveryLine {
  readonly recipient: string;
  readonly state: DeliveryState;
  readonly at: number;
  /** The last answer, '' when nobody was asked yet. */
  readonly reply: string;
  /** Who gave it: the next hop, ''. */
  readonly hop: string;
  readonly attempts: number;
}

/** One message (transaction), whatever became of it. */
export interface HistoryRow {
  /** Queue id, known from MAIL on: 16 characters of [0-9a-z], sorts by time. */
  readonly id: string;
  /** SMTP session id, and the number of the transaction in it: the part of the conversation. */
  readonly session: string;
  readonly part: number;
  /** When MAIL came. */
  readonly at: number;
  readonly listener: string;
  readonly client: string;
  readonly clientName: string;
  readonly helo: string;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, ''. */
  readonly tls: string;
  readonly user: string;
  readonly from: string;
  /**
   * The first MAX_NAMED of them; `recipients` counts all. The journal is told the first MAX_SEARCHED, so that a search for a
   * recipient finds the others too.
   */
  readonly to: readonly string[];
  readonly recipients: number;
  /** Decoded, at most MAX_SUBJECT characters. */
  readonly subject: string;
  readonly size: number;
  readonly outcome: MessageOutcome;
  /** What the client was told last: `550 5.7.1 Spam`. */
  readonly reply: string;
  /** Who decided: a filter's name, or '' for the gateway. */
  readonly by: string;
  readonly filters: readonly FilterAnswer[];
  /** MAIL to last reply. */
  readonly ms: number;
  /** Final dot to reply; 0 when there was no content. */
  readonly acceptMs: number;
  /** The sum of the waits for filters. */
  readonly filterMs: number;
  /** Before and after are kept: see Changes. */
  readonly changed: boolean;
  /** Of the first MAX_NAMED recipients. */
  readonly delivery: readonly DeliveryLine[];
}

/** Recipients that are named in a row. */
export const MAX_NAMED = 20;
/** Recipients that a search looks at. */
export const MAX_SEARCHED = 1000;
/** Characters of a subject that are kept. */
export const MAX_SUBJECT = 200;
/** Characters of an address, a name or a reply that are kept. */
export const MAX_TEXT = 320;
