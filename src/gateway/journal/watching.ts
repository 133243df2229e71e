/** Ties the journal to those who carry the mail: the doors, the way in, the way out, operators' orders. */
import type { Clock } from '#clock';
import type { DeliveryObserver } from '#delivery';
import type { IntakeObserver } from '#intake';
import { shown, type DeliveryState, type Journal } from '#journal';
import { statusLine, type Origin } from '#message';
import type { ObservedSession, SmtpObserver } from '#smtp/server';
import type { QueueObserver } from '../queue/index.ts';
import { SessionWatch, smtpObserver } from './session.ts';

/** Who listens in, where. */
export interface Watching {
  readonly door: (session: ObservedSession) => SmtpObserver | null;
  readonly intake: (origin: Origin) => IntakeObserver | null;
  readonly delivery: DeliveryObserver;
  readonly queue: QueueObserver;
}

/** The journal listens everywhere. */
export function watching(journal: Journal, clock: Clock): Watching {
  const mark = (
    id: string,
    state: DeliveryState,
    recipients: readonly string[] | null,
    reply: string,
  ): void => {
    for (const recipient of recipients ?? [''])
      journal.delivery(id, {
        recipient: shown(recipient),
        state,
        at: clock.now(),
        reply,
        hop: '',
        attempts: 0,
      });
  };
  return {
    door({ session, listener, address }) {
      const recorder = journal.record(session, address, listener);
      return recorder && smtpObserver(recorder);
    },
    intake: ({ session }) => new SessionWatch(journal, journal.recorderOf(session)),
    delivery: {
      outcome(entry, { address, state, lastStatus, attempts }) {
        if (entry.origin.source === 'dsn') return;
        journal.delivery(entry.id, {
          recipient: shown(address),
          state: state === 'pending' ? 'deferred' : state,
          at: clock.now(),
          reply: lastStatus === null ? '' : shown(statusLine(lastStatus)),
          hop: lastStatus === null || lastStatus.by === 'millrace' ? '' : shown(lastStatus.by),
          attempts,
        });
      },
    },
    queue: {
      acted(id, act, as) {
        if (act.verb === 'retry') return;
        if (as !== undefined) journal.goesOn(id, as);
        const reason =
          'reason' in act ? shown(act.reason) : act.verb === 'redirect' ? `to ${shown(act.to)}` : '';
        mark(id, STATES[act.verb], 'recipients' in act ? act.recipients : null, reason);
      },
      expired: (id) => mark(id, 'expired', null, ''),
    },
  };
}

const STATES = {
  hold: 'held',
  release: 'released',
  bounce: 'bounced',
  delete: 'deleted',
  redirect: 'redirected',
} as const satisfies Record<string, DeliveryState>;
