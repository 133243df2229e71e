/**
 * The entries this worker holds: their leases kept alive, their results recorded.
 *
 * A lease that is found lost breaks the attempt off. None begins on a lease that is half over before it is renewed: a process that was
 * stopped for a while may find that others have its entries. A result that the spool cannot take now is offered again until it can or
 * the lease is gone: a delivered message must not be sent twice because a disk was full for a minute. Notices that a full disk
 * cannot take are made smaller, so that bounces do not wait for room. A result that the spool
 * refuses as a mistake of ours is not offered again; the entry is let go and comes back when its lease runs out. Never rejects.
 */
import type { NoticeFields, NoticeName } from '#notices';
import { BreakOffSwitch } from '#smtp/client';
import { SpoolError } from '#spool';
import type { EntryContent, EntryMeta, Lease, NewEntry, Settlement } from '#spool';
import { LEASE_MS } from './options.ts';
import type { DeliveryOptions } from './options.ts';

/** An entry held. */
export interface Held {
  readonly entry: EntryMeta;
  lease: Lease;
  /** The bytes, when they were handed over in memory. */
  readonly content: EntryContent | null;
  /** Breaks off what is under way with it. */
  readonly abort: BreakOffSwitch;
}

/** Waits between attempts to record a result, in milliseconds; the last repeats. */
const SETTLE_WAITS = [250, 1000, 5000];

/** See above. */
export class Holding {
  readonly #options: DeliveryOptions;
  readonly #leaseMs: number;
  readonly #held = new Map<string, Held>();
  readonly #emptied: (() => void)[] = [];
  /** A renewal is due to come. */
  #renewing = false;
  /** The one that runs. */
  #renewal: Promise<void> | null = null;
  /** The end of patience with a spool that takes no results: set when everything must end. */
  #hurried = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Takes a leased entry. Null when it is held already: then only its lease is replaced. */
  take(entry: EntryMeta, lease: Lease, content: EntryContent | null): Held | null {
    const before = this.#held.get(entry.id);
    if (before) {
      before.lease = lease;
      return null;
    }
    const held = { entry, lease, content, abort: new BreakOffSwitch() };
    this.#held.set(entry.id, held);
    if (!this.#renewing) this.#renewLater();
    return held;
  }

  /**
   * Records a result and lets the entry go. True when it was recorded. `smaller` makes notices that take the place of `also` when
   * there is no room for those.
   */
  async settle(
    held: Held,
    result: Settlement,
    also: readonly NewEntry[] = [],
    smaller?: () => Promise<readonly NewEntry[]>,
  ): Promise<boolean> {
    const { id } = held.entry;
    let notices = also;
    try {
      for (let n = 0; ; n++) {
        try {
          const kept = await this.#options.spool.settle(id, held.lease, result, notices);
          if (!kept) this.#say('delivery.lease-lost', { id, result: result.kind });
          return kept;
        } catch (cause) {
          if (!(cause instanceof SpoolError)) {
            this.#say('delivery.settle-fault', { id, result: result.kind, error: String(cause) });
            return false;
          }
          this.#say('delivery.store-trouble', { id, error: String(cause) });
          if (this.#hurried) return false;
          if (n === 0 && cause.code === 'full' && smaller && also.length > 0) {
            notices = await smaller();
            continue;
          }
          await this.#pause(SETTLE_WAITS[Math.min(n, SETTLE_WAITS.length - 1)]!);
        }
      }
    } finally {
      this.#held.delete(id);
      if (this.#held.size === 0) for (const go of this.#emptied.splice(0)) go();
    }
  }

  /** Whether an attempt may begin: no when the lease is lost, or over with a spool that cannot say. Waits only for a renewal. */
  mayBegin(held: Held): boolean | Promise<boolean> {
    if (held.abort.aborted) return false;
    return this.#isFresh(held) || this.#renewed(held);
  }

  #isFresh({ lease }: Held): boolean {
    return this.#options.clock.now() < lease.until - this.#leaseMs / 2;
  }

  async #renewed(held: Held): Promise<boolean> {
    // The one that runs may have begun before the process was stopped.
    for (let i = 0; i < 2 && !held.abort.aborted && !this.#isFresh(held); i++) await this.#renew();
    return !held.abort.aborted && this.#options.clock.now() < held.lease.until;
  }

  /** Breaks off everything under way. */
  abortAll(): void {
    this.#hurried = true;
    for (const held of this.#held.values()) held.abort.abort();
  }

  /** Resolves when nothing is held, or after `ms` milliseconds. */
  async emptied(ms: number): Promise<void> {
    if (this.#held.size === 0 || ms <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#emptied.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #renew(): Promise<void> {
    this.#renewal ??= this.#renewAll().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renewAll(): Promise<void> {
    const { spool, owner, clock } = this.#options;
    const until = clock.now() + this.#leaseMs;
    const before = [...this.#held.values()].map((held) => ({ held, token: held.lease.token }));
    try {
      const lost = new Set(await spool.renew(owner, until));
      for (const { held, token } of before)
        if (held.lease.token !== token) continue;
        else if (lost.has(held.entry.id)) held.abort.abort();
        else held.lease = { ...held.lease, until };
    } catch (cause) {
      this.#say('delivery.store-trouble', { error: String(cause) });
    }
    if (!this.#renewing && this.#held.size > 0) this.#renewLater();
  }

  #renewLater(): void {
    this.#renewing = true;
    this.#options.clock.after(this.#leaseMs / 3, () => {
      this.#renewing = false;
      void this.#renew();
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
  }

  #say(name: NoticeName, fields: NoticeFields): void {
    this.#options.notices(name, fields);
  }
}
