/**
 * Connections to the hosts of many domains: domains with the same hosts share one pool, so that its connections are used again.
 *
 * A pool lives as long as it is in use or there is room; which ones are let go is decided by who was used longest ago. Addresses
 * of a host are those found last. Never rejects.
 */
import type { Clock } from '#clock';
import { ResolveFault, SmtpPool } from '#smtp/client';
import type { Hop, PoolOptions } from '#smtp/client';
import type { MailHost } from './find-hosts.ts';
import { inRandomOrder } from './ranks.ts';

/** Pools that are kept without being in use. */
export const MAX_UNUSED = 500;

/** How connections are made, and where. */
export interface DestinationOptions extends Omit<PoolOptions, 'hops' | 'balance' | 'resolve'> {
  readonly clock: Clock;
  /** TCP port of every host. */
  readonly port: number;
  /** 0 up to 1. */
  readonly random: () => number;
}

interface Ranked {
  readonly preference: number;
  readonly hop: Hop;
}

/** The hosts of one or several domains, and the connections to them. */
class Destination {
  readonly pool: SmtpPool;
  /** Messages on their way. */
  users = 0;
  readonly #ranked: readonly Ranked[];
  #addresses: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(hosts: readonly MailHost[], options: DestinationOptions) {
    const { port, random } = options;
    // The same hop objects for good: the pool remembers by them who failed lately.
    this.#ranked = hosts.map(({ name, preference, tls }) => ({
      preference,
      hop: { name, port, path: '', tls },
    }));
    const hops = (): readonly Hop[] => inRandomOrder(this.#ranked, random).map(({ hop }) => hop);
    this.pool = new SmtpPool({
      ...options,
      hops,
      resolve: (name) => this.#resolve(name),
    });
  }

  /** The hosts as they were found last. */
  refresh(hosts: readonly MailHost[]): void {
    this.#addresses = new Map(hosts.map(({ name, addresses }) => [name, addresses]));
  }

  #resolve(name: string): Promise<readonly string[]> {
    const addresses = this.#addresses.get(name);
    return addresses ? Promise.resolve(addresses) : Promise.reject(new ResolveFault('name', 'no such host'));
  }
}

/** See above. */
export class Destinations {
  readonly #options: DestinationOptions;
  readonly #maxUnused: number;
  /** By hosts, those used longest ago first. */
  readonly #all = new Map<string, Destination>();
  #inUse = 0;
  #closed = false;

  constructor(options: DestinationOptions, maxUnused = MAX_UNUSED) {
    this.#options = options;
    this.#maxUnused = maxUnused;
  }

  /** Pools there are, in use or kept. */
  get size(): number {
    return this.#all.size;
  }

  /** Does something with the connections to these hosts, at least one, the best first. */
  async use<R>(hosts: readonly MailHost[], work: (pool: SmtpPool) => Promise<R>): Promise<R> {
    const key = keyOf(hosts);
    const destination = this.#all.get(key) ?? new Destination(hosts, this.#options);
    this.#all.delete(key);
    this.#all.set(key, destination);
    destination.refresh(hosts);
    if (destination.users++ === 0) this.#inUse++;
    try {
      if (this.#closed) await destination.pool.close();
      return await work(destination.pool);
    } finally {
      if (--destination.users === 0) this.#inUse--;
      this.#letGo();
    }
  }

  /** Lets go of every connection; messages under way are broken off. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all.values()].map(({ pool }) => pool.close()));
  }

  #letGo(): void {
    if (this.#all.size - this.#inUse <= this.#maxUnused) return;
    for (const [key, { users, pool }] of this.#all) {
      if (users > 0) continue;
      this.#all.delete(key);
      void pool.close();
      return;
    }
  }
}

/** The same for the same hosts in the same order of preference, however equal ones are listed and whatever the numbers are. */
function keyOf(hosts: readonly MailHost[]): string {
  if (hosts.length === 1) return `0 ${hosts[0]!.name} ${hosts[0]!.tls}`;
  const ranks = [...new Set(hosts.map((h) => h.preference))].toSorted((a, b) => a - b);
  return hosts
    .map(({ name, preference, tls }) => `${ranks.indexOf(preference)} ${name} ${tls}`)
    .toSorted()
    .join();
}
