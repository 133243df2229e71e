/**
 * A running delivery: takes entries from the queue and from the accepting side, bounds how many are held, ends in good order.
 *
 * What happens to an entry is in run.ts; looking for due ones in claims.ts. Holds at most a few times as many entries as may
 * be attempted at once, and no more bodies than that. Never throws after the start.
 */
import { makeQueueId } from '#spool';
import type { EntryContent, EntryMeta } from '#spool';
import { BackOff } from './back-off.ts';
import type { Troubled } from './back-off.ts';
import { Claims } from './claims.ts';
import { Holding } from './holding.ts';
import type { Held } from './holding.ts';
import { Lanes } from './lanes.ts';
import type { Delivery, DeliveryOptions, DeliverySettings } from './options.ts';
import { Rates } from './rates.ts';
import { putBack, run } from './run.ts';
import type { House } from './house.ts';
import { expiryTime } from './schedule.ts';
import { SetBack } from './set-back.ts';
import { SettingsInUse } from './settings-in-use.ts';
import { Suspensions } from './suspensions.ts';

/** Entries handed over in memory may wait here: this many times the number of attempts at one time. */
const ROOM = 4;
/** The queue is looked at again when this part of the places is free. */
const REFILL = 8;
/** Attempts that were broken off have this long to end. Milliseconds. */
const AFTER_ABORT = 2000;

/** Starts to deliver. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const delivery = new RunningDelivery(options);
  delivery.wake();
  return delivery;
}

class RunningDelivery implements Delivery, House {
  readonly options: DeliveryOptions;
  readonly holding: Holding;
  readonly lanes: Lanes;
  readonly rates: Rates;
  readonly backOff: BackOff;
  readonly suspensions: Suspensions;
  readonly newId: () => string;
  readonly expiryNow: () => number;
  stopping = false;
  readonly #claims: Claims;
  readonly #settings: SettingsInUse;

  constructor(options: DeliveryOptions) {
    this.options = options;
    this.holding = new Holding(options);
    this.lanes = new Lanes(options.concurrency, options.clock);
    this.rates = new Rates(options.clock);
    this.newId = options.newId ?? makeQueueId(options.clock);
    this.expiryNow = expiryTime(options.clock);
    this.backOff = new BackOff({ ...options, expiryNow: this.expiryNow });
    this.suspensions = options.suspensions ?? new Suspensions({ ...options, file: '' });
    this.#settings = new SettingsInUse(options);
    const room = (): number => this.#total - this.inFlight;
    const setBack = new SetBack(options, () => this.#settings.current.retry);
    const take = (entry: EntryMeta): void => this.#begin(entry, null, !this.stopping);
    this.#claims = new Claims(options, room, take, async () => {
      await this.suspensions.refresh();
      await setBack.mend();
    });
  }

  get inFlight(): number {
    return this.holding.size;
  }

  get #total(): number {
    return this.#settings.current.concurrency.total;
  }

  forgive(): void {
    this.backOff.forgive();
  }

  get troubled(): readonly Troubled[] {
    return this.backOff.list();
  }

  wake(): void {
    this.#claims.wake();
  }

  dueAt(time: number): void {
    this.#claims.dueAt(time);
  }

  hasRoom(): boolean {
    return !this.stopping && this.inFlight < ROOM * this.#total;
  }

  offer(entry: EntryMeta, content: EntryContent): boolean {
    if (entry.lease?.owner !== this.options.owner) return false;
    const room = this.hasRoom();
    // Those that will have to wait are read again when their turn comes: only as many bodies as attempts stay in memory.
    this.#begin(entry, this.inFlight < this.#total ? content : null, room);
    return room;
  }

  reconfigure(settings: DeliverySettings): void {
    this.#settings.replace(settings);
    this.lanes.reconfigure(settings.concurrency);
    this.wake();
  }

  async stop(graceMs = 10_000): Promise<void> {
    this.stopping = true;
    this.#claims.stop();
    this.lanes.close();
    await this.holding.emptied(graceMs);
    this.holding.abortAll();
    await this.holding.emptied(AFTER_ABORT);
    await this.#settings.closeAll();
  }

  /** An entry leased to us: under way from here on, or put back when there is no place for it. */
  #begin(entry: EntryMeta, content: EntryContent | null, room: boolean): void {
    const held = entry.lease && this.holding.take(entry, entry.lease, content);
    if (held) void (room ? this.#deliver(held) : putBack(this, held));
  }

  async #deliver(held: Held): Promise<void> {
    const settings = this.#settings.enter();
    await run(this, held, settings);
    this.#settings.leave(settings);
    // A look costs a write: it is best made for several entries at once.
    this.#claims.roomMade((this.#total - this.inFlight) * REFILL >= this.#total);
  }
}
