/**
 * A client's connection without a network: the server's end of it is a stream, the client's end is methods. Segments arrive
 * exactly as they are given, and tens of thousands of sessions take seconds.
 *
 * It does what a socket does: hangs up when the other side has, and can break with a reset. Not for TLS.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** The server's end, as far as a server uses a socket. */
export class WireEnd extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly localAddress = '127.0.0.1';
  readonly remotePort = 40_000;
  readonly localPort = 25;
  /** Everything the server wrote. */
  received = '';
  bytesRead = 0;
  bytesWritten = 0;
  /** The server has hung up, or the connection is gone. */
  over = false;
  readonly #slow: boolean;
  #ended = false;

  /** `slow`: each write is taken a round of the event loop later, a few bytes fill the buffer. */
  constructor(slow: boolean) {
    super({ allowHalfOpen: true, writableHighWaterMark: slow ? 64 : undefined });
    this.#slow = slow;
    this.on('error', () => undefined);
    this.once('close', () => (this.over = true));
  }

  /** As the type that a server takes. */
  get socket(): Socket {
    return this as unknown as Socket;
  }

  /** The client sends a segment. */
  arrive(bytes: string): void {
    if (this.#ended || this.destroyed) return;
    this.bytesRead += bytes.length;
    this.push(Buffer.from(bytes, 'latin1'));
  }

  /** The client sends no more, and waits. */
  hangUp(): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = true;
    this.push(null);
  }

  /** The connection breaks. */
  vanish(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.received += chunk.toString('latin1');
    this.bytesWritten += chunk.length;
    if (this.#slow) setImmediate(done);
    else done();
  }

  override _final(done: () => void): void {
    this.over = true;
    done();
    setImmediate(() => this.hangUp());
  }

  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  resetAndDestroy(): this {
    return this.destroy();
  }
}
