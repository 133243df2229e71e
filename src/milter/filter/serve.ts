/**
 * Serves a filter on sockets: several addresses, unix sockets with mode, bounds on connections and silence, drain at the end.
 *
 * Rejects when an address cannot be had, and then listens on none. Errors of a connection end that connection only.
 */
import { chmod } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Conversation, type Wire } from './conversation.ts';
import type { Filter } from './definition.ts';
import { formatListen, parseListen, type ListenAddress } from './listen.ts';
import { logToStderr, type Log } from './log.ts';
import { clearStaleSocket } from './unix-socket.ts';

/** How to serve. Times in milliseconds. */
export interface ServeOptions {
  /** One address or several; see listen.ts for the spellings. */
  readonly listen: string | readonly string[];
  /** Permissions of unix sockets. 0o660. */
  readonly mode?: number;
  /** Connections at a time; more are turned away. 1000. */
  readonly maxConnections?: number;
  /** A connection that has not negotiated by then is closed. 30 000; 0 = no bound. */
  readonly negotiateWithin?: number;
  /** A connection on which nothing was said for so long is closed. 7 210 000, as libmilter; 0 = no bound. */
  readonly idle?: number;
  /** How long `close` lets conversations go on. 10 000. */
  readonly drain?: number;
  /** Signals of the process that mean `close`. SIGTERM and SIGINT; [] leaves signals alone. */
  readonly signals?: readonly NodeJS.Signals[];
  /** JSON lines on standard error. */
  readonly log?: Log;
}

/** A filter being served. */
export interface Serving extends AsyncDisposable {
  /** As an MTA's configuration takes them, with the ports that the system chose. */
  readonly addresses: readonly string[];
  /**
   * Takes no more connections; ends those that serve no client; lets the others go on until they are done or `drain` is over.
   * May be called again, with a shorter time.
   */
  close(drain?: number): Promise<void>;
}

/** Starts serving. */
export async function serve(filter: Filter, options: ServeOptions): Promise<Serving> {
  const listen = typeof options.listen === 'string' ? [options.listen] : options.listen;
  const log = options.log ?? logToStderr;
  const guests = new Guests(filter, log, options);
  const servers: Server[] = [];
  const addresses: string[] = [];
  try {
    for (const text of listen) {
      const server = createServer({ noDelay: true }, (socket) => guests.welcome(socket));
      servers.push(server);
      addresses.push(formatListen(await open(server, parseListen(text), options.mode ?? 0o660)));
      // Out of descriptors, say: it goes on as soon as there are some.
      server.on('error', (error) =>
        log({ level: 'error', event: 'serve.failed', filter: filter.name, says: error.message, error }),
      );
    }
  } catch (error) {
    await Promise.all(servers.map(closed));
    throw error;
  }
  const close = async (drain = options.drain ?? 10_000): Promise<void> => {
    for (const signal of signals) process.off(signal, onSignal);
    const all = Promise.all(servers.map(closed));
    guests.leave(drain);
    await Promise.all([all, guests.gone()]);
  };
  const signals = options.signals ?? ['SIGTERM', 'SIGINT'];
  const onSignal = (): void => void close();
  for (const signal of signals) process.on(signal, onSignal);
  log({ level: 'info', event: 'serve.listening', filter: filter.name, says: addresses.join(', ') });
  return { addresses, close, [Symbol.asyncDispose]: () => close() };
}

async function open(server: Server, address: ListenAddress, mode: number): Promise<ListenAddress> {
  if (address.kind === 'unix') await clearStaleSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
      () => {
        server.off('error', reject);
        resolve();
      },
    );
  });
  if (address.kind === 'unix') {
    await chmod(address.path, mode);
    return address;
  }
  return { ...address, port: (server.address() as AddressInfo).port };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The connections of one `serve`. */
class Guests {
  readonly #filter: Filter;
  readonly #log: Log;
  readonly #options: ServeOptions;
  readonly #all = new Map<Socket, Conversation>();
  #leaving = false;
  #deadline: NodeJS.Timeout | null = null;
  #waiting: (() => void)[] = [];

  constructor(filter: Filter, log: Log, options: ServeOptions) {
    this.#filter = filter;
    this.#log = log;
    this.#options = options;
  }

  welcome(socket: Socket): void {
    if (this.#leaving || this.#all.size >= (this.#options.maxConnections ?? 1000)) {
      socket.destroy();
      return;
    }
    const conversation = new Conversation(this.#filter, wireOf(socket), this.#log);
    this.#all.set(socket, conversation);
    socket.setTimeout(this.#options.negotiateWithin ?? 30_000);
    let patient = false;
    socket.on('data', (chunk) => {
      conversation.receive(chunk);
      if (!patient && conversation.negotiated) {
        patient = true;
        socket.setTimeout(this.#options.idle ?? 7_210_000);
      }
      if (this.#leaving && conversation.idle) conversation.stop();
    });
    socket.on('timeout', () => {
      this.#log({
        level: 'warn',
        event: 'connection.silent',
        filter: this.#filter.name,
        says: patient ? 'nothing was said for too long' : 'no option negotiation came',
      });
      socket.destroy();
    });
    // Errors are followed by close; a connection cut off is no news.
    socket.on('error', () => {});
    socket.on('end', () => conversation.ended());
    socket.on('close', () => {
      conversation.ended();
      this.#all.delete(socket);
      if (this.#all.size === 0) this.#nobody();
    });
  }

  /** Ends those that serve no client now, the others when they are done, all of them after `drain`. */
  leave(drain: number): void {
    this.#leaving = true;
    for (const conversation of this.#all.values()) if (conversation.idle) conversation.stop();
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      for (const socket of this.#all.keys()) socket.destroy();
    }, drain);
    if (this.#all.size === 0) this.#nobody();
  }

  /** Resolves when no connection is left. */
  gone(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #nobody(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
    this.#deadline = null;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function wireOf(socket: Socket): Wire {
  return {
    send(parts) {
      if (socket.destroyed || socket.writableEnded) return;
      socket.cork();
      let room = true;
      for (const part of parts) room = socket.write(part);
      socket.uncork();
      if (!room) return drained(socket);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
  };
}

/** The peer has taken what was written, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
