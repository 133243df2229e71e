/**
 * Held entries do not stay for ever: those held for longer than configured are given up, with a notice to the sender or, when so
 * configured, without one; the log tells of each.
 *
 * Looks through the held entries at the start, when the first of them is due, and at least every hour. A clock that jumps
 * forward ends nobody's time. An entry that an operator changes meanwhile is looked at again the next time. Never rejects.
 */
import type { Cancel, Clock } from '#clock';
import { giveUp } from '#delivery';
import type { Config } from '#gateway/config';
import { status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryMeta, SpoolStore } from '#spool';
import { matching } from './many.ts';
import type { QueueObserver } from './observer.ts';
import { noticeSettings, type NoticeSettings } from './notice.ts';
import type { Trail } from './trail.ts';
import { parseWhere, type Where } from './where.ts';

/** What may change while it runs. */
export interface HeldExpirySettings {
  /** Milliseconds. */
  readonly holdExpire: number;
  readonly holdExpired: 'notify' | 'discard';
  readonly notice: NoticeSettings;
}

/** The settings of a configuration. */
export function heldExpirySettings(config: Config): HeldExpirySettings {
  const { holdExpire, holdExpired } = config.delivery;
  return { holdExpire, holdExpired, notice: noticeSettings(config) };
}

export interface HeldExpiryOptions {
  readonly spool: SpoolStore;
  readonly newId: () => string;
  readonly wake: () => void;
  readonly observer?: QueueObserver;
  /** Keeps who did what. */
  readonly trail: Pick<Trail, 'record'>;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** The longest and the shortest time between two looks, in milliseconds. */
const LONGEST = 3_600_000;
const SHORTEST = 250;
/** Milliseconds after trouble. */
const AGAIN = 60_000;

const HELD = parseWhere(['state=held']) as Where;

/** See above. Looks for the first time at once. */
export class HeldExpiry {
  readonly #o: HeldExpiryOptions;
  #settings: HeldExpirySettings;
  /** The wall clock less the time since the start, as it was then. */
  readonly #offset: number;
  #timer: Cancel | null = null;
  #looking: Promise<void> | null = null;
  #stopped = false;

  constructor(options: HeldExpiryOptions, settings: HeldExpirySettings) {
    this.#o = options;
    this.#settings = settings;
    this.#offset = options.clock.now() - options.clock.elapsed();
    this.#look();
  }

  reconfigure(settings: HeldExpirySettings): void {
    this.#settings = settings;
    this.#look();
  }

  /** Resolves when it has stopped. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.();
    await this.#looking;
  }

  #look(): void {
    if (this.#stopped || this.#looking) return;
    this.#timer?.();
    this.#looking = this.#sweep()
      .catch((error: unknown) => {
        this.#o.notices('queue.sweep-failed', { error: String(error) });
        return AGAIN;
      })
      .then((wait) => {
        this.#looking = null;
        if (this.#stopped) return;
        this.#timer = this.#o.clock.after(Math.min(Math.max(wait, SHORTEST), LONGEST), () => this.#look());
      });
  }

  /** Milliseconds until the next one is due. */
  async #sweep(): Promise<number> {
    const { spool, clock } = this.#o;
    const { holdExpire } = this.#settings;
    let first = holdExpire;
    for await (const page of matching(spool, HELD, clock))
      for (const entry of page) {
        if (this.#stopped) return LONGEST;
        const now = Math.min(clock.now(), clock.elapsed() + this.#offset);
        const left = (entry.hold!.since ?? entry.receivedAt) + holdExpire - now;
        first = Math.min(first, left > 0 ? left : await this.#tryEnd(entry));
      }
    return first;
  }

  /** Ends one; the others do not wait for it when that fails. Milliseconds until it is to be tried again. */
  async #tryEnd(entry: EntryMeta): Promise<number> {
    try {
      await this.#end(entry);
      return LONGEST;
    } catch (error) {
      this.#o.notices('queue.sweep-failed', { id: entry.id, error: String(error) });
      return AGAIN;
    }
  }

  async #end(entry: EntryMeta): Promise<void> {
    const { spool, clock, notices, newId, wake, trail } = this.#o;
    const { holdExpired, notice } = this.#settings;
    const pending = new Set(entry.recipients.flatMap((r, i) => (r.state === 'pending' ? [i] : [])));
    const why = status(451, '4.4.7', 'the message was held and nobody released it in time');
    const given = await giveUp(entry, pending, why, {
      late: true,
      facts: () => ({ id: newId(), now: clock.now(), ...notice }),
      content: () => spool.content(entry.id),
      notices,
    });
    const told = holdExpired === 'notify' ? given.notices : [];
    if (!(await spool.amend(entry, null, told))) return;
    this.#o.observer?.expired(entry.id);
    given.tell(notices, clock.now(), told);
    notices('queue.hold-expired', {
      id: entry.id,
      from: entry.sender,
      to: entry.recipients.map((r) => r.address),
      reason: entry.hold!.reason,
      by: entry.hold!.by,
      notice: told[0]?.meta.id,
    });
    const detail = told.length > 0 ? 'the sender is told' : 'nobody is told';
    await trail.record({ id: entry.id, verb: 'expire', by: 'gateway', result: 'done', detail });
    if (told.length > 0) wake();
  }
}
