/**
 * Putting TLS on a connection, at once (implicit) or after STARTTLS.
 *
 * The plain socket is given away: whatever arrives on it from then on goes to TLS alone. A failed handshake destroys the socket
 * and shows as its `close` without `secured` having been called; nothing is thrown.
 */
import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import type { SmtpMeter } from './meter.ts';

/** Who is told how a handshake ended. `failed` gets the reason when there is one, before the socket closes. */
export interface Handshake {
  secured(socket: TLSSocket): void;
  failed(reason: string): void;
}

/** What a handshake is made with. */
export interface Identity {
  readonly context: SecureContext;
  /** The context for a name that the client asks for; undefined: `context`. */
  readonly contextFor: ((serverName: string) => SecureContext | undefined) | undefined;
  /** Whether a certificate is asked of the client. One that is not verified does not end the handshake. */
  readonly asks: boolean;
  /** Hears how it ended. */
  readonly meter: SmtpMeter | null;
}

/** Starts the server side of a handshake on `plain`. */
export function secure(plain: Socket, identity: Identity, handshake: Handshake): TLSSocket {
  const { context, contextFor, asks, meter } = identity;
  const socket = new TLSSocket(plain, {
    isServer: true,
    secureContext: context,
    requestCert: asks,
    rejectUnauthorized: false,
    ...(contextFor && { SNICallback: chosenBy(contextFor) }),
  });
  plain.on('error', () => {}); // the TLS socket reports it
  socket.disableRenegotiation();
  let done = false;
  socket.once('secure', () => {
    done = true;
    meter?.handshake(socket.getProtocol() ?? '');
    handshake.secured(socket);
  });
  socket.once('_tlsError', (error: Error) => {
    if (!done) handshake.failed(error.message);
  });
  socket.once('close', () => {
    if (!done) meter?.handshake(null);
  });
  // Its end in the middle of a handshake, or a reset that showed first when we wrote, is no error to TLS: it would wait.
  socket.once('end', () => {
    if (done) return;
    handshake.failed('the client hung up');
    socket.destroy();
  });
  return socket;
}

/** What is thrown in this callback would be nobody's: it ends the handshake instead. */
function chosenBy(contextFor: NonNullable<Identity['contextFor']>) {
  return (serverName: string, answer: (error: Error | null, context?: SecureContext) => void): void => {
    let context: SecureContext | undefined;
    try {
      context = contextFor(serverName);
    } catch (error) {
      return answer(error instanceof Error ? error : new Error(String(error)));
    }
    answer(null, context);
  };
}
