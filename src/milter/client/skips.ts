/**
 * SKIP: no more events of the kind it answered, until an event of another kind occurs (milter reference 7.7, as Postfix)
 * or the message is over.
 *
 * Pure bookkeeping; never fails.
 */
import type { EventName } from '#milter/protocol';

/** One per conversation. */
export class Skips {
  #last: EventName | null = null;
  #skipped: EventName | null = null;

  /** An event occurs. True: leave it out. */
  omits(event: EventName): boolean {
    this.#last = event;
    if (this.#skipped === event) return true;
    this.#skipped = null;
    return false;
  }

  /** The filter answered `event` with SKIP. One that comes when another kind has begun has nothing left to skip. */
  skip(event: EventName): void {
    if (this.#last === event) this.#skipped = event;
  }

  /** The message is over, or the client: the next one's first event is another event, of whatever kind. */
  forget(): void {
    this.#last = null;
    this.#skipped = null;
  }
}
