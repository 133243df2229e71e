/**
 * The connections to one destination: kept open between messages, bounded in number, spread over its hosts.
 *
 * A message takes a kept connection when there is one, else a new one to the first host that works; hosts that failed lately
 * are tried last. Trouble before the content was sent moves the recipients without an answer on to the next host at once.
 * A kept connection that turns out dead is replaced by a fresh one without anybody noticing, once per message. Beyond the
 * limit senders wait in order. Never rejects for anything a peer does; after `close` every answer is temporary.
 */
import type { Cancel } from '#clock';
import { status } from '#message';
import type { Status } from '#message';
import type { OutgoingMessage } from './commands.ts';
import { SmtpConnection, openSmtpConnection } from './connection.ts';
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
}

export const POOL_LIMITS: PoolLimits = { maxConnections: 20, maxMessages: 200, idleMs: 5000, shunMs: 60_000 };

/** A destination. */
export interface PoolOptions extends ConnectOptions, Partial<PoolLimits> {
  /** Next hops in order of preference; at least one. */
  readonly hops: readonly Hop[];
}

/** See above. */
export class SmtpPool {
  readonly #options: PoolOptions;
  readonly #limits: PoolLimits;
  /** Kept connections, the one used last at the end. */
  readonly #idle: SmtpConnection[] = [];
  readonly #active = new Set<SmtpConnection>();
  readonly #waiters: (() => void)[] = [];
  readonly #shunned = new Map<Hop, number>();
  #slots = 0;
  #sweep: Cancel | null = null;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { maxConnections, maxMessages, idleMs, shunMs } = { ...POOL_LIMITS, ...options };
    this.#limits = { maxConnections, maxMessages, idleMs, shunMs };
  }

  /** Connections open now, in use or kept. */
  get connections(): number {
    return this.#active.size + this.#idle.length;
  }

  /** Sends a message; one Status per recipient in order. `signal` breaks it off: temporary answers. */
  async send(message: OutgoingMessage, signal?: AbortSignal): Promise<readonly Status[]> {
    if (this.#slots < this.#limits.maxConnections) this.#slots++;
    else await new Promise<void>((go) => this.#waiters.push(go));
    try {
      return await this.#sendNow(message, signal);
    } finally {
      const next = this.#waiters.shift();
      if (next === undefined) this.#slots--;
      else next();
    }
  }

  /** Lets go of every connection; messages under way are broken off. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.();
    for (const connection of this.#active) connection.abort();
    await Promise.all(this.#idle.splice(0).map((c) => c.quit()));
  }

  async #sendNow(message: OutgoingMessage, signal: AbortSignal | undefined): Promise<readonly Status[]> {
    const results: (Status | undefined)[] = Array.from({ length: message.recipients.length });
    let left = message.recipients.map((_, i) => i);
    const kept = this.#takeKept();
    if (kept !== null) {
      left = await this.#over(kept, message, left, results, signal);
      if (left.length === 0) return results as Status[];
    }
    for (const hop of this.#hopsInOrder()) {
      if (this.#closed || signal?.aborted) break;
      const connection = await openSmtpConnection(hop, this.#options, signal);
      if (connection instanceof SmtpConnection) {
        this.#shunned.delete(hop);
        left = await this.#over(connection, message, left, results, signal);
        if (left.length === 0) break;
      } else for (const i of left) results[i] = connection;
      this.#shunned.set(hop, this.#options.clock.elapsed() + this.#limits.shunMs);
      this.#options.notices('delivery.hop-trouble', { hop: hop.name, status: results[left[0]!]?.text });
    }
    return results.map((s) => s ?? status(451, '4.3.2', 'the delivery was interrupted'));
  }

  /** Sends to the recipients `left` over a connection; returns those that another connection may be asked for. */
  async #over(
    connection: SmtpConnection,
    message: OutgoingMessage,
    left: readonly number[],
    results: (Status | undefined)[],
    signal: AbortSignal | undefined,
  ): Promise<number[]> {
    const all = left.length === message.recipients.length;
    const part = all ? message : { ...message, recipients: left.map((i) => message.recipients[i]!) };
    const abort = () => connection.abort();
    signal?.addEventListener('abort', abort);
    this.#active.add(connection);
    if (this.#closed) connection.abort();
    const sent = await connection.send(part);
    this.#active.delete(connection);
    signal?.removeEventListener('abort', abort);
    sent.statuses.forEach((s, n) => (results[left[n]!] = s));
    this.#keep(connection);
    return sent.elsewhere.map((n) => left[n]!);
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
