/**
 * The SMTP (or LMTP) server: who listens, how many clients there may be over all its addresses, and an orderly end.
 *
 * Made by the gateway, one per configured listener. A connection above a limit is told so and closed; a failing accept is
 * noticed. Never decides about mail: that is the handler's.
 */
import type { Socket } from 'node:net';
import type { Status } from '#message';
import { formatReply } from '#smtp/protocol';
import { openDoor, type Door, type DoorKeeper } from './door.ts';
import { clientAddress } from './facts.ts';
import { settingsOf, type Settings, type SmtpServerOptions } from './options.ts';
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
   * is cut off. Resolves when all is over, answers that a handler still owes included. May be called again with a shorter grace.
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
  /** Connections per client address. */
  readonly #clients = new Map<string, number>();
  #closing = false;
  #emptied: (() => void)[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
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
    for (const session of this.#sessions) session.drain();
    const cancel = this.#settings.clock.after(grace, () => {
      for (const session of this.#sessions) session.abort();
    });
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
    cancel();
  }

  failed(error: Error): void {
    const { listener, notices } = this.#settings;
    notices('smtp.listener-failed', { listener, reason: error.message });
  }

  accept(socket: Socket): void {
    const client = clientAddress(socket);
    const connections = (this.#clients.get(client) ?? 0) + 1;
    const { maxConnections, maxConnectionsPerClient } = this.#settings.limits;
    if (this.#closing) return this.#refuse(socket, texts.SHUTTING_DOWN);
    if (this.#sessions.size >= maxConnections) return this.#refuse(socket, texts.TOO_MANY_CONNECTIONS);
    if (client !== '' && connections > maxConnectionsPerClient)
      return this.#refuse(socket, texts.TOO_MANY_FROM_YOU);
    this.#clients.set(client, connections);
    const session = new SmtpSession(this.#settings, socket, connections, () => this.#gone(session, client));
    this.#sessions.add(session);
    session.start();
  }

  /** One line (none on a TLS listener, where it could not be read) and the end. */
  #refuse(socket: Socket, reply: Status): void {
    const { listener, tls, notices } = this.#settings;
    notices('smtp.connection-refused', {
      listener,
      client: clientAddress(socket),
      reply: reply.code,
      text: reply.text,
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
