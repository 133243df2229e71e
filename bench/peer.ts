/** What is measured: an MTA with one SMTP listener per number of filters, all relaying to the same next hop. */
import type { CpuAccount } from './cpu.ts';

/** What every peer is started with. */
export interface Ground {
  /** A folder of the peer's own on the disk that is measured. */
  readonly folder: string;
  readonly nextHopPort: number;
  /** Loopback ports of the no-op filters; a listener with n filters asks the first n. */
  readonly filterPorts: readonly number[];
  /** Numbers of filters to make listeners for, with their ports. */
  readonly listeners: ReadonlyMap<number, number>;
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
