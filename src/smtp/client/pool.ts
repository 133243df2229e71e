/**
 * The connections to one destination: kept open between messages, bounded in number, spread over its hosts.
 *
 * A message takes a kept connection when there is one, else a new one to the first host that works. The first host is that of
 * the list, or with `round-robin` each in turn; hosts that failed lately are tried last. Trouble before the content was sent
 * moves the recipients without an answer on to the next host at once. A kept connection that turns out dead is replaced by a
 * fresh one without anybody noticing, once per message. A host that falls silent amid pipelined commands gets them one by one
 * for a while. Beyond the limit senders wait in order. Never rejects for anything a peer does; after `close` every answer is
 * temporary.
 */
import type { Cancel } from '#clock';
import { status } from '#message';
import type { Status } from '#message';
import type { BreakOff } from './break-off.ts';
import type { OutgoingMessage } from './commands.ts';
import { SmtpConnection, openSmtpConnection } from './connection.ts';
import type { Extensions } from './extensions.ts';
import type { Hop } from './hop.ts';
import type { ConnectOptions } from './options.ts';

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
  /** How long a host that fell silent amid pipelined commands gets them one by one, in milliseconds. */
  readonly stepwiseMs: number;
}

export const POOL_LIMITS: PoolLimits = {
  maxConnections: 20,
  maxMessages: 200,
  idleMs: 5000,
  shunMs: 60_000,
  stepwiseMs: 3_600_000,
};

/** Which host a message is offered first: the first of the list, or each in turn. */
export type Balance = 'order' | 'round-robin';

/** A destination. */
export interface PoolOptions extends ConnectOptions, Partial<PoolLimits> {
  /** Next hops in order of preference, at least one; a function is asked for each message, and gives the same objects. */
  readonly hops: readonly Hop[] | (() => readonly Hop[]);
  /** Default `order`. */
  readonly balance?: Balance;
}

/** Hears, for each recipient (by index) that a connection was asked for, what the peer of that connection offers. */
export type Answered = (recipient: number, extensions: Extensions) => void;

/** One message on its way through the pool. */
interface Sending {
  readonly message: OutgoingMessage;
  readonly signal: BreakOff | undefined;
  readonly answered: Answered | undefined;
  /** While it is sent. */
  connection: SmtpConnection | null;
  /** While it waits for a place: true, it has one; false, it is not to be sent. */
  go: ((admitted: boolean) => void) | null;
}

const INTERRUPTED = status(451, '4.3.2', 'the delivery was interrupted');

