/** What sockets tell of a client, as an Origin: addresses in canonical text, TLS facts. Never throws. */
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { byteStringOf, type Origin, type TlsFacts } from '#message';
import type { Endpoints } from './endpoints.ts';
import type { ClientName, Settings } from './options.ts';

/** The Origin of a new connection. */
export function originOf(
  settings: Settings,
  endpoints: Endpoints,
  session: string,
  name: ClientName,
  tls: TlsFacts | null,
  clientConnections: number,
): Origin {
  return {
    listener: settings.listener,
    protocol: settings.protocol,
    session,
    ...endpoints,
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

/**
 * Whether the certificate leads to an authority of ours, as OpenSSL found in this handshake or in the one that is resumed.
 *
 * Node says so in `authorized`, which only a tls.Server sets; given our sockets, that would say of a finished handshake not which
 * connection it was. So its source is asked, the handle. Should a later Node have none, nobody is verified. tls.test.ts holds this
 * against what tls.Server says.
 */
function isVerified(socket: TLSSocket): boolean {
  const handle = (socket as unknown as { _handle?: { verifyError?: () => Error | null } | null })._handle;
  return handle?.verifyError?.() === null;
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
