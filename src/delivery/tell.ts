/**
 * Which notices a run owes the sender, as entries for the spool: one for everybody lost, one for everybody reached who was asked
 * about (RFC 3461 4.1, 5.2), and once for everybody who still waits when the message is late.
 *
 * Called by run.ts before the result is settled, so that result and notices are recorded in one step. Reads the message only when
 * a notice is due; one that cannot be read does not stop the notice.
 */
import type { EntryContent, EntryMeta, EntryRecipient, NewEntry } from '#spool';
import type { NoticeSink } from '#notices';
import { delayNotice, failureNotice, successNotice, toBeTold, toBeToldOfSuccess } from './dsn.ts';
import type { NoticeFacts } from './dsn.ts';
import type { Conclusion } from './outcome.ts';

/** A notice to be queued, and what it tells of. */
export interface SenderNotice extends NewEntry {
  readonly kind: 'failure' | 'success' | 'delay';
}

/** What it takes to make notices; `facts` makes an id of its own each time. */
export interface Telling {
  readonly facts: () => NoticeFacts;
  readonly content: () => Promise<EntryContent | null>;
  readonly notices: NoticeSink;
}

/** The notices, none most of the time; `waiting`: those to be told late now. Rejects only for a mistake of ours. */
export async function noticesAbout(
  entry: EntryMeta,
  { lost, reached }: Conclusion,
  { facts, content, notices }: Telling,
  waiting: readonly EntryRecipient[] = [],
): Promise<readonly SenderNotice[]> {
  const failed = toBeTold(entry, lost);
  const succeeded = toBeToldOfSuccess(entry, reached);
  if (lost.length > 0 && failed.length === 0)
    notices('delivery.no-notice', { id: entry.id, to: lost.map((r) => r.address) });
  if (failed.length + succeeded.length + waiting.length === 0) return [];
  const original = await content().catch(() => null);
  const made: SenderNotice[] = [];
  if (failed.length > 0)
    made.push({ ...(await failureNotice(entry, failed, original, facts())), kind: 'failure' });
  if (succeeded.length > 0)
    made.push({ ...(await successNotice(entry, succeeded, original, facts())), kind: 'success' });
  if (waiting.length > 0)
    made.push({ ...(await delayNotice(entry, waiting, original, facts())), kind: 'delay' });
  return made;
}
