/**
 * The way to the next hops of one route, for mail that is passed through: connections, how many, and which hop first.
 *
 * A connection serves one transaction at a time and is kept for a moment afterwards, with no transaction open at the hop. Hops
 * that failed lately are tried last. Never rejects for anything a peer does.
 */
import type { Clock } from '#clock';
import { status, type Status } from '#message';
import {
  openSmtpConnection,
  type ConnectOptions,
  type Hop,
  type SmtpConnection,
  type Steps,
} from '#smtp/client';
import type { NextHops } from './next-hops.ts';

/** Bounds; times in milliseconds. */
export interface ThroughLimits {
  /** For the connection to one address of a hop, and the same again for its greeting. */
  readonly connect: number;
  /** What a client waits for the hop at MAIL or RCPT, connecting included. */
  readonly command: number;
  /** What it waits at the final dot, after the filters: until the hop has the content and has answered. */
  readonly content: number;
  /** How long an unused connection is kept. */
  readonly idle: number;
  /** Messages over one connection. */
  readonly maxMessages: number;
  /** How long a hop that failed is tried only after the others. */
  readonly shun: number;
}

/** The bounds that hold. */
export const THROUGH_LIMITS: ThroughLimits = Object.freeze({
  connect: 10_000,
  command: 60_000,
  content: 240_000,
  idle: 5000,
  maxMessages: 200,
  shun: 60_000,
});

/** A connection and its place in a conversation. */
export interface Line {
  readonly connection: SmtpConnection;
  readonly steps: Steps;
  /** It served an earlier transaction: that it is dead shows only when it is used. */
  kept: boolean;
  /** Transactions it served, this one included. */
  messages: number;
}

/** What all lanes of a gateway share. */
export interface LaneSurroundings {
  /** Connections that wait for a next transaction, of all lanes. */
  readonly idle: Set<Line>;
  readonly clock: Clock;
  readonly closed: () => boolean;
}

const NO_HOP = status(451, '4.4.4', 'no next hop');

/** See above. */
export class Lane {
  readonly lmtp: boolean;
  readonly #to: NextHops;
  readonly #connect: ConnectOptions;
  readonly #places: number;
  readonly #around: LaneSurroundings;
  readonly #kept: Line[] = [];
  readonly #shunned = new Map<Hop, number>();
  #taken = 0;
  #turn = 0;

  /** `places`: transactions at a time. */
  constructor(
    to: NextHops,
    connect: Pick<ConnectOptions, 'hostname' | 'clock' | 'notices' | 'timeouts' | 'meter'>,
    places: number,
    around: LaneSurroundings,
  ) {
    const { hops: _, balance: __, ...how } = to;
    const { connect: ms } = THROUGH_LIMITS;
    this.lmtp = to.protocol === 'lmtp';
    this.#to = to;
    const { connect: opening = ms, greeting = ms } = connect.timeouts ?? {};
    const bounded = { connect: Math.min(opening, ms), greeting: Math.min(greeting, ms) };
    this.#connect = { ...how, ...connect, timeouts: { ...connect.timeouts, ...bounded } };
    this.#places = places;
    this.#around = around;
  }

  /** A place for one more transaction, to be given back by `leave`; false when all are taken. */
  enter(): boolean {
    if (this.#taken >= this.#places) return false;
    this.#taken++;
    return true;
  }

  leave(): void {
    this.#taken--;
  }

  /** A connection kept from before, or a new one to the first hop that works; a Status is the last hop's trouble. */
  async open(signal: AbortSignal, fresh: boolean): Promise<Line | Status> {
    const kept = fresh ? null : this.#takeKept();
    if (kept) return kept;
    let trouble: Status = NO_HOP;
    for (const hop of this.#inOrder()) {
      if (signal.aborted) break;
      const connection = await openSmtpConnection(hop, this.#connect, signal);
      if (!('code' in connection)) {
        this.#shunned.delete(hop);
        return { connection, steps: connection.steps(), kept: false, messages: 1 };
      }
      trouble = connection;
      this.#shunned.set(hop, this.#around.clock.elapsed() + THROUGH_LIMITS.shun);
    }
    return trouble;
  }

  /** The transaction on it is over: it is kept for the next one, after RSET where that is needed. */
  async close(line: Line): Promise<void> {
    const { connection, steps } = line;
    const { clock, closed, idle } = this.#around;
    const cancel = clock.after(THROUGH_LIMITS.connect, () => connection.abort());
    const clean = connection.usable && (await steps.reset());
    cancel();
    if (!clean) connection.abort();
    else if (closed() || line.messages >= THROUGH_LIMITS.maxMessages) void connection.quit();
    else {
      line.kept = true;
      this.#kept.push(line);
      idle.add(line);
      const since = line.messages;
      clock.after(THROUGH_LIMITS.idle, () => {
        if (!idle.has(line) || line.messages !== since) return;
        this.#forget(line);
        void connection.quit();
      });
    }
  }

  #takeKept(): Line | null {
    for (let line = this.#kept.at(-1); line; line = this.#kept.at(-1)) {
      this.#forget(line);
      line.messages++;
      if (line.connection.usable) return line;
      line.connection.abort();
    }
    return null;
  }

  #forget(line: Line): void {
    this.#around.idle.delete(line);
    const at = this.#kept.indexOf(line);
    if (at >= 0) this.#kept.splice(at, 1);
  }

  #inOrder(): readonly Hop[] {
    const { hops, balance } = this.#to;
    const first = balance === 'round-robin' ? this.#turn++ % hops.length : 0;
    const turned = first === 0 ? hops : [...hops.slice(first), ...hops.slice(0, first)];
    const now = this.#around.clock.elapsed();
    for (const [hop, until] of this.#shunned) if (until <= now) this.#shunned.delete(hop);
    if (this.#shunned.size === 0) return turned;
    return [...turned.filter((h) => !this.#shunned.has(h)), ...turned.filter((h) => this.#shunned.has(h))];
  }
}
