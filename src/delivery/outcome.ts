/**
 * What an attempt means for the entry: which recipients are finished, which are tried again, which have run out of time.
 *
 * A 2yz is delivered, a 5yz has failed, everything else is tried again until the entry expires (message/status). Pure.
 */
import { isPermanent, isPositive, status, statusLine } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryMeta, EntryRecipient } from '#spool';
import type { Outcome } from './agent.ts';
import type { RemovalReason } from './meter.ts';
import type { DeliveryObserver } from './observer.ts';
import type { Told } from './report.ts';

/** The longest status text that is kept in the spool, in characters. */
export const MAX_KEPT_TEXT = 512;

/** The answer about one recipient. */
export type Answer = Pick<Outcome, 'status' | 'success' | 'unreached'>;

/** The answer about one recipient, or null when it was not tried. */
export type Result = Answer | null;

/** An entry after a run. */
export interface Conclusion {
  /** Every recipient as it stands now. */
  readonly recipients: readonly EntryRecipient[];
  /** Those that failed or expired in this run: a notice is due about them. */
  readonly lost: readonly EntryRecipient[];
  /** Those that were taken in this run and that nobody else will report. */
  readonly reached: readonly Told[];
  /** Some recipient is to be tried again. */
  readonly pending: boolean;
  /** The most attempts of a pending recipient that was tried in this run; 0 when none was. */
  readonly attempts: number;
}

/** `results` by recipient index; undefined or null for those that were not tried. `expired`: the entry's time is over. */
export function conclude(
  entry: EntryMeta,
  results: readonly (Result | undefined)[],
  expired: boolean,
): Conclusion {
  const lost: EntryRecipient[] = [];
  const reached: Told[] = [];
  let pending = false;
  let most = 0;
  const recipients = entry.recipients.map((r, i): EntryRecipient => {
    if (r.state !== 'pending') return r;
    const answer = results[i];
    if (!answer) {
      pending = true;
      return r;
    }
    const { status: said, success } = answer;
    const attempts = r.attempts + 1;
    const after = { ...r, attempts, lastStatus: cut(said) };
    if (isPositive(said)) {
      const taken: EntryRecipient = { ...after, state: 'delivered' };
      if (success) reached.push({ ...taken, action: success });
      return taken;
    }
    if (isPermanent(said) || expired) {
      const gone: EntryRecipient = { ...after, state: isPermanent(said) ? 'failed' : 'expired' };
      lost.push(gone);
      return gone;
    }
    pending = true;
    most = Math.max(most, attempts);
    return after;
  });
  return { recipients, lost, reached, pending, attempts: most };
}

function cut(s: Status): Status {
  return s.text.length <= MAX_KEPT_TEXT
    ? s
    : status(s.code, s.enhanced, s.text.slice(0, MAX_KEPT_TEXT), s.by);
}

const NOTICE_OF = {
  delivered: 'delivery.delivered',
  pending: 'delivery.deferred',
  failed: 'delivery.failed',
  expired: 'delivery.expired',
} as const;

/** One notice for each recipient that was tried. `next` is when those that are left will be tried again. */
export function tellOutcomes(
  entry: EntryMeta,
  conclusion: Conclusion,
  now: number,
  next: number | null,
  notices: NoticeSink,
  observer?: DeliveryObserver,
): void {
  conclusion.recipients.forEach((r, i) => {
    if (r.lastStatus === null || r.attempts === entry.recipients[i]!.attempts) return;
    observer?.outcome(entry, r);
    notices(NOTICE_OF[r.state], {
      id: entry.id,
      from: entry.sender,
      to: r.address,
      status: statusLine(r.lastStatus),
      by: r.lastStatus.by,
      attempts: r.attempts,
      ageMs: now - entry.receivedAt,
      next: r.state === 'pending' && next !== null ? new Date(next).toISOString() : undefined,
    });
  });
}

/** How a finished entry ended: by the worst that became of a recipient. */
export function reasonOf(recipients: readonly EntryRecipient[], discarded: boolean): RemovalReason {
  if (recipients.some((r) => r.state === 'failed')) return 'bounced';
  if (recipients.some((r) => r.state === 'expired')) return 'expired';
  return discarded ? 'discarded' : 'delivered';
}
