/**
 * The connections to one destination: kept open between messages, bounded in number, spread over its hosts.
 *
 * A message takes a kept connection when there is one, else a new one to the first host that works; hosts that failed lately
 * are tried last. Trouble before the content was sent moves the recipients without an answer on to the next host at once.
 * A kept connection that turns out dead is replaced by a fresh one without anybody noticing, once per message. Beyond the
 * limit senders wait in order. Never rejects for anything a peer does; after `close` every answer is temporary.
 *
 * At a swift hop a message costs one write instead of two: while several messages are on their way to their content, the next
 * one waits a moment (line.ts), and the first connection that writes a content announces it in the same write. Outcomes stay
 * apart: a message that was only announced when its connection is lost, or when its commands are left unanswered, goes out
 * over another as if nothing had been. A lone message never waits, nor does any message to a slow hop.
 */
import type { Cancel } from '#clock';
import { status } from '#message';
import type { Status } from '#message';
import type { OutgoingMessage } from './commands.ts';
import { SmtpConnection, openSmtpConnection } from './connection.ts';
import type { Hop } from './hop.ts';
import { Line } from './line.ts';
import type { Passenger, Turn } from './line.ts';
import { TIMEOUTS } from './options.ts';
import type { ConnectOptions } from './options.ts';
import { isShort } from './transaction.ts';

/** Bounds of a pool. */
export interface PoolLimits {
  /** Connections at one time. */
  readonly maxConnections: number;
  /** Messages over one connection. */
  readonly maxMessages: number;
  /** How long an unused connection is kept, in milliseconds; 0 keeps none. */
  readonly idleMs: number;
  /** How long a host that failed is tried only after the others, in milliseconds. */
  readonly shunMs: number;
  /** How long a message waits to be announced by another's connection, in milliseconds; 0: not at all. */
  readonly joinMs: number;
  /**
   * A hop is swift when this thread, until the final dot was answered, had nothing to do for less than so many milliseconds:
   * more connections would not have made it faster. 0: none is, and no message is announced.
   */
  readonly swiftMs: number;
}

export const POOL_LIMITS: PoolLimits = {
  maxConnections: 20,
  maxMessages: 200,
  idleMs: 5000,
  shunMs: 60_000,
  joinMs: 1,
  swiftMs: 5,
};

/** A destination. */
export interface PoolOptions extends ConnectOptions, Partial<PoolLimits> {
  /** Next hops in order of preference; at least one. */
  readonly hops: readonly Hop[];
  /** Milliseconds that this thread had nothing to do since it began. Default: what its event loop says. */
  readonly idleTime?: () => number;
}

/** One message on its way through the pool. */
interface Sending {
  readonly message: OutgoingMessage;
  readonly signal: AbortSignal | undefined;
  /** While it waits. */
  passenger: Passenger | null;
  /** While it is sent. */
  connection: SmtpConnection | null;
  /** Its content, still to be written, can announce another message. */
  carries: boolean;
  /** `idleTime` when its content was written; -1: it was not, or not at once. */
  idleAt: number;
}

/** Messages in line for each that can announce one: enough that a quick hop finds the next, few enough to be served soon. */
const IN_LINE = 4;

const idleTimeOfLoop = (): number => performance.nodeTiming.idleTime;

const INTERRUPTED = status(451, '4.3.2', 'the delivery was interrupted');