/** See above. */
export class SmtpPool {
  readonly #options: PoolOptions;
  readonly #limits: PoolLimits;
  /** Kept connections, the one used last at the end. */
  readonly #idle: SmtpConnection[] = [];
  readonly #active = new Set<SmtpConnection>();
  readonly #waiting: Sending[] = [];
  /** Hosts that failed lately, and until when they are tried last; by Clock.elapsed. */
  readonly #shunned = new Map<Hop, number>();
  /** Hosts that get commands one by one, and until when. */
  readonly #stepwise = new Map<Hop, number>();
  /** Messages that have a connection or are making one. */
  #slots = 0;
  /** Whose turn it is with `round-robin`. */
  #turn = 0;
  #sweep: Cancel | null = null;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { maxConnections, maxMessages, idleMs, shunMs, stepwiseMs } = { ...POOL_LIMITS, ...options };
    this.#limits = { maxConnections, maxMessages, idleMs, shunMs, stepwiseMs };
  }

  /** Connections open now, in use or kept. */
  get connections(): number {
    return this.#active.size + this.#idle.length;
  }

  /** Sends a message; one Status per recipient in order. `signal` breaks it off: temporary answers. */
  async send(message: OutgoingMessage, signal?: BreakOff, answered?: Answered): Promise<readonly Status[]> {
    if (signal?.aborted || this.#closed) return message.recipients.map(() => INTERRUPTED);
    const sending: Sending = { message, signal, answered, connection: null, go: null };
    const abort = () => this.#abort(sending);
    signal?.addEventListener('abort', abort);
    try {
      if (this.#slots < this.#limits.maxConnections) this.#slots++;
      else if (!(await this.#place(sending))) return message.recipients.map(() => INTERRUPTED);
      try {
        return await this.#sendNow(sending);
      } finally {
        this.#leave();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Lets go of every connection; messages under way are broken off. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.();
    for (const { go } of this.#waiting.splice(0)) go!(false);
    for (const connection of this.#active) connection.abort();
    await Promise.all(this.#idle.splice(0).map((c) => c.quit()));
  }

  #place(sending: Sending): Promise<boolean> {
    return new Promise((go) => {
      sending.go = go;
      this.#waiting.push(sending);
    });
  }

  /** A place is free: whoever waits longest takes it over. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#slots--;
    else next.go!(true);
  }

  #abort(sending: Sending): void {
    sending.connection?.abort();
    const at = this.#waiting.indexOf(sending);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    sending.go!(false);
  }

  async #sendNow(sending: Sending): Promise<readonly Status[]> {
    const { message, signal } = sending;
    const results: (Status | undefined)[] = Array.from({ length: message.recipients.length });
    let left = message.recipients.map((_, i) => i);
    const hops = this.#hopsInOrder();
    const kept = this.#takeKept(this.#options.balance === 'round-robin' ? hops[0]! : null);
    if (kept !== null) {
      left = await this.#over(kept, sending, left, results);
      if (left.length === 0) return results as Status[];
    }
    for (const hop of hops) {
      if (this.#closed || signal?.aborted) break;
      const connection = await this.#open(hop, signal);
      if (connection instanceof SmtpConnection) {
        this.#shunned.delete(hop);
        left = await this.#over(connection, sending, left, results);
        if (left.length === 0) break;
      } else for (const i of left) results[i] = connection;
      this.#shunned.set(hop, this.#options.clock.elapsed() + this.#limits.shunMs);
      this.#options.notices('delivery.hop-trouble', { hop: hop.name, status: results[left[0]!]?.text });
    }
    return results.map((s) => s ?? INTERRUPTED);
  }

  #open(hop: Hop, signal: BreakOff | undefined): Promise<SmtpConnection | Status> {
    while (this.#idle.length > 0 && this.connections >= this.#limits.maxConnections)
      void this.#idle.shift()!.quit(); // kept for another host
    const stepwise = (this.#stepwise.get(hop) ?? 0) > this.#options.clock.elapsed();
    const options = stepwise ? { ...this.#options, pipelining: false } : this.#options;
    return openSmtpConnection(hop, options, signal);
  }

  /** Sends to the recipients `left` over a connection; returns those that another connection may be asked for. */
  async #over(
    connection: SmtpConnection,
    sending: Sending,
    left: readonly number[],
    results: (Status | undefined)[],
  ): Promise<number[]> {
    const { message } = sending;
    const all = left.length === message.recipients.length;
    const part = all ? message : { ...message, recipients: left.map((i) => message.recipients[i]!) };
    sending.connection = connection;
    this.#active.add(connection);
    if (this.#closed || sending.signal?.aborted) connection.abort();
    const sent = await connection.send(part);
    this.#active.delete(connection);
    sending.connection = null;
    sent.statuses.forEach((s, n) => {
      results[left[n]!] = s;
      sending.answered?.(left[n]!, connection.extensions);
    });
    if (sent.stalled)
      this.#stepwise.set(connection.hop, this.#options.clock.elapsed() + this.#limits.stepwiseMs);
    this.#keep(connection);
    return sent.elsewhere.map((n) => left[n]!);
  }

  /** The kept connection used last, of this host if one is named. */
  #takeKept(hop: Hop | null): SmtpConnection | null {
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      if (hop !== null && this.#idle[i]!.hop !== hop) continue;
      const [connection] = this.#idle.splice(i, 1);
      if (connection!.usable) return connection!;
      connection!.abort();
    }
    return null;
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

  /** Hosts as this message is to try them, those that failed lately behind the others. */
  #hopsInOrder(): readonly Hop[] {
    const { hops: given } = this.#options;
    let hops = typeof given === 'function' ? given() : given;
    if (hops.length > 1 && this.#options.balance === 'round-robin') {
      const first = this.#turn++ % hops.length;
      hops = [...hops.slice(first), ...hops.slice(0, first)];
    }
    if (this.#shunned.size === 0) return hops;
    const now = this.#options.clock.elapsed();
    for (const [hop, until] of this.#shunned) if (until <= now) this.#shunned.delete(hop);
    return [...hops.filter((h) => !this.#shunned.has(h)), ...hops.filter((h) => this.#shunned.has(h))];
  }
}
