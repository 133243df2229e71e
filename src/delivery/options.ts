/** What delivery is handed, and what it gives back. Plain data and small interfaces. */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { EntryContent, EntryMeta, EntryRecipient, SpoolStore } from '#spool';
import type { Agent } from './agent.ts';
import type { Troubled } from './back-off.ts';
import type { Returned } from './dsn.ts';
import type { DeliveryMeter } from './meter.ts';
import type { DeliveryObserver } from './observer.ts';
import type { Suspensions } from './suspensions.ts';

/** What the condition of a route may look at. */
export interface RouteFacts {
  readonly entry: EntryMeta;
  readonly recipient: EntryRecipient;
}

/** One route; the first whose condition holds carries the recipient. */
export interface Route {
  /** A condition that throws or rejects leaves the recipient for later. */
  readonly match: (facts: RouteFacts) => boolean | Promise<boolean>;
  readonly agent: Agent;
  /** How it goes there, for the figures: `smtp`, `maildir`; default ''. */
  readonly via?: string;
  /** What the concurrency limit and the log call the destination; recipients of one entry with the same key go together. */
  readonly destinationKey: string | ((facts: RouteFacts) => string);
  /** Bounds for each of its destinations, tighter or wider than those of the house. */
  readonly limits?: RouteLimits;
}

/** Bounds on one destination. */
export interface RouteLimits {
  /** Attempts at one time; default `Concurrency.perDestination`. */
  readonly concurrency?: number | undefined;
  /** Messages in a time; default as many as come. */
  readonly rate?: Rate | undefined;
}

/** At most `messages` attempts begin within any `ms` milliseconds. */
export interface Rate {
  readonly messages: number;
  readonly ms: number;
}

/** Bounds on attempts at one time. */
export interface Concurrency {
  readonly total: number;
  readonly perDestination: number;
}

/** What may change while delivery runs. */
export interface DeliverySettings {
  readonly routes: readonly Route[];
  /** Waits between attempts in milliseconds, at least one; the last repeats. */
  readonly retry: readonly number[];
  /** Life of a notice made here, in milliseconds. An accepted message carries its own end. */
  readonly expire: number;
  readonly concurrency: Concurrency;
  /** Age in milliseconds at which the sender of a message that still waits is told so, once; default 0: never. */
  readonly notifyDelay?: number;
  /** What a notice of failure gives back of the message; default RETURNED. */
  readonly returned?: Returned;
  /** Our name in notices. */
  readonly hostname: string;
}

/** Everything delivery needs. */
export interface DeliveryOptions extends DeliverySettings {
  readonly spool: SpoolStore;
  /** Name of this worker in leases. */
  readonly owner: string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Who hears what becomes of recipients. */
  readonly observer?: DeliveryObserver;
  /** Makes queue ids for notices; default `makeQueueId`. */
  readonly newId?: () => string;
  /** 0 up to 1, for jitter; default Math.random. */
  readonly random?: () => number;
  /** Length of a lease in milliseconds; default LEASE_MS. */
  readonly leaseMs?: number;
  /** What operators took out of delivery; default nothing. */
  readonly suspensions?: Suspensions;
  /** Keeps the figures. */
  readonly meter?: DeliveryMeter | null;
}

/** How long a claim is good without renewal, in milliseconds. */
export const LEASE_MS = 300_000;

/** A running delivery. */
export interface Delivery {
  /** Something was committed or released: look for due entries now. */
  wake(): void;
  /** Whether another entry would be taken by `offer`: ask before committing an entry leased to this owner. */
  hasRoom(): boolean;
  /**
   * Takes an entry that was committed leased to this owner, with its bytes. False when there is no room (the entry is put back
   * into the queue by delivery itself, nothing is left to do) or when it is not leased to this owner (nothing is done).
   */
  offer(meta: EntryMeta, content: EntryContent): boolean;
  /** Takes over new settings: attempts under way end with the old ones. Agents that are in no route any more are closed. */
  reconfigure(settings: DeliverySettings): void;
  /**
   * No new attempts; those under way may take `graceMs` (default 10 s), then they are broken off and their entries put back.
   * Closes the agents. May be called again with a shorter grace. Never rejects.
   */
  stop(graceMs?: number): Promise<void>;
  /** Entries held now: under way or waiting for their destination. */
  readonly inFlight: number;
  /** Destinations that could not be reached, with the time of their next probe. */
  readonly troubled: readonly Troubled[];
  /** Tries destinations that could not be reached again at once, when entries for them are due. */
  forgive(): void;
}
