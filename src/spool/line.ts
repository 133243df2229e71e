/**
 * An entry as machines are shown it: one flat JSON object, the same on the command line and in the HTTP API. Pure.
 *
 * Fields are documented here and only ever added. Addresses and texts are byte strings inside and readable text here; whoever
 * shows them to people neutralises them.
 */
import { isPositive, statusLine, utf8Of } from '#message';
import type { EntryMeta } from './store.ts';

/** One entry. Times are ISO 8601 in UTC. */
export interface QueueLine {
  readonly id: string;
  /** `queued` (waits for `nextAttempt`), `leased` (being delivered), `held`. */
  readonly state: string;
  readonly receivedAt: string;
  /** Bytes of header and body. */
  readonly size: number;
  /** '' for the null sender. */
  readonly sender: string;
  readonly recipients: readonly {
    readonly address: string;
    readonly state: string;
    readonly attempts: number;
    /** What the last attempt was answered; '' when it was good or never made. */
    readonly lastError: string;
  }[];
  /** Delivery runs so far. */
  readonly attempts: number;
  /** When it is tried next; null while held. */
  readonly nextAttempt: string | null;
  readonly expiresAt: string;
  /** The last trouble of a recipient that is still to be delivered; '' when there was none. */
  readonly lastError: string;
  /** Why it is held, who wanted that, and since when; null when it is not. */
  readonly hold: { readonly reason: string; readonly by: string; readonly since: string } | null;
}

/** The entry for machines. */
export function queueLine(entry: EntryMeta): QueueLine {
  const recipients = entry.recipients.map((r) => ({
    address: utf8Of(r.address),
    state: r.state,
    attempts: r.attempts,
    lastError: r.lastStatus && !isPositive(r.lastStatus) ? utf8Of(statusLine(r.lastStatus)) : '',
  }));
  const waiting = recipients.filter((r) => r.state === 'pending' && r.lastError !== '');
  const { hold } = entry;
  return {
    id: entry.id,
    state: entry.state,
    receivedAt: iso(entry.receivedAt),
    size: entry.size,
    sender: utf8Of(entry.sender),
    recipients,
    attempts: entry.attempts,
    nextAttempt: entry.state === 'held' ? null : iso(entry.due),
    expiresAt: iso(entry.expiresAt),
    lastError: waiting.at(-1)?.lastError ?? '',
    hold: hold && {
      reason: utf8Of(hold.reason),
      by: utf8Of(hold.by),
      since: iso(hold.since ?? entry.receivedAt),
    },
  };
}

/** A time in UTC; numbers that are no time (a damaged record) are shown as the beginning of time. */
function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
