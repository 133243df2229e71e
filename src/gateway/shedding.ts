/**
 * When new connections are refused so that those that are there go on: the event loop is late, or descriptors run short.
 *
 * Asked by every listener at every new connection. A late event loop must be seen twice in a row, half the bound ends it. Told
 * once when it begins and once when it is over, with the number of connections refused. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { descriptorLimit, sessionsWithin } from './descriptors.ts';
import type { LoopDelay } from './event-loop.ts';

/** Milliseconds between two looks at the event loop. */
export const LOOK_AT_LOOP = 500;
/** Looks in a row at which the loop must be late. */
const LOOKS = 2;

/** What shedding looks at. */
export interface Burdens {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  readonly loop: LoopDelay;
  /** Sessions open now, over all listeners. */
  readonly sessions: () => number;
}

/** Bounds: milliseconds of delay (0 = none), and sessions at a time. */
export interface Bearable {
  readonly loopDelay: number;
  readonly maxSessions: number;
}

/** What this process can bear by its configuration. */
export function bearable({ milters, shedding }: Pick<Config, 'milters' | 'shedding'>): Bearable {
  return {
    loopDelay: shedding.loopDelay,
    maxSessions: sessionsWithin(descriptorLimit(), milters.length),
  };
}

type Cause = 'event-loop' | 'descriptors';

/** Decides whether a new connection would be one too many. */
export class Shedding {
  readonly #on: Burdens;
  #bearable: Bearable = { loopDelay: 0, maxSessions: Infinity };
  #cancel: Cancel | null = null;
  #late = 0;
  readonly #refused = new Map<Cause, number>();

  constructor(burdens: Burdens) {
    this.#on = burdens;
    this.#look();
  }

  /** Other bounds from now on. */
  reconfigure(bearable: Bearable): void {
    this.#bearable = bearable;
  }

  /** Whether a new connection is to be refused; it is counted as refused then. */
  readonly busy = (): boolean => {
    const { maxSessions } = this.#bearable;
    if (this.#refused.has('event-loop')) return this.#refuse('event-loop');
    if (this.#on.sessions() < maxSessions) return false;
    this.#begin('descriptors', { sessions: maxSessions });
    return this.#refuse('descriptors');
  };

  /** Looks no more; nothing is refused any more. */
  stop(): void {
    this.#cancel?.();
    this.#on.loop.stop();
    this.#refused.clear();
    this.#bearable = { loopDelay: 0, maxSessions: Infinity };
  }

  #look(): void {
    const { loopDelay, maxSessions } = this.#bearable;
    const delay = this.#on.loop.mean();
    this.#late = loopDelay > 0 && delay > loopDelay ? this.#late + 1 : 0;
    if (this.#late >= LOOKS) this.#begin('event-loop', { delayMs: Math.round(delay) });
    else if (delay <= loopDelay / 2 || loopDelay === 0) this.#end('event-loop');
    if (this.#on.sessions() < maxSessions * 0.9) this.#end('descriptors');
    this.#cancel = this.#on.clock.after(LOOK_AT_LOOP, () => this.#look());
  }

  #refuse(cause: Cause): true {
    this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + 1);
    return true;
  }

  #begin(cause: Cause, facts: Readonly<Record<string, number>>): void {
    if (this.#refused.has(cause)) return;
    this.#refused.set(cause, 0);
    this.#on.notices('gateway.shedding', { cause, ...facts });
  }

  #end(cause: Cause): void {
    const refused = this.#refused.get(cause);
    if (refused === undefined) return;
    this.#refused.delete(cause);
    this.#on.notices('gateway.shedding-over', { cause, refused });
  }
}
