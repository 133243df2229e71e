/**
 * A socket to a next hop as replies: writes commands and content, gives replies in order, bounds every wait.
 *
 * Counts the replies that are due. One that nobody asked for (before the final dot, between messages) breaks the
 * connection, so a peer that answers out of turn is never believed. One wait at a time. Trouble with the peer is a
 * WireFault, thrown by whoever waits; replies that came before it are still given out first. Never throws out of a socket
 * event, never reads on after a fault.
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Cancel, Clock } from '#clock';
import { inlet, writeTogether, type Status } from '#message';
import { ReplyParser } from '#smtp/protocol';

/** `refused`: no connection; `closed`: it ended; `timeout`; `protocol`: no legal reply, or one out of turn; `tls`; `aborted`: by us. */
export type WireFaultCode = 'refused' | 'closed' | 'timeout' | 'protocol' | 'tls' | 'aborted';

/** The connection is of no use any more. */
export class WireFault extends Error {
  readonly code: WireFaultCode;

  constructor(code: WireFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WireFault';
    this.code = code;
  }
}

interface Waiting {
  readonly what: 'open' | 'secure' | 'reply' | 'drain';
  readonly resolve: (reply?: Status) => void;
  readonly reject: (fault: WireFault) => void;
}

/** See above. Made by `connectWire`. */
export class Wire {
  /** The next hop's name. */
  readonly by: string;
  readonly #clock: Clock;
  #socket: Socket;
  #parser: ReplyParser;
  #inbox: Status[] = [];
  /** Replies due that have not been taken. */
  #due = 1;
  #waiting: Waiting | null = null;
  #fault: WireFault | null = null;
  #deadline = Infinity;
  #timer: Cancel | null = null;
  #timerAt = Infinity;
  /** Bytes behind the reply that is due now belong to nobody: set while the answer to STARTTLS is awaited. */
  #discardRest = false;
  /** The peer sent something behind its answer to STARTTLS, which was thrown away. */
  injected = false;
  #over: (() => void) | null = null;

  constructor(socket: Socket, by: string, clock: Clock) {
    this.by = by;
    this.#clock = clock;
    this.#parser = new ReplyParser(by);
    this.#socket = socket;
    this.#listen(socket, 'connect', 'open');
  }

  /** Open, in step, and nothing unasked has come. */
  get usable(): boolean {
    return this.#fault === null && this.#due === 0 && !this.#parser.unfinished;
  }

