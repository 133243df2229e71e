/**
 * What was found out about domains, kept for as long as DNS allows and never long: a bounded memory, and one search per domain at a
 * time. The answer comes at once when it is known. Rejects only when the search does; then nothing is remembered.
 */
import type { Clock } from '#clock';
import type { Found } from './find-hosts.ts';

/** Domains remembered; beyond, what was learned longest ago is forgotten. */
export const MAX_DOMAINS = 10_000;
/** The least time for which anything is kept, in milliseconds: a time to live of 0 must not mean a question per message. */
export const SHORTEST_KEPT = 5000;

/** See above. */
export class KnownHosts {
  readonly #clock: Clock;
  readonly #max: number;
  /** By domain, the longest known first. */
  readonly #known = new Map<string, { readonly found: Found; readonly until: number }>();
  readonly #asked = new Map<string, Promise<Found>>();

  constructor(clock: Clock, max = MAX_DOMAINS) {
    this.#clock = clock;
    this.#max = max;
  }

  /** What is known of the domain, else what `search` finds. */
  find(domain: string, search: () => Promise<Found>): Found | Promise<Found> {
    const known = this.#known.get(domain);
    if (known !== undefined && known.until > this.#clock.elapsed()) return known.found;
    const asked = this.#asked.get(domain);
    if (asked !== undefined) return asked;
    const asking = search()
      .then((found) => this.#learn(domain, found))
      .finally(() => this.#asked.delete(domain));
    this.#asked.set(domain, asking);
    return asking;
  }

  #learn(domain: string, found: Found): Found {
    this.#known.delete(domain);
    if (this.#known.size >= this.#max)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    const until = this.#clock.elapsed() + Math.max(SHORTEST_KEPT, found.ttl);
    if (this.#max > 0) this.#known.set(domain, { found, until });
    return found;
  }
}
