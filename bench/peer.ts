/** What is measured: an MTA with one SMTP listener per lane, all relaying to the same next hop. */
import type { CpuAccount } from './cpu.ts';

/** A filter that peers ask. The same object in two lanes is one filter of one configuration. */
export interface FilterAt {
  readonly name: string;
  /** Where it listens on loopback. */
  readonly port: number;
  /** More fields of Millrace's configuration object for it, for what Postfix has no words for. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** One listener of each peer: what it is called, and the filters it asks, in order. */
export interface Lane {
  readonly name: string;
  readonly filters: readonly FilterAt[];
}

/** What every peer is started with. */
export interface Ground {
  /** A folder of the peer's own on the disk that is measured. */
  readonly folder: string;
  readonly nextHopPort: number;
  readonly lanes: readonly Lane[];
  /** Loopback port of the listener of each lane, by its name. */
  readonly listeners: ReadonlyMap<string, number>;
  readonly account: CpuAccount;
}

/** A running peer. */
export interface Peer {
  readonly name: string;
  /** Name and version, for the results. */
  readonly title: string;
  /** Process ids at the top of its tree. */
  readonly roots: readonly number[];
  readonly ground: Ground;
}
