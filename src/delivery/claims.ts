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

/** The longest time between two looks, and the wait when something due could not be claimed, in milliseconds. */
const POLL = 5000;
const STUCK = 50;

/** See above. */
export class Claims {
  readonly #options: DeliveryOptions;
  readonly #room: () => number;
  readonly #take: (entry: EntryMeta) => void;
  #looking = false;
  #wanted = false;
  #timer: Cancel | null = null;
  /** When to look next (milliseconds since 1970), as far as is known. */
  #next = Infinity;
  #stopped = false;

  /** `room`: entries that may be claimed now. `take` gets each claimed entry and must not throw. */
  constructor(options: DeliveryOptions, room: () => number, take: (entry: EntryMeta) => void) {
    this.#options = options;
    this.#room = room;
    this.#take = take;
  }

  /** There may be due entries that were not claimed for want of room. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Looks now, or again when a look is under way. */
  wake(): void {
    this.#wanted = true;
    if (!this.#looking && this.#mayClaim()) void this.#look();
  }

  /** An entry went back into the queue and is due at this time. */
  dueAt(time: number): void {
    if (time >= this.#next) return;
    this.#next = time;
    if (!this.#looking) this.#setTimer();
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
        else this.#next = Math.min(this.#next, due > now ? due : now + STUCK);
      } while (this.#mayClaim());
    } catch (cause) {
      notices('delivery.store-trouble', { error: String(cause) });
    }
    this.#looking = false;
    this.#setTimer();
  }

  #setTimer(): void {
    const { clock } = this.#options;
    this.#timer?.();
    if (this.#stopped) return;
    const wait = Math.min(POLL, Math.max(1, this.#next - clock.now()));
    // A wake that finds no room does not look: the entry that makes room does.
    this.#timer = clock.after(wait, () => this.wake());
  }
}
