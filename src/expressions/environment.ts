/**
 * What an evaluation needs from the world; whoever evaluates hands it in.
 *
 * The language itself is pure. Everything that needs the machine, the network or the state of a connection comes through
 * this interface. It must be a snapshot: what it answers may not change while a promise of the evaluation is pending
 * (reference 10, consequence 4). Text is readable text (utf8Of of a wire string), integers are plain numbers.
 */
import type { Value } from './values.ts';

/** Names that `system()` knows (reference 9.1). */
export const SYSTEM_NAMES = ['hostname', 'domain', 'node_id', 'node_hostname', 'node_role'] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

/** Algorithms that `hash()` knows. */
export const HASHES = ['md5', 'sha1', 'sha256', 'sha512'] as const;
export type HashName = (typeof HASHES)[number];

/** Record types that `dns_query()` knows (reference 9.6). */
export const DNS_TYPES = ['ipv4', 'ipv6', 'ip', 'mx', 'ptr', 'txt'] as const;
export type DnsType = (typeof DNS_TYPES)[number];

/** Groups of functions that exist only where the environment has them. */
export type Service = 'dns' | 'store' | 'sql' | 'local' | 'metrics';

/** Now or later. */
export type Awaitable<T> = T | Promise<T>;

/** Key/value and counter stores, named by the configuration; `''` and `'*'` are the one in memory. */
export interface ExpressionStore {
  /** The text under a key, '' when there is none or no such store. */
  get(store: string, key: string): Awaitable<string>;
  has(store: string, key: string): Awaitable<boolean>;
  set(store: string, key: string, text: string): Awaitable<void>;
  /** The counter's value, 0 when new. */
  counter(store: string, name: string): Awaitable<number>;
  /** Adds to a counter and answers its new value. */
  increment(store: string, name: string, by: number): Awaitable<number>;
}

/** See the head of this file. A rejected promise of any member rejects the evaluation. */
export interface Environment {
  /** The value now, or the empty value of its type; asked only for names of the set the expression was compiled for. */
  variable(name: string): Value;
  /** `node_id` an integer, the others text. */
  system(name: SystemName): Value;
  /** Current value of a metric by dotted id or by our own name; 0 when there is none. */
  metric(name: string): number;
  /** Lower-case hex digest. */
  hash(algorithm: HashName, bytes: Uint8Array): string;
  /** `ipv4` `ipv6` `ip` `mx` `ptr`: array of text; `txt`: one text. Empty for no such name and no data. */
  dns?(name: string, type: DnsType): Awaitable<Value>;
  readonly store?: ExpressionStore;
  /** Parameters are bound, never spliced. Result as in reference 9.6. */
  sql?(store: string, statement: string, parameters: readonly Value[]): Awaitable<Value>;
  isLocalDomain?(domain: string): Awaitable<boolean>;
  isLocalAddress?(address: string): Awaitable<boolean>;
  /** Rejects when the work takes longer. Without it asynchronous work is not bounded in time. */
  within?<T>(work: Promise<T>, milliseconds: number): Promise<T>;
}
