/** What sockets tell of a client, as an Origin: addresses in canonical text, TLS facts. Never throws. */
import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { byteStringOf, type Origin, type TlsFacts } from '#message';
import type { ClientName, Settings } from './options.ts';

/** The client's address: IPv4-mapped IPv6 as IPv4, '' for a UNIX socket. */
export function clientAddress(socket: Socket): string {
  return canonical(socket.remoteAddress);
}

/** The Origin of a new connection. */
export function originOf(
  settings: Settings,
  socket: Socket,
  session: string,
  name: ClientName,
  tls: TlsFacts | null,
  clientConnections: number,
): Origin {
  return {
    listener: settings.listener,
    protocol: settings.protocol,
    session,
    remoteAddress: clientAddress(socket),
    remotePort: socket.remotePort ?? 0,
    localAddress: canonical(socket.localAddress),
    localPort: socket.localPort ?? 0,
    clientName: name.name,
    clientPtr: name.ptr,
    helo: '',
    heloVerb: '',
    tls,
    user: '',
    authMethod: '',
    clientConnections,
  };
}

/** The facts of a finished handshake. Certificate names only when the certificate was verified. `asked`: for a certificate. */
export function tlsFactsOf(socket: TLSSocket, asked: boolean): TlsFacts {
  const cipher = socket.getCipher()?.name ?? '';
  const shown = asked ? socket.getPeerX509Certificate() : undefined;
  const certificate = shown && isVerified(socket) ? socket.getPeerCertificate() : undefined;
  const sni = (socket as { servername?: string | false | null }).servername;
  return {
    version: socket.getProtocol() ?? '',
    cipher,
    bits: cipherBits(cipher),
    certSubject: distinguishedName(certificate?.subject),
    certIssuer: distinguishedName(certificate?.issuer),
    certCheck: !asked ? 'NOT' : !shown ? 'NO' : certificate ? 'OK' : 'FAIL',
    sni: sni ? byteStringOf(sni) : '',
  };
}

/** Whether the certificate leads to an authority of ours. `authorized` is only kept by tls.Server, which is not used here. */
function isVerified(socket: TLSSocket): boolean {
  const handle = (socket as unknown as { _handle?: { verifyError?: () => Error | null } | null })._handle;
  return handle?.verifyError?.() === null;
}

function canonical(address: string | undefined): string {
  if (!address) return '';
  const zone = address.indexOf('%');
  const plain = zone < 0 ? address : address.slice(0, zone);
  return /^::ffff:[0-9.]+$/i.test(plain) ? plain.slice(7) : plain;
}

/** Key bits of a suite from its OpenSSL name; 0 when the name does not say. */
export function cipherBits(name: string): number {
  if (/CHACHA20|AES_?256|CAMELLIA256|ARIA256/.test(name)) return 256;
  if (/AES_?128|CAMELLIA128|ARIA128|SEED/.test(name)) return 128;
  return /3DES|DES-CBC3/.test(name) ? 112 : 0;
}

/** OpenSSL's one-line form, `/C=SE/CN=client`, control characters and slashes in values escaped as OpenSSL does. */
function distinguishedName(name: PeerCertificate['subject'] | undefined): string {
  if (!name) return '';
  let text = '';
  for (const [key, value] of Object.entries(name) as [string, string | string[]][])
    for (const one of [value].flat()) text += `/${key}=${one.replace(/[\x00-\x1f\x7f/]/g, escaped)}`;
  return byteStringOf(text);
}

function escaped(c: string): string {
  return '\\x' + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}
