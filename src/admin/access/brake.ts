/**
 * What wrong tokens and passwords cost: who shows many is told to wait, and so many a second at most are looked at.
 *
 * Per address (of an IPv6 address its /64). A right token is let in at once, from whatever address, as long as no more than
 * EXAMINED a second come from there: whoever guesses slowly enough for that gets nowhere near a random token, and cannot shut
 * out anybody. A password can be guessed: from an address with many failures one is looked at each time the wait is over.
 * Bounded; never throws.
 */
import { isIPv6 } from 'node:net';
import type { Clock } from '#clock';

/** Wrong tokens in a minute after which the answer is 429. */
export const MAX_FAILURES = 10;
/** Tokens of an address with that many failures that are looked at in a second. */
export const EXAMINED = 100;
/** Seconds of the longest Retry-After. */
export const LONGEST_WAIT = 60;
/** Milliseconds without a failure after which all is forgotten. */
const MEMORY = 60_000;
/** Addresses remembered; those that failed longest ago are forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Record {
  failures: number;
  last: number;
  /** The second, and how many tokens were looked at in it. */
  second: number;
  examined: number;
}

export class Brake {
  readonly #clock: Clock;
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a token from there is looked at now. */
  examines(address: string): boolean {
    const record = this.#of(address);
    if (!record || record.failures < MAX_FAILURES) return true;
    const second = Math.floor(this.#clock.elapsed() / 1000);
    if (record.second !== second) Object.assign(record, { second, examined: 0 });
    return ++record.examined <= EXAMINED;
  }

  /** Whether a password from there is looked at now. */
  admits(address: string): boolean {
    const record = this.#of(address);
    return !record || this.#clock.elapsed() - record.last >= this.wait(address) * 1000;
  }

  /** A wrong token came from there, or a password that is not known to be right yet: many at once count before they are looked at. */
  failed(address: string): void {
    const key = keyOf(address);
    const before = this.#of(address);
    const record = before ?? { failures: 0, last: 0, second: 0, examined: 0 };
    record.failures++;
    record.last = this.#clock.elapsed();
    this.#records.delete(key);
    this.#records.set(key, record);
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= MAX_ADDRESSES) break;
      this.#records.delete(oldest);
    }
  }

  /** What was counted was none. */
  forgive(address: string): void {
    const record = this.#of(address);
    if (record && record.failures > 0) record.failures--;
  }

  /** Failures of that address so far. */
  failures(address: string): number {
    return this.#of(address)?.failures ?? 0;
  }

  /** Seconds that an address should wait: none for the first failures, then ever more. */
  wait(address: string): number {
    const failures = this.failures(address);
    if (failures <= MAX_FAILURES) return 0;
    const times = Math.floor((failures - MAX_FAILURES - 1) / MAX_FAILURES);
    return Math.min(LONGEST_WAIT, 2 ** Math.min(times, 10));
  }

  #of(address: string): Record | undefined {
    const record = this.#records.get(keyOf(address));
    if (!record || this.#clock.elapsed() - record.last <= MEMORY) return record;
    this.#records.delete(keyOf(address));
    return undefined;
  }
}

/** An address as failures are counted: one customer has a whole /64. */
function keyOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - (tail === '' ? 0 : tail.split(':').length);
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
