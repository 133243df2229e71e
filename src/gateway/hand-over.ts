/**
 * The way of an accepted entry to a delivery that runs in this process: leased at birth, handed over in memory.
 *
 * Accepting goes first: clients wait for their 250, the queue does not. While this process is busy, entries wait here, on disk
 * and leased, for at most a few seconds; what there is no room for is committed queued and found by delivery's next look. When
 * the process ends, the leases of a gone owner are given back at the next start. Never throws.
 */
import { randomBytes } from 'node:crypto';
import type { Cancel, Clock } from '#clock';
import { LEASE_MS, type Delivery } from '#delivery';
import type { HandOver } from '#intake';
import type { EntryContent, EntryMeta } from '#spool';

/** Entries and bytes that may wait here. */
export const MAX_WAITING = 10_000;
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Milliseconds an entry waits at most while the process is busy, and between two looks. */
export const LONGEST_WAIT = 5000;
export const LOOK = 10;
/** Entries handed over at one look when the process is not busy: enough for any next hop, few enough for clients not to notice. */
const AT_ONCE = 32;
/**
 * The process is busy accepting when the event loop was at work for this share of the time, and messages came at this rate
 * (in a millisecond): delivering what waits must not look like a rush of its own.
 */
const BUSY = 0.45;
const RUSH = 0.4;
/** While it is busy, this share of what came since the last look is handed over: next hops are not left idle either. */
const SHARE = 0.5;

/** What this needs of delivery. */
export type Taker = Pick<Delivery, 'hasRoom' | 'offer' | 'wake'>;

interface Waiting {
  readonly meta: EntryMeta;
  readonly content: EntryContent;
  readonly since: number;
}

/** The hand-over with the entries that wait. */
export interface WaitingRoom extends HandOver {
  /** The gateway ends: everything that waits goes to delivery, which puts back into the queue what it cannot finish. */
  empty(): void;
}

/** Hands entries to `delivery`. `load` answers the share of time at work since it was asked last, 0 to 1. */
export function handOverTo(delivery: Taker, owner: string, clock: Clock, load: () => number): WaitingRoom {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  let bytes = 0;
  let waiting: Waiting[] = [];
  let first = 0;
  let look: Cancel | null = null;
  let arrived = 0;
  /** Entries that may be handed over now. */
  let credit = 0;
  let lookedAt = clock.elapsed();

  const handOver = (): void => {
    look = null;
    const now = clock.elapsed();
    const rush = arrived >= RUSH * Math.max(1, now - lookedAt);
    const busy = load() >= BUSY && rush;
    credit = busy ? Math.min(AT_ONCE, credit + SHARE * arrived) : AT_ONCE;
    arrived = 0;
    lookedAt = now;
    while (first < waiting.length) {
      const { meta, content, since } = waiting[first]!;
      // Who has waited long goes, room or not: delivery puts back into the queue what it cannot take.
      if (now - since < LONGEST_WAIT && (credit < 1 || !delivery.hasRoom())) break;
      credit--;
      first++;
      bytes -= meta.size;
      delivery.offer(meta, content);
    }
    if (first === waiting.length) {
      waiting = [];
      first = 0;
    } else look = clock.after(busy ? LOOK : 1, handOver);
  };

  return {
    empty() {
      look?.();
      look = null;
      for (const { meta, content } of waiting.splice(first)) delivery.offer(meta, content);
      waiting = [];
      first = 0;
      bytes = 0;
    },
    lease() {
      const room = waiting.length - first < MAX_WAITING && bytes < MAX_WAITING_BYTES;
      if (!room || !delivery.hasRoom()) return null;
      return { owner, token: `${prefix}${(count++).toString(36)}`, until: clock.now() + LEASE_MS };
    },
    accepted(meta, content) {
      if (!meta.lease) {
        delivery.wake();
        return;
      }
      arrived++;
      waiting.push({ meta, content, since: clock.elapsed() });
      bytes += meta.size;
      look ??= clock.after(0, handOver);
    },
  };
}
