/** Both ends of a client's connection: as the socket tells them, or as a trusted proxy declared them. Never throws. */
import type { Socket } from 'node:net';
import type { Origin } from '#message';
import type { ProxyHeader } from '#smtp/protocol';
import type { SmtpObserver } from './observer.ts';

/** What an Origin says of the connection's ends. Addresses in canonical text, IPv4-mapped IPv6 as IPv4; '' for a UNIX socket. */
export type Endpoints = Pick<
  Origin,
  'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort' | 'proxy' | 'undeclared'
>;

/** The client's address: IPv4-mapped IPv6 as IPv4, '' for a UNIX socket. */
export function clientAddress(socket: Socket): string {
  return canonical(socket.remoteAddress);
}

/** The ends of a client that connected itself. */
export function endpointsOf(socket: Socket): Endpoints {
  return {
    remoteAddress: clientAddress(socket),
    remotePort: socket.remotePort ?? 0,
    localAddress: canonical(socket.localAddress),
    localPort: socket.localPort ?? 0,
  };
}

/** The ends that a proxy declared; without a declaration the proxy's own, which then give nobody any trust. */
export function declaredEndpoints(socket: Socket, declared: ProxyHeader['declared']): Endpoints {
  const own = endpointsOf(socket);
  const proxy = own.remoteAddress;
  if (declared === null) return { ...own, proxy, undeclared: true };
  const { source, destination } = declared;
  return {
    remoteAddress: source.address,
    remotePort: source.port,
    localAddress: destination.address,
    localPort: destination.port,
    proxy,
  };
}

function canonical(address: string | undefined): string {
  if (!address) return '';
  const zone = address.indexOf('%');
  const plain = zone < 0 ? address : address.slice(0, zone);
  return /^::ffff:[0-9.]+$/i.test(plain) ? plain.slice(7) : plain;
}

/** A connection that was taken. */
export interface Arrival {
  readonly id: string;
  readonly endpoints: Endpoints;
  /** Open from this client now, this one included. */
  readonly connections: number;
  readonly observer: SmtpObserver | null;
}
