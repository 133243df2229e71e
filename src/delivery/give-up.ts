/**
 * Giving recipients up without another attempt: because an operator says so, or because a held entry has waited too long.
 *
 * Makes what a run of delivery would make of such an answer: recipients that are finished, and the notices that their sender is
 * owed. Records nothing; the caller puts both into the spool in one step. Rejects only for a mistake of ours.
 */
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryMeta, EntryRecipient } from '#spool';
import { conclude, tellOutcomes } from './outcome.ts';
import { noticesAbout, type SenderNotice, type Telling } from './tell.ts';

/** An entry with recipients given up. */
export interface GivenUp {
  /** Every recipient as it stands then, in order. */
  readonly recipients: readonly EntryRecipient[];
  /** Some recipient is still to be delivered to. */
  readonly pending: boolean;
  /** To be committed with it. */
  readonly notices: readonly SenderNotice[];
  /** To be called when it is recorded: the log hears of each recipient and of those notices that were committed with it. */
  readonly tell: (sink: NoticeSink, now: number, committed: readonly SenderNotice[]) => void;
}

/**
 * Gives up the pending recipients that `which` names (by index). `why` is the answer they get; with `late` a temporary one
 * means that their time is over.
 */
export async function giveUp(
  entry: EntryMeta,
  which: ReadonlySet<number>,
  why: Status,
  telling: Telling & { readonly late: boolean },
): Promise<GivenUp> {
  const results = entry.recipients.map((_, i) => (which.has(i) ? { status: why } : null));
  const conclusion = conclude(entry, results, telling.late);
  const made = await noticesAbout(entry, conclusion, telling);
  return {
    recipients: conclusion.recipients,
    pending: conclusion.pending,
    notices: made,
    tell: (sink, now, committed) => {
      tellOutcomes(entry, conclusion, now, null, sink);
      for (const { meta, kind } of committed)
        sink('delivery.notice-made', { id: entry.id, notice: meta.id, kind, to: entry.sender });
    },
  };
}
