/**
 * A next hop as configured: its name, and where it listens. Parsing and naming only; finding addresses is in resolve.ts.
 */
import { isIP } from 'node:net';
import type { TlsMode } from './options.ts';

/** One host to hand mail to. */
export interface Hop {
  /** Host name or address as configured; certificates are checked against it and statuses carry it as `by`. */
  readonly name: string;
  /** TCP port; 0 for a unix socket. */
  readonly port: number;
  /** Path of a unix socket, '' for TCP. */
  readonly path: string;
  /** TLS with this host, where it is not that of its pool. */
  readonly tls?: TlsMode;
}

/** `host`, `host:port`, `[v6]`, `[v6]:port` or `unix:/path`; null when it is none of these. The default port is 25. */
export function parseHop(text: string, defaultPort = 25): Hop | null {
  if (text.startsWith('unix:'))
    return text.length > 5 ? { name: 'localhost', port: 0, path: text.slice(5) } : null;
  const m = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:\s/]+))(?::(\d{1,5}))?$/.exec(text);
  if (m === null) return isIP(text) === 6 ? { name: text, port: defaultPort, path: '' } : null;
  if (m[1] !== undefined && isIP(m[1]) !== 6) return null;
  const port = m[3] === undefined ? defaultPort : Number(m[3]);
  return port >= 1 && port <= 65_535 ? { name: (m[1] ?? m[2])!, port, path: '' } : null;
}
