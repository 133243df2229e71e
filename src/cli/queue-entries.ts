/**
 * Entries of the spool as `queue list` shows them: one JSON object a line, or a table for people. Pure.
 *
 * Fields are documented in QueueLine and only ever added. Addresses are shown as readable text; whatever a stranger may have
 * put into them cannot break a line.
 */
import { isPositive, printable, statusLine, utf8Of } from '#message';
import type { EntryMeta } from '#spool';

/** One line of `millrace queue list --json`. Times are ISO 8601 in UTC. */
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
  /** Why it is held, and who wanted that; null when it is not. */
  readonly hold: { readonly reason: string; readonly by: string } | null;
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
    hold: entry.hold && { reason: utf8Of(entry.hold.reason), by: utf8Of(entry.hold.by) },
  };
}

/** Column titles of the table. */
export const QUEUE_HEADING = row('ID', 'STATE', 'SIZE', 'RECEIVED', 'NEXT', 'TRIES', 'SENDER');

/** The entry for people: one line, one more for each unfinished recipient and for the trouble. */
export function queueText(entry: EntryMeta): string {
  const line = queueLine(entry);
  const next = line.nextAttempt ?? '-';
  const lines = [
    row(
      line.id,
      line.state,
      String(line.size),
      minute(line.receivedAt),
      entry.state === 'leased' ? 'now' : minute(next),
      String(line.attempts),
      line.sender === '' ? '<>' : printable(line.sender, 254),
    ),
  ];
  if (line.hold)
    lines.push(`    held by ${printable(line.hold.by, 64)}: ${printable(line.hold.reason, 200)}`);
  for (const r of line.recipients)
    if (r.state === 'pending')
      lines.push(
        `    ${printable(r.address, 254)}${r.lastError ? `  (${printable(r.lastError, 200)})` : ''}`,
      );
  return lines.join('\n');
}

function row(...cells: readonly [string, string, string, string, string, string, string]): string {
  const [id, state, size, received, next, tries, sender] = cells;
  return [
    id.padEnd(16),
    state.padEnd(6),
    size.padStart(9),
    received.padEnd(17),
    next.padEnd(17),
    tries.padStart(5),
    sender,
  ].join('  ');
}

/** A time in UTC; numbers that are no time (a damaged record) are shown as the beginning of time. */
function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

function minute(time: string): string {
  return time === '-' ? time : `${time.slice(0, 16)}Z`;
}