/** See above. */
export class SmtpPool {
  readonly #options: PoolOptions;
  readonly #limits: PoolLimits;
  /** Kept connections, the one used last at the end. */
  readonly #idle: SmtpConnection[] = [];
  readonly #active = new Set<SmtpConnection>();
  readonly #line: Line;
  readonly #idleTime: () => number;
  readonly #shunned = new Map<Hop, number>();
  /** Messages that have a connection or are making one. */
  #slots = 0;
  /** Those among them that can still announce another. */
  #carriers = 0;
  /** What the last answer to a final dot says about the hop: it is swift, and messages may be announced. */
  #swift = false;
  /** Nothing is announced before this time, by Clock.elapsed. */
  #announcesFrom = 0;
  #sweep: Cancel | null = null;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#idleTime = options.idleTime ?? idleTimeOfLoop;
    const { maxConnections, maxMessages, idleMs, shunMs, joinMs, swiftMs } = { ...POOL_LIMITS, ...options };
    this.#limits = { maxConnections, maxMessages, idleMs, shunMs, joinMs, swiftMs };
    this.#line = new Line(options.clock, options.timeouts?.along ?? TIMEOUTS.along, () => this.#admit());
  }

  /** Connections open now, in use or kept. */
  get connections(): number {
    return this.#active.size + this.#idle.length;
  }

  /** Sends a message; one Status per recipient in order. `signal` breaks it off: temporary answers. */
  async send(message: OutgoingMessage, signal?: AbortSignal): Promise<readonly Status[]> {
    if (signal?.aborted) return message.recipients.map(() => INTERRUPTED);
    const sending: Sending = {
      message,
      signal,
      passenger: null,
      connection: null,
      carries: false,
      idleAt: -1,
    };
    const abort = () => this.#abort(sending);
    signal?.addEventListener('abort', abort);
    const turn = this.#startsAtOnce() ? this.#start(sending, 'own') : await this.#wait(sending);
    try {
      if (turn === 'withdrawn') return message.recipients.map(() => INTERRUPTED);
      return await this.#sendNow(sending, turn);
    } finally {
      signal?.removeEventListener('abort', abort);
      if (turn !== 'withdrawn') this.#end(sending);
    }
  }

  /** Lets go of every connection; messages under way are broken off. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.();
    this.#line.close();
    for (const connection of this.#active) connection.abort();
    await Promise.all(this.#idle.splice(0).map((c) => c.quit()));
  }

  /** A connection is free, and it is not worth waiting for one that would announce the message: there are too few, or enough wait. */
  #startsAtOnce(): boolean {
    if (this.#closed) return true;
    if (this.#slots >= this.#limits.maxConnections) return false;
    const worth = this.#swift && this.#limits.joinMs > 0 && this.#carriers >= 2;
    return !worth || this.#line.length >= IN_LINE * this.#carriers;
  }

  #start(sending: Sending, turn: Turn): Turn {
    this.#slots++;
    sending.carries = isShort(sending.message);
    if (sending.carries) this.#carriers++;
    return turn;
  }

  #wait(sending: Sending): Promise<Turn> {
    const ms = this.#swift ? this.#limits.joinMs : 0;
    return new Promise((resolve) => {
      sending.passenger = this.#line.join(sending.message, ms, (turn) => {
        sending.passenger = null;
        resolve(turn === 'withdrawn' ? turn : this.#start(sending, turn));
      });
    });
  }

  /** Messages whose time in line is over, or who wait for nobody, get a connection as long as there may be more. */
  #admit(): void {
    while (this.#slots < this.#limits.maxConnections) {
      const passenger = this.#line.next(this.#carriers > 0);
      if (passenger === null) return;
      passenger.go('own');
    }
  }

  #end(sending: Sending): void {
    this.#carriesNoMore(sending);
    this.#slots--;
    if (this.#line.length > 0) this.#admit();
  }

  #abort(sending: Sending): void {
    sending.connection?.abort();
    if (sending.passenger !== null) this.#line.withdraw(sending.passenger);
  }

  async #sendNow(sending: Sending, turn: Exclude<Turn, 'withdrawn'>): Promise<readonly Status[]> {
    const { message, signal } = sending;
    const results: (Status | undefined)[] = Array.from({ length: message.recipients.length });
    let left = message.recipients.map((_, i) => i);
    const ready = turn === 'own' ? this.#takeKept() : turn === 'fresh' ? null : turn;
    if (ready !== null) {
      left = await this.#over(ready, sending, left, results, ready === turn);
      if (left.length === 0) return results as Status[];
    }
    for (const hop of this.#hopsInOrder()) {
      if (this.#closed || signal?.aborted) break;
      const connection = await openSmtpConnection(hop, this.#options, signal);
      if (connection instanceof SmtpConnection) {
        this.#shunned.delete(hop);
        left = await this.#over(connection, sending, left, results, false);
        if (left.length === 0) break;
      } else for (const i of left) results[i] = connection;
      this.#shunned.set(hop, this.#options.clock.elapsed() + this.#limits.shunMs);
      this.#options.notices('delivery.hop-trouble', { hop: hop.name, status: results[left[0]!]?.text });
    }
    return results.map((s) => s ?? INTERRUPTED);
  }

  /** Sends to the recipients `left` over a connection; returns those that another connection may be asked for. */
  async #over(
    connection: SmtpConnection,
    sending: Sending,
    left: readonly number[],
    results: (Status | undefined)[],
    announced: boolean,
  ): Promise<number[]> {
    const { message } = sending;
    const all = left.length === message.recipients.length;
    const part = all ? message : { ...message, recipients: left.map((i) => message.recipients[i]!) };
    sending.connection = connection;
    this.#active.add(connection);
    if (this.#closed || sending.signal?.aborted) connection.abort();
    const sent = await connection.send(part, () => this.#follower(connection, sending));
    this.#active.delete(connection);
    sending.connection = null;
    sent.statuses.forEach((s, n) => (results[left[n]!] = s));
    this.#learn(connection, sending, announced && sent.stale);
    this.#letGo(connection);
    return sent.elsewhere.map((n) => left[n]!);
  }

  /** A content is about to be written: the message that is announced with it. */
  #follower(connection: SmtpConnection, sending: Sending): OutgoingMessage | null {
    this.#carriesNoMore(sending);
    sending.idleAt = this.#idleTime();
    if (!this.#swift || this.#closed || connection.messages >= this.#limits.maxMessages) return null;
    return this.#line.takeAlong(connection);
  }

  #carriesNoMore(sending: Sending): void {
    if (!sending.carries) return;
    sending.carries = false;
    this.#carriers--;
  }

  /** Whether the hop is swift and lets messages be announced; one that left an announced message unanswered is not asked so again for a while. */
  #learn(connection: SmtpConnection, sending: Sending, unanswered: boolean): void {
    const now = this.#options.clock.elapsed();
    if (unanswered) {
      this.#swift = false;
      this.#announcesFrom = now + this.#limits.shunMs;
    } else if (sending.idleAt >= 0) {
      const able = connection.alive && connection.extensions.pipelining && now >= this.#announcesFrom;
      this.#swift = able && this.#idleTime() - sending.idleAt < this.#limits.swiftMs;
    }
    sending.idleAt = -1;
  }

  /** A message is done: the one announced behind it has its turn, else the connection is kept. */
  #letGo(connection: SmtpConnection): void {
    const next = this.#line.announcedOn(connection);
    if (next === undefined) {
      this.#keep(connection);
      return;
    }
    next.go(connection.alive ? connection : 'fresh');
  }

  #takeKept(): SmtpConnection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.usable) return connection;
      connection.abort();
    }
  }

  #keep(connection: SmtpConnection): void {
    const { maxMessages, idleMs } = this.#limits;
    if (!connection.usable) connection.abort();
    else if (this.#closed || idleMs === 0 || connection.messages >= maxMessages) void connection.quit();
    else {
      connection.idleSince = this.#options.clock.elapsed();
      this.#idle.push(connection);
      this.#sweep ??= this.#options.clock.after(idleMs, () => this.#closeIdle());
    }
  }

  /** Closes what was not used for the idle time; goes on as long as something is kept. */
  #closeIdle(): void {
    const { idleMs } = this.#limits;
    const now = this.#options.clock.elapsed();
    while (this.#idle.length > 0 && now - this.#idle[0]!.idleSince >= idleMs) void this.#idle.shift()!.quit();
    const oldest = this.#idle[0];
    this.#sweep =
      oldest === undefined
        ? null
        : this.#options.clock.after(Math.max(1, oldest.idleSince + idleMs - now), () => this.#closeIdle());
  }

  /** Hosts in order of preference, those that failed lately behind the others. */
  #hopsInOrder(): readonly Hop[] {
    if (this.#shunned.size === 0) return this.#options.hops;
    const now = this.#options.clock.elapsed();
    for (const [hop, until] of this.#shunned) if (until <= now) this.#shunned.delete(hop);
    const { hops } = this.#options;
    return [...hops.filter((h) => !this.#shunned.has(h)), ...hops.filter((h) => this.#shunned.has(h))];
  }
}
