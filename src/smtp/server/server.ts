/**
 * The SMTP (or LMTP) server: who listens, how many clients there may be over all its addresses, and an orderly end.
 *
 * Made by the gateway, one per configured listener. A connection above a limit is told so and closed; a failing accept is
 * noticed. Never decides about mail: that is the handler's.
 */
import type { Socket } from 'node:net';
import type { Status } from '#message';
import { formatReply } from '#smtp/protocol';
import { clientNetwork } from './client-network.ts';
import { openDoor, type Door, type DoorKeeper } from './door.ts';
import { endpointsOf, type Endpoints } from './endpoints.ts';
import type { RefusalReason } from './meter.ts';
import { settingsOf, type Settings, type SmtpServerOptions } from './options.ts';
import { ProxiedConnections } from './proxied.ts';
import { ConnectionRate } from './rate.ts';
import { Refusals } from './refusals.ts';
import { SmtpSession } from './session.ts';
import * as texts from './texts.ts';

/** A running server. Doors opened elsewhere may lead to it; whoever opened them closes them. */
export interface SmtpServer extends DoorKeeper {
  /**
   * Listens on `host:port`, `[v6]:port` or `unix:/path`, one or several; resolves to the addresses got (port 0 filled in).
   * Rejects with SMTP_BAD_ADDRESS or the system's code (EADDRINUSE and so on); then none of this call's addresses is open.
   */
  listen(addresses: string | readonly string[]): Promise<readonly string[]>;
  /**
   * Stops: no new connections (the addresses of listen() are closed, who comes through another door is told so), 421 4.3.2 for
   * whoever has no transaction open or finishes one; who is still there after `grace` milliseconds (default limits.drainTimeout)
   * hears 421 4.3.2 in the midst of it, or the answer that is owed, and is cut off. Resolves when all is over, answers that a handler still owes included. May be called again with a shorter grace.
   */
  close(grace?: number): Promise<void>;
  /** New sessions are made from these options; sessions under way keep theirs. Throws SMTP_NO_CERTIFICATE; nothing is changed then. */
  reconfigure(options: SmtpServerOptions): void;
  /** Sessions open now. */
  readonly sessions: number;
}

/** Makes a server; nothing listens yet. Throws SMTP_NO_CERTIFICATE. */
export function createSmtpServer(options: SmtpServerOptions): SmtpServer {
  return new Listener(settingsOf(options));
}

