/**
 * Putting TLS on a connection, at once (implicit) or after STARTTLS.
 *
 * The plain socket is given away: whatever arrives on it from then on goes to TLS alone. A failed handshake destroys the socket
 * and shows as its `close` without `secured` having been called; nothing is thrown.
 */
import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';

/** Who is told how a handshake ended. `failed` gets the reason when there is one, before the socket closes. */
export interface Handshake {
  secured(socket: TLSSocket): void;
  failed(reason: string): void;
}

/** Starts the server side of a handshake on `plain`. */
export function secure(
  plain: Socket,
  secureContext: SecureContext,
  requestCert: boolean,
  handshake: Handshake,
): TLSSocket {
  const socket = new TLSSocket(plain, {
    isServer: true,
    secureContext,
    requestCert,
    rejectUnauthorized: false,
  });
  plain.on('error', () => {}); // the TLS socket reports it
  socket.disableRenegotiation();
  let done = false;
  socket.once('secure', () => {
    done = true;
    handshake.secured(socket);
  });
  socket.once('_tlsError', (error: Error) => {
    if (!done) handshake.failed(error.message);
  });
  return socket;
}
