/**
 * A filter played by hand: a listening socket whose connections the test reads and answers frame by frame.
 *
 * Shares no code with the protocol folder. For tests only; a read that gets nothing because the client has closed rejects.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ManualClock } from '#clock';
import type { MilterClientOptions } from './options.ts';

/** One frame: the code letter and the payload as a byte string. */
export function frame(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length, 0);
  bytes.writeUInt32BE(text.length, 0);
  bytes.write(text, 4, 'latin1');
  return bytes;
}

/** The option reply. */
export function choice(actions: number, protocol: number, version = 6): Buffer {
  const bytes = Buffer.alloc(17);
  bytes.writeUInt32BE(13, 0);
  bytes.write('O', 4);
  bytes.writeUInt32BE(version, 5);
  bytes.writeUInt32BE(actions >>> 0, 9);
  bytes.writeUInt32BE(protocol >>> 0, 13);
  return bytes;
}

/** One connection, from the filter's side. */
export class Peer {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;
  /** How many reads brought data: one per write of the client, as long as each is read before the next. */
  reads = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.reads++;
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** The next frame as code and payload; rejects when the client closed before. */
  async read(): Promise<string> {
    for (;;) {
      if (this.#bytes.length >= 4) {
        const end = 4 + this.#bytes.readUInt32BE(0);
        if (this.#bytes.length >= end) {
          const text = this.#bytes.toString('latin1', 4, end);
          this.#bytes = this.#bytes.subarray(end);
          return text;
        }
      }
      if (this.#ended) throw new Error(`closed with ${this.#bytes.length} bytes unread`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The next `count` frames. */
  async take(count: number): Promise<string[]> {
    const all: string[] = [];
    while (all.length < count) all.push(await this.read());
    return all;
  }

  /** Frames until the one with this code. */
  async until(code: string): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const text = await this.read();
      all.push(text);
      if (text[0] === code) return all;
    }
  }

  /** Sends frames, each given as code and payload, in one write. */
  send(...frames: string[]): void {
    this.socket.write(Buffer.concat(frames.map(frame)));
  }

  /** Resolves once the client has closed. */
  async closed(): Promise<void> {
    if (!this.#ended) await once(this.socket, 'close');
  }
}

/** A listening filter. */
export class RawFilter {
  readonly endpoint: MilterClientOptions['endpoint'];
  readonly clock = new ManualClock();
  readonly #server: Server;
  readonly #waiting: ((peer: Peer) => void)[] = [];
  readonly #arrived: Peer[] = [];
  readonly #all: Peer[] = [];

  private constructor(server: Server, path: string | null) {
    this.#server = server;
    this.endpoint =
      path === null
        ? { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
        : { kind: 'unix', path };
    server.on('connection', (socket) => {
      const peer = new Peer(socket);
      this.#all.push(peer);
      const taker = this.#waiting.shift();
      if (taker) taker(peer);
      else this.#arrived.push(peer);
    });
  }

  /** Listens on loopback, or on a unix socket. */
  static async listen(path: string | null = null): Promise<RawFilter> {
    const server = createServer();
    server.listen(path === null ? { host: '127.0.0.1', port: 0 } : { path });
    await once(server, 'listening');
    return new RawFilter(server, path);
  }

  /** The next connection. */
  peer(): Promise<Peer> {
    const ready = this.#arrived.shift();
    if (ready) return Promise.resolve(ready);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Options for a client of this filter. */
  options(changes: Partial<MilterClientOptions> = {}): MilterClientOptions {
    return {
      endpoint: this.endpoint,
      tls: null,
      offer: { version: 6, actions: 0x1ff, protocol: 0x1fffff },
      timeoutConnect: 1000,
      timeoutCommand: 2000,
      timeoutData: 3000,
      timeoutMessage: 10_000,
      maxResponseSize: 100_000,
      maxBodySize: 200_000,
      maxEdits: 5,
      pipeline: true,
      nudge: false,
      clock: this.clock,
      ...changes,
    };
  }

  close(): void {
    for (const peer of this.#all) peer.socket.destroy();
    this.#server.close();
  }
}
