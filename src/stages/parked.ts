/**
 * Conversations between two clients: kept open for the next SMTP connection (QUIT_NC, milter reference 7.5).
 *
 * Bounded in number and in idle time; one that the filter closed meanwhile is never given out. What cannot be handed over is
 * ended. Never throws.
 */
import type { Cancel, Clock } from '#clock';
import type { MilterConversation } from '#milter/client';

/** Conversations parked at a time per filter, and milliseconds one may wait for a client. */
export const MAX_PARKED = 100;
export const MAX_IDLE = 60_000;

/** The parked conversations of one filter. */
export class Parked {
  readonly #clock: Clock;
  readonly #waiting: { readonly conversation: MilterConversation; readonly since: number }[] = [];
  /** Being handed over: the filter has yet to answer. */
  readonly #going = new Set<MilterConversation>();
  #sweep: Cancel | null = null;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** One that is still alive, the latest first; null when there is none. */
  take(): MilterConversation | null {
    for (;;) {
      const last = this.#waiting.pop();
      if (!last) return null;
      if (last.conversation.alive) return last.conversation;
    }
  }

  /** Parks a conversation, or ends it when it cannot be used again. */
  async park(conversation: MilterConversation): Promise<void> {
    if (this.#closed || this.#waiting.length + this.#going.size >= MAX_PARKED) return conversation.quit();
    this.#going.add(conversation);
    const handed = await conversation.handOver();
    conversation.observe(null);
    this.#going.delete(conversation);
    if (!handed || this.#closed) return conversation.quit();
    this.#waiting.push({ conversation, since: this.#clock.elapsed() });
    this.#sweep ??= this.#clock.after(MAX_IDLE, () => this.#clean());
  }

  /** Ends them all; others may follow. */
  empty(): void {
    for (const { conversation } of this.#waiting.splice(0)) conversation.quit();
    for (const conversation of this.#going) conversation.destroy();
  }

  /** Ends them all, and those that follow. */
  close(): void {
    this.#closed = true;
    this.#sweep?.();
    this.empty();
  }

  #clean(): void {
    this.#sweep = null;
    const stale = this.#clock.elapsed() - MAX_IDLE;
    while (this.#waiting[0] && this.#waiting[0].since <= stale) this.#waiting.shift()!.conversation.quit();
    if (this.#waiting.length) this.#sweep = this.#clock.after(MAX_IDLE / 2, () => this.#clean());
  }
}
