/** Who hears what operators, and time, did to entries of the queue. Called synchronously; must not throw. */
import type { Act } from './acts.ts';

export interface QueueObserver {
  /** An order was carried out; the message, or the part of it that was meant, goes on as `as` when that is another id. */
  acted(id: string, act: Act, as: string | undefined): void;
  /** Nobody released it in time. */
  expired(id: string): void;
}