class Listener implements SmtpServer {
  #settings: Settings;
  readonly #doors: Door[] = [];
  readonly #sessions = new Set<SmtpSession>();
  /** Connections per client; see clientNetwork. */
  readonly #clients = new Map<string, number>();
  readonly #rate: ConnectionRate;
  readonly #refusals: Refusals;
  readonly #failures: Refusals;
  /** Who has still to say for whom he comes. */
  readonly #proxied = new ProxiedConnections();
  #closing = false;
  #emptied: (() => void)[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#rate = new ConnectionRate(settings.clock);
    this.#refusals = new Refusals(settings.clock);
    this.#failures = new Refusals(settings.clock);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  reconfigure(options: SmtpServerOptions): void {
    this.#settings = settingsOf(options);
  }

  async listen(addresses: string | readonly string[]): Promise<readonly string[]> {
    const opened: Door[] = [];
    try {
      for (const address of [addresses].flat()) opened.push(await openDoor(address, this));
    } catch (error) {
      for (const door of opened) door.close();
      throw error;
    }
    this.#doors.push(...opened);
    const bound = opened.map((door) => door.address);
    this.#settings.notices('smtp.listening', { listener: this.#settings.listener, addresses: bound });
    return bound;
  }

  async close(grace = this.#settings.limits.drainTimeout): Promise<void> {
    this.#closing = true;
    for (const door of this.#doors.splice(0)) door.close();
    this.#proxied.close();
    for (const session of this.#sessions) session.drain();
    const cancel = this.#settings.clock.after(grace, () => {
      for (const session of this.#sessions) session.abort();
    });
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
    cancel();
  }

  failed(error: Error): void {
    const { listener, notices } = this.#settings;
    this.#failures.tell((untold) =>
      notices('smtp.listener-failed', { listener, reason: error.message, ...(untold > 0 && { untold }) }),
    );
  }

  accept(socket: Socket): void {
    const endpoints = endpointsOf(socket);
    const proxy = endpoints.remoteAddress;
    if (proxy === '' || !this.#settings.isTrustedProxy(proxy)) return this.#admit(socket, endpoints);
    const refusal = this.#refusalOf('', 0); // whom to count it for is not known yet
    if (refusal) return this.#refuse(socket, proxy, refusal);
    this.#proxied.receive(this.#settings, socket, (declared) => this.#admit(socket, declared));
  }

  #admit(socket: Socket, endpoints: Endpoints): void {
    const client = endpoints.remoteAddress;
    const network = clientNetwork(client);
    const connections = (this.#clients.get(network) ?? 0) + 1;
    const refusal = this.#refusalOf(client, connections);
    if (refusal) return this.#refuse(socket, client, refusal);
    this.#clients.set(network, connections);
    const { meter, clock, listener, observe, sessionId } = this.#settings;
    const began = meter ? clock.elapsed() : 0;
    meter?.opened();
    const id = sessionId();
    const observer = observe?.({ session: id, listener, address: client }) ?? null;
    const arrival = { id, endpoints, connections, observer };
    const session = new SmtpSession(this.#settings, socket, arrival, () => {
      observer?.closed();
      meter?.closed(clock.elapsed() - began);
      this.#gone(session, network);
    });
    this.#sessions.add(session);
    session.start();
  }

  /** Why a connection of `client`, its `connections`-th, is not taken; null when it is. */
  #refusalOf(client: string, connections: number): Status | null {
    const { limits, busy, isOwn } = this.#settings;
    if (this.#closing) return texts.SHUTTING_DOWN;
    if (busy()) return texts.TOO_BUSY;
    if (this.#sessions.size + this.#proxied.size >= limits.maxConnections) return texts.TOO_MANY_CONNECTIONS;
    if (client === '') return null;
    if (connections > limits.maxConnectionsPerClient) return texts.TOO_MANY_FROM_YOU;
    if (isOwn(client) || this.#rate.admit(clientNetwork(client), limits.maxConnectionRate)) return null;
    return texts.TOO_OFTEN;
  }

  /** One line (none on a TLS listener, where it could not be read) and the end. That it is busy is told by whoever says so. */
  #refuse(socket: Socket, client: string, reply: Status): void {
    const { listener, tls, notices, meter } = this.#settings;
    const { code, text } = reply;
    meter?.refused(reasonOf(reply));
    if (reply !== texts.TOO_BUSY)
      this.#refusals.tell((untold) => {
        notices('smtp.connection-refused', {
          listener,
          client,
          reply: code,
          text,
          ...(untold > 0 && { untold }),
        });
      });
    socket.on('error', () => {});
    if (tls === 'implicit') socket.destroy();
    else socket.end(formatReply(reply), 'latin1', () => socket.destroy());
  }

  #gone(session: SmtpSession, client: string): void {
    this.#sessions.delete(session);
    const left = (this.#clients.get(client) ?? 1) - 1;
    if (left > 0) this.#clients.set(client, left);
    else this.#clients.delete(client);
    if (this.#sessions.size > 0) return;
    for (const emptied of this.#emptied.splice(0)) emptied();
  }
}

/** Why, in the words of the figures. */
function reasonOf(reply: Status): RefusalReason {
  if (reply === texts.SHUTTING_DOWN) return 'shutdown';
  return reply === texts.TOO_MANY_FROM_YOU || reply === texts.TOO_OFTEN ? 'client_limit' : 'limit';
}
