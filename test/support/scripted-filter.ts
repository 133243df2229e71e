/**
 * A filter that does exactly what its script says, right or wrong: it answers each event with given bytes, with silence, or by
 * whatever the script does to the socket. What it was told is written down per connection.
 *
 * Shares no code with the protocol folders. `mend` makes it behave from now on, also on connections that are open: it answers
 * CONTINUE to everything and adds `X-Filter-Marker: good` to every message, so a test sees what was filtered.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Cleanup } from './folders.ts';
import { WANTS_ALL, frame } from './house.ts';

/** One connection to the filter. */
export interface Peer {
  readonly socket: Socket;
  /** Frames so far: the code letter and the payload, as byte strings. */
  readonly heard: { readonly code: string; readonly payload: string }[];
  /** Writes bytes as they are. */
  write(bytes: string): void;
}

/** Bytes to answer with, null to say nothing, or a function that returns either or does the answering itself. */
export type Act = string | null | ((peer: Peer, payload: string) => string | null | void);

/** What to do at which event, by its code letter; `O` is the option offer. What is absent is answered as it should be. */
export type Script = Readonly<Partial<Record<string, Act>>>;

/** Where to listen instead of a free loopback port, and how. */
export interface Listen {
  readonly port?: number;
  readonly path?: string;
  readonly tls?: TlsOptions;
}

/** CONTINUE. */
export const CONTINUE = frame('c');
/** ADDHEADER. */
export const addHeader = (name: string, value: string): string => frame('h', `${name}\0${value}\0`);
/** Events that are answered. */
const ANSWERED = 'CHMRTLNBEU';
const GOOD: Script = { E: addHeader('X-Filter-Marker', 'good') + CONTINUE };

/** See the head of the file. */
export class ScriptedFilter {
  /** Every connection so far, the oldest first. */
  readonly peers: Peer[] = [];
  /** When set, hears every connection before its first byte. */
  onPeer: ((peer: Peer) => void) | undefined;
  port = 0;
  #script: Script;
  #server: Server | undefined;
  readonly #open = new Set<Socket>();

  constructor(script: Script) {
    this.#script = script;
  }

  /** Starts one; it ends with the test. */
  static async start(cleanup: Cleanup, script: Script, at: Listen = {}): Promise<ScriptedFilter> {
    const filter = new ScriptedFilter(script);
    cleanup.after(() => filter.stop());
    await filter.listen(at);
    return filter;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Codes heard on all connections, in order, MACRO frames left out. */
  get codes(): string {
    return this.peers
      .flatMap((p) => p.heard.map((h) => h.code))
      .filter((c) => c !== 'D')
      .join('');
  }

  /** From now on this script holds. */
  play(script: Script): void {
    this.#script = script;
  }

  /** From now on it behaves. */
  mend(): void {
    this.#script = GOOD;
  }

  /** Listens (again): at the port it had, if it had one. */
  async listen({ port = this.port, path, tls }: Listen = {}): Promise<void> {
    const take = (socket: Socket): void => this.#take(socket);
    const server = tls
      ? createTlsServer(tls, take).on('tlsClientError', () => undefined)
      : createServer({ noDelay: true }, take);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path === undefined ? { port, host: '127.0.0.1' } : { path }, resolve);
    });
    const address = server.address();
    if (typeof address === 'object' && address) this.port = address.port;
  }

  /** Stops listening and drops every connection. */
  stop(): void {
    this.#server?.close();
    for (const socket of this.#open) socket.destroy();
  }

  #take(socket: Socket): void {
    const peer: Peer = {
      socket,
      heard: [],
      write: (bytes) => void (socket.writable && socket.write(bytes, 'latin1')),
    };
    this.#open.add(socket);
    this.peers.push(peer);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    this.onPeer?.(peer);
    this.#hear(peer);
  }

  #hear(peer: Peer): void {
    let input: Buffer = Buffer.alloc(0);
    peer.socket.on('data', (chunk: Buffer) => {
      input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
      let at = 0;
      while (input.length - at >= 5) {
        const end = at + 4 + input.readUInt32BE(at);
        if (input.length < end) break;
        const code = input.toString('latin1', at + 4, at + 5);
        const payload = input.toString('latin1', at + 5, end);
        at = end;
        peer.heard.push({ code, payload });
        this.#answer(peer, code, payload);
      }
      input = input.subarray(at);
    });
  }

  #answer(peer: Peer, code: string, payload: string): void {
    let act = this.#script[code];
    if (typeof act === 'function') act = act(peer, payload) ?? null;
    else if (act === undefined) act = code === 'O' ? WANTS_ALL : ANSWERED.includes(code) ? CONTINUE : null;
    if (act !== null) peer.write(act);
  }
}
