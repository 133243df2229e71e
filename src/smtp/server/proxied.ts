/**
 * Connections from trusted proxies: the PROXY header is read before anything else, TLS and the greeting included (P16).
 *
 * Called by the server for peers that its listener trusts; from them the header is required. One that is wrong, torn or late
 * ends the connection without a word: nothing was asked of the server yet. What follows the header goes back into the socket.
 */
import type { Socket } from 'node:net';
import { ProxyHeaderParser } from '#smtp/protocol';
import { clientAddress, declaredEndpoints, type Endpoints } from './endpoints.ts';
import type { Settings } from './options.ts';

/** Peers whose header has not come yet. */
export class ProxiedConnections {
  readonly #waiting = new Set<Socket>();

  /** How many there are. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for the header. `admit` is called once, with the ends it declares and the socket paused, or never: then the socket is
   * destroyed.
   */
  receive(settings: Settings, socket: Socket, admit: (endpoints: Endpoints) => void): void {
    const { clock, limits, listener, notices, meter } = settings;
    const parser = new ProxyHeaderParser();
    const over = (): void => {
      cancel();
      this.#waiting.delete(socket);
      socket.off('data', onData);
      socket.off('end', gone);
      socket.off('close', gone);
      socket.off('error', ignore);
    };
    const gone = (): void => {
      over();
      socket.on('error', ignore);
      socket.destroy();
    };
    const refuse = (reason: string): void => {
      meter?.refused('proxy');
      notices('smtp.proxy-refused', { listener, client: clientAddress(socket), reason });
      gone();
    };
    const onData = (chunk: Buffer): void => {
      const found = parser.push(chunk);
      if (found === null) return;
      if ('fault' in found) return refuse(found.fault);
      over();
      socket.pause();
      if (found.rest.length > 0) socket.unshift(found.rest);
      admit(declaredEndpoints(socket, found.declared));
    };
    const cancel = clock.after(limits.proxyTimeout, () => refuse('no PROXY header in time'));
    this.#waiting.add(socket);
    socket.on('data', onData);
    socket.on('end', gone);
    socket.on('close', gone);
    socket.on('error', ignore);
  }

  /** Ends all of them. */
  close(): void {
    for (const socket of [...this.#waiting]) socket.destroy();
  }
}

const ignore = (): void => {};
