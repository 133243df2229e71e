/** A bounded memory of who failed to authenticate, per client address; an IPv6 client is its /64. Never throws. */
import type { Clock } from '#clock';
import { clientNetwork } from '#smtp/server';

/** Addresses remembered; the one whose last failure is longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;
/** Milliseconds without a failure after which an address is forgotten. */
const FORGET = 600_000;

/** The memory. */
export class Failures {
  readonly #clock: Clock;
  /** In the order of the last failure. */
  readonly #known = new Map<string, { readonly count: number; readonly last: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Failures remembered of an address; 0 for '' (a UNIX socket). */
  of(address: string): number {
    const found = this.#known.get(clientNetwork(address));
    return found && this.#clock.elapsed() - found.last < FORGET ? found.count : 0;
  }

  /** One more; how many there are with it. */
  add(address: string): number {
    if (address === '') return 0;
    const count = this.of(address) + 1;
    const key = clientNetwork(address);
    this.#known.delete(key);
    this.#known.set(key, { count, last: this.#clock.elapsed() });
    if (this.#known.size > MAX_ADDRESSES) this.#known.delete(this.#known.keys().next().value!);
    return count;
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#known.size;
  }
}
