/**
 * How much is in the queue, counted entry by entry when somebody looks, and not too often: a count that took long is good for
 * so long that counting never takes more than a twentieth of the time.
 *
 * Whoever looks waits for a count for a moment only; then the one before is shown. Never rejects.
 */
import type { Clock } from '#clock';
import type { EntryMeta, EntryState } from '#spool';
import type { Figures } from './figures.ts';

/** A count is good for so many milliseconds, or for this many times what it took. */
const GOOD_FOR = 5000;
const REST = 20;
/** Milliseconds that are waited for a new count, and for the first one. */
const PATIENCE = 500;
const FIRST = 5000;
/** Entries in a page. */
const PAGE = 512;

const STATES = ['active', 'deferred', 'held'] as const;
type State = (typeof STATES)[number];

/** What was counted. */
export interface QueueCount {
  /** Milliseconds since 1970 when it was done. */
  readonly at: number;
  readonly states: Readonly<Record<State, StateCount>>;
}

interface StateCount {
  messages: number;
  recipients: number;
  bytes: number;
  /** Milliseconds since 1970; Infinity: none. */
  oldest: number;
}

/** As much of a store as counting needs. */
export interface Counting {
  list(options: {
    readonly after?: string;
    readonly limit: number;
    readonly state?: EntryState;
  }): Promise<readonly EntryMeta[]>;
}

/** See above. */
export class QueueFigures {
  readonly #store: Counting;
  readonly #clock: Clock;
  #last: QueueCount | null = null;
  #doneAt = -Infinity;
  #took = 0;
  #counting: Promise<void> | null = null;
  #stopped = false;

  constructor(store: Counting, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The last count, a new one if that is due and does not take long; null: there is none yet. */
  async count(): Promise<QueueCount | null> {
    const age = this.#clock.elapsed() - this.#doneAt;
    if (age >= Math.max(GOOD_FOR, REST * this.#took) && !this.#stopped)
      this.#counting ??= this.#recount().finally(() => (this.#counting = null));
    if (this.#counting) await this.#within(this.#last ? PATIENCE : FIRST, this.#counting);
    return this.#last;
  }

  /** Counts no more. Resolves when a count under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#counting;
  }

  /** Writes it down. */
  async show(figures: Figures): Promise<void> {
    const counted = await this.count();
    if (!counted) return;
    const now = this.#clock.now();
    for (const state of STATES) {
      const { messages, recipients, bytes, oldest } = counted.states[state];
      figures.number('queue_messages').cell(state).n = messages;
      figures.number('queue_recipients').cell(state).n = recipients;
      figures.number('queue_bytes').cell(state).n = bytes;
      figures.number('queue_oldest_age_seconds').cell(state).n =
        Math.max(0, now - Math.min(now, oldest)) / 1000;
    }
    figures.number('quarantine_messages').cell().n = counted.states.held.messages;
    figures.number('quarantine_bytes').cell().n = counted.states.held.bytes;
  }

  async #recount(): Promise<void> {
    const began = this.#clock.elapsed();
    try {
      const states = { active: nothing(), deferred: nothing(), held: nothing() };
      let after = '';
      for (;;) {
        const page = await this.#store.list({ limit: PAGE, ...(after && { after }) });
        for (const entry of page) count(entry, states[stateOf(entry)]);
        if (this.#stopped) return;
        if (page.length < PAGE) break;
        after = page.at(-1)!.id;
      }
      this.#last = { at: this.#clock.now(), states };
    } catch {
      // The spool says what is wrong with it; the last count stands.
    }
    this.#doneAt = this.#clock.elapsed();
    this.#took = this.#doneAt - began;
  }

  #within(ms: number, what: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      void what.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

const nothing = (): StateCount => ({ messages: 0, recipients: 0, bytes: 0, oldest: Infinity });

/** `active`: being delivered, or waiting for its first attempt. */
function stateOf({ state, attempts }: EntryMeta): State {
  if (state === 'held') return 'held';
  return state === 'queued' && attempts > 0 ? 'deferred' : 'active';
}

function count(entry: EntryMeta, into: StateCount): void {
  into.messages++;
  into.bytes += entry.size;
  if (entry.receivedAt < into.oldest) into.oldest = entry.receivedAt;
  for (const { state } of entry.recipients) if (state === 'pending') into.recipients++;
}
