/**
 * A door: one address listened on, and who takes the connections that come in through it.
 *
 * Apart from the server, so that a running gateway can lead an open door to another listener without closing it. A UNIX socket
 * that a dead process left behind is taken over. Ends no connection but one whose client is gone before it is taken: it has no
 * address any more, and must not pass for a client of a UNIX socket, who needs none and is trusted.
 */
import { unlink } from 'node:fs/promises';
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { formatAddress, parseListenAddress } from './listen-address.ts';

/** Where a door leads. */
export interface DoorKeeper {
  /** A new connection; it belongs to the keeper. */
  accept(socket: Socket): void;
  /** Accepting one failed (no file descriptor left, for example); the door stays open. */
  failed(error: Error): void;
}

/** An open door. */
export interface Door {
  /** The address got, port 0 filled in. */
  readonly address: string;
  /** Connections go to `keeper` from now on. */
  lead(keeper: DoorKeeper): void;
  /** The address is free when this returns. Connections that came through it go on. */
  close(): void;
}

/** Opens a door. Rejects with SMTP_BAD_ADDRESS or the system's code (EADDRINUSE and so on). */
export async function openDoor(address: string, keeper: DoorKeeper): Promise<Door> {
  const wanted = parseListenAddress(address);
  let leadsTo = keeper;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    if (wanted.path === undefined && socket.remoteAddress === undefined) socket.destroy();
    else leadsTo.accept(socket);
  });
  try {
    await listening(server, wanted);
  } catch (error) {
    const stale = wanted.path !== undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!stale || !(await isAbandoned(wanted.path!))) throw error;
    await unlink(wanted.path!);
    await listening(server, wanted);
  }
  server.on('error', (error) => leadsTo.failed(error));
  return {
    address: formatAddress(server.address()),
    lead: (next) => void (leadsTo = next),
    close: () => void server.close(),
  };
}

/** Binds; resolves when connections are taken. */
function listening(server: Server, address: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** True for a UNIX socket file behind which nobody listens any more. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