  /** Version of TLS, '' without. */
  get tls(): string {
    return this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? '') : '';
  }

  /** Calls `over` once when the connection is over, at once when it is. */
  whenOver(over: () => void): void {
    if (this.#fault === null) this.#over = over;
    else over();
  }

  /** Resolves when the TCP connection stands. */
  async opened(ms: number): Promise<void> {
    await this.#wait('open', ms);
  }

  /** Sends command lines (byte string with CRLFs) that will be answered by `replies` replies. */
  command(lines: string, replies: number): void {
    this.#due += replies;
    if (this.#fault === null) this.#socket.write(lines, 'latin1');
  }

  /** The next reply due. Throws or rejects with WireFault. */
  reply(ms: number): Status | Promise<Status> {
    const reply = this.#inbox.shift();
    if (reply === undefined) return this.#wait('reply', ms) as Promise<Status>;
    this.#due--;
    return reply;
  }

  /** Sends content in one write. A promise (rejecting with WireFault) asks to wait until the peer has taken some. */
  send(chunks: readonly Uint8Array[], ms: number): void | Promise<unknown> {
    if (this.#fault !== null) throw this.#fault;
    const socket = this.#socket;
    writeTogether(socket, chunks);
    if (socket.writableNeedDrain) return this.#wait('drain', ms);
  }

  /** What is sent next will be answered by so many replies. Throws when one came before it was asked for. */
  expectReply(replies = 1): void {
    if (this.#fault !== null) throw this.#fault;
    this.#due += replies;
  }

  /** Sends STARTTLS and gives its reply; whatever else comes in plaintext from now on is thrown away. */
  async askTls(ms: number): Promise<Status> {
    this.#discardRest = true;
    this.command('STARTTLS\r\n', 1);
    const reply = await this.reply(ms);
    if (reply.code !== 220) this.#discardRest = false;
    return reply;
  }

  /** Turns the connection into TLS; what was received before is forgotten. Rejects with WireFault `tls` or `timeout`. */
  async startTls(options: ConnectionOptions, ms: number): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('drain');
    plain.removeAllListeners('end');
    this.#parser = new ReplyParser(this.by);
    this.#discardRest = false;
    if (this.#fault !== null) throw this.#fault;
    const secured = this.#wait('secure', ms);
    this.#socket = connectTls({ ...options, socket: plain });
    this.#listen(this.#socket, 'secureConnect', 'secure');
    await secured;
  }

  /** Says QUIT and closes, without being waited for unless wanted. Never rejects. */
  async quit(ms: number): Promise<void> {
    if (this.usable) {
      this.command('QUIT\r\n', 1);
      try {
        await this.reply(ms);
      } catch {
        // Gone already: that is all that was wanted.
      }
    }
    this.destroy();
  }

  /** Closes at once; whoever waits gets WireFault `aborted`. */
  destroy(): void {
    this.#fail(new WireFault('aborted', 'the connection was given up'));
  }

  #listen(socket: Socket, ready: 'connect' | 'secureConnect', what: 'open' | 'secure'): void {
    const lost = what === 'open' ? 'refused' : 'tls';
    let ended: WireFaultCode = lost;
    socket.on(ready, () => {
      ended = 'closed';
      this.#done(what);
    });
    socket.on('data', (chunk: Uint8Array) => this.#data(chunk));
    socket.on('drain', () => this.#done('drain'));
    socket.on('end', () => this.#fail(new WireFault(ended, 'the connection was closed by the peer')));
    socket.on('close', () => this.#fail(new WireFault(ended, 'the connection was closed')));
    socket.on('error', (cause: NodeJS.ErrnoException) =>
      this.#fail(new WireFault(ended, cause.code ?? 'connection error', { cause })),
    );
  }

  #data(chunk: Uint8Array): void {
    if (this.#fault !== null) return;
    let fault: WireFault | null = null;
    try {
      this.#parser.push(chunk, this.#inbox);
    } catch (cause) {
      if (!this.#discardRest || this.#inbox.length === 0)
        fault = new WireFault('protocol', (cause as Error).message, { cause });
      else this.injected = true;
    }
    if (this.#inbox.length > this.#due) {
      const extra = this.#inbox[this.#due]!;
      this.#inbox.length = this.#due;
      if (this.#discardRest) this.injected = true;
      else fault = new WireFault('protocol', `a reply out of turn: ${extra.code} ${extra.text}`);
    } else if (this.#discardRest && this.#parser.unfinished && this.#inbox.length > 0) this.injected = true;
    const waiting = this.#waiting;
    if (waiting?.what === 'reply' && this.#inbox.length > 0) {
      this.#due--;
      this.#done('reply', this.#inbox.shift());
    }
    if (fault !== null) this.#fail(fault);
  }

  #wait(what: Waiting['what'], ms: number): Promise<Status | undefined> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    this.#deadline = this.#clock.elapsed() + ms;
    if (this.#timer === null || this.#timerAt > this.#deadline) this.#setTimer(ms);
    return new Promise((resolve, reject) => {
      this.#waiting = { what, resolve, reject };
    });
  }

  #done(what: Waiting['what'], reply?: Status): void {
    const waiting = this.#waiting;
    if (waiting?.what !== what) return;
    this.#waiting = null;
    this.#deadline = Infinity;
    waiting.resolve(reply);
  }

  /** One timer stands for many waits: when it fires early it is set again for what is left. */
  #setTimer(ms: number): void {
    this.#timer?.();
    this.#timerAt = this.#clock.elapsed() + ms;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = null;
      if (this.#deadline === Infinity) return;
      const left = this.#deadline - this.#clock.elapsed();
      if (left > 0) this.#setTimer(left);
      else this.#fail(new WireFault('timeout', 'the peer did not answer in time'));
    });
  }

  #fail(fault: WireFault): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#timer?.();
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#socket.destroy();
    this.#over?.();
    waiting?.reject(fault);
  }
}

/** Opens a connection to a socket path or to one address and port, from a local address if one is named. Rejects with WireFault `refused` or `timeout`. */
export async function connectWire(
  to:
    | { readonly path: string }
    | { readonly host: string; readonly port: number; readonly localAddress?: string },
  by: string,
  clock: Clock,
  ms: number,
): Promise<Wire> {
  const at = 'path' in to ? { path: to.path } : { ...to, noDelay: true };
  const socket = connectTcp({ ...at, onread: inlet((bytes) => socket.emit('data', bytes)) });
  const wire = new Wire(socket, by, clock);
  await wire.opened(ms);
  return wire;
}
