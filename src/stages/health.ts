/**
 * How one filter is doing: how long messages waited for it lately, what it said, what went wrong.
 *
 * Fed on the path of every message, so it makes no object there: counters and a histogram of fixed buckets, over the present and
 * the last minute. It passes everything on to another meter when there is one. Never throws.
 */
import type { Clock } from '#clock';
import type { Agreement, Edit, EventName, Verdict } from '#milter/protocol';
import type { Unsent } from '#milter/client';
import type { ConnectResult, FilterMeter, NotAsked } from './meter.ts';

/** Milliseconds of one half of the window that percentiles are taken over. */
export const HALF_WINDOW = 60_000;
/** Four buckets to each doubling, from a sixteenth of a millisecond to beyond half an hour. */
const PER_DOUBLING = 4;
const BUCKETS = 26 * PER_DOUBLING;
const SMALLEST = 1 / 16;

/** What a filter says last of a message, and what it refuses a connection with. */
const KINDS = [
  'continue',
  'accept',
  'reject',
  'tempfail',
  'replycode',
  'discard',
  'shutdown',
  'connfail',
] as const;

/** What went wrong last, and when (milliseconds since 1970). */
export interface Trouble {
  readonly at: number;
  readonly text: string;
}

/** The percentiles of the recent window, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Messages in the window. */
  readonly messages: number;
}

/** See the head of the file. */
export class FilterHealth implements FilterMeter {
  readonly #clock: Clock;
  readonly #next: FilterMeter | null;
  #recent = new Uint32Array(BUCKETS);
  #before = new Uint32Array(BUCKETS);
  #since: number;
  readonly #answers: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  readonly #errors = new Map<string, number>();
  /** The latest of each kind. */
  readonly troubles = new Map<string, Trouble>();
  /** What was agreed on last, and the latest trouble. */
  agreement: Agreement | null = null;
  lastError: (Trouble & { readonly kind: string }) | null = null;
  /** Waits for an answer that are under way. */
  inFlight = 0;
  /** It was asked something since the gateway started, or the filter came into the configuration. */
  used = false;

  constructor(clock: Clock, next: FilterMeter | null) {
    this.#clock = clock;
    this.#next = next;
    this.#since = clock.elapsed();
  }

  opened(agreement: Agreement): void {
    this.agreement = agreement;
    this.#next?.opened(agreement);
  }

  closed(): void {
    this.#next?.closed();
  }

  sent(bytes: number): void {
    this.#next?.sent(bytes);
  }

  received(bytes: number): void {
    this.#next?.received(bytes);
  }

  unsent(reason: Unsent, bytes: number): void {
    this.#next?.unsent(reason, bytes);
  }

  lateEdit(edit: Edit['kind']): void {
    this.#next?.lateEdit(edit);
  }

  progress(): void {
    this.#next?.progress();
  }

  answered(event: EventName, verdict: Verdict['kind'], ms: number): void {
    this.used = true;
    // Of a message the last word counts; who refuses a connection says nothing of a message.
    if (verdict !== 'continue' && (event === 'connect' || event === 'helo')) this.#count(verdict);
    this.#next?.answered(event, verdict, ms);
  }

  tried(result: ConnectResult, ms: number): void {
    this.#next?.tried(result, ms);
  }

  waiting(change: 1 | -1): void {
    this.inFlight += change;
    this.#next?.waiting(change);
  }

  message(ms: number, said: string): void {
    this.used = true;
    this.#turn();
    const doublings = Math.log2(Math.max(ms, SMALLEST) / SMALLEST);
    this.#recent[Math.min(BUCKETS - 1, Math.floor(doublings * PER_DOUBLING))]!++;
    this.#count(said);
    this.#next?.message(ms, said);
  }

  notAsked(reason: NotAsked): void {
    this.#next?.notAsked(reason);
  }

  /** The filter could not be used. */
  failed(kind: string, text: string): void {
    this.used = true;
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
    this.lastError = { at: this.#clock.now(), kind, text };
    this.troubles.set(kind, this.lastError);
  }

  /** By kind; those that never came are left out. */
  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#answers).filter(([, n]) => n > 0));
  }

  /** By kind. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }

  /** Milliseconds that messages waited for the filter, over the last one to two minutes. */
  percentiles(): Percentiles {
    this.#turn();
    let messages = 0;
    for (let i = 0; i < BUCKETS; i++) messages += this.#recent[i]! + this.#before[i]!;
    const at = (share: number): number => {
      let left = Math.ceil(messages * share);
      if (left === 0) return 0;
      for (let i = 0; i < BUCKETS; i++) {
        left -= this.#recent[i]! + this.#before[i]!;
        if (left <= 0) return middleOf(i);
      }
      return middleOf(BUCKETS - 1);
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), messages };
  }

  #count(kind: string): void {
    if (Object.hasOwn(this.#answers, kind)) this.#answers[kind]!++;
  }

  /** The present minute becomes the last one when it is over. */
  #turn(): void {
    const age = this.#clock.elapsed() - this.#since;
    if (age < HALF_WINDOW) return;
    const old = this.#before;
    this.#before = this.#recent;
    this.#recent = old.fill(0);
    if (age >= 2 * HALF_WINDOW) this.#before.fill(0);
    this.#since = this.#clock.elapsed();
  }
}

/** A value that stands for its bucket, to three digits. */
function middleOf(bucket: number): number {
  return Number((SMALLEST * 2 ** ((bucket + 0.5) / PER_DOUBLING)).toPrecision(3));
}
