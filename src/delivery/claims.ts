/**
 * Looks for entries that are due and claims as many as there is room for: when woken, when the next one is due, and every few
 * seconds whatever happens, since other processes commit to the same spool.
 *
 * One look at a time. Trouble of the spool is noticed and tried again at the next look. Never rejects, never loops tightly.
 */
import type { Cancel } from '#clock';
import type { EntryMeta } from '#spool';
import { LEASE_MS } from './options.ts';
import type { DeliveryOptions } from './options.ts';

/** The longest time between two looks, and the wait when something due could not be claimed at once, in milliseconds. */
const POLL = 5000;
const SOON = 50;

/** See above. */
export class Claims {
  readonly #options: DeliveryOptions;
  readonly #room: () => number;
  readonly #take: (entry: EntryMeta) => void;
  readonly #before: () => Promise<void>;
  #looking = false;
  #wanted = false;
  #timer: Cancel | null = null;
  /** When to look next (milliseconds since 1970), as far as is known. */
  #next = Infinity;
  #stopped = false;

  /** `room`: entries that may be claimed now. `take` gets each claimed entry and must not throw. `before`: done before a look. */
  constructor(
    options: DeliveryOptions,
    room: () => number,
    take: (entry: EntryMeta) => void,
    before: () => Promise<void>,
  ) {
    this.#options = options;
    this.#room = room;
    this.#take = take;
    this.#before = before;
  }

  /** Looks now, or again when a look is under way. */
  wake(): void {
    this.#wanted = true;
    if (this.#looking || this.#stopped) return;
    if (this.#mayClaim()) void this.#look();
    else if (this.#timer === null) this.#setTimer(POLL); // no room: the entries that end wake us too
  }

  /** An entry went back into the queue and is due at this time. */
  dueAt(time: number): void {
    if (time >= this.#next) return;
    this.#next = time;
    if (!this.#looking) this.#setTimer(time - this.#options.clock.now());
  }

  /** Room was made while something was wanted: looks now when that is worth it, else very soon. */
  roomMade(worthIt: boolean): void {
    if (!this.#wanted) return;
    if (worthIt) this.wake();
    else this.dueAt(this.#options.clock.now() + SOON);
  }

  #mayClaim(): boolean {
    return this.#wanted && !this.#stopped && this.#room() > 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
  }

  async #look(): Promise<void> {
    const { spool, owner, clock, notices, leaseMs = LEASE_MS } = this.#options;
    this.#looking = true;
    this.#timer?.();
    this.#next = Infinity;
    let looked = -Infinity;
    try {
      await this.#before();
      do {
        while (this.#mayClaim()) {
          this.#wanted = false;
          const room = this.#room();
          looked = clock.now();
          const entries = await spool.claim(owner, looked, leaseMs, room);
          for (const entry of entries) this.#take(entry);
          if (entries.length === room) this.#wanted = true;
        }
        const due = this.#stopped ? null : await spool.nextDue();
        if (due === null) continue;
        const now = clock.now();
        if (due > looked && due <= now) this.#wanted = true;
        else this.#next = Math.min(this.#next, due > now ? due : now + SOON);
      } while (this.#mayClaim());
    } catch (cause) {
      notices('delivery.store-trouble', { error: String(cause) });
    }
    this.#looking = false;
    this.#setTimer(this.#next - clock.now());
  }

  #setTimer(ms: number): void {
    this.#timer?.();
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(Math.min(POLL, Math.max(1, ms)), () => {
      this.#timer = null;
      this.#next = Infinity;
      this.wake();
    });
  }
}
