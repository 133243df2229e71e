/** Addresses to listen on, as the configuration writes them: `host:port`, `[v6]:port`, `unix:/path`. */
import type { AddressInfo, ListenOptions } from 'node:net';

/** What node:net wants. Throws SMTP_BAD_ADDRESS for text that is no address. */
export function parseListenAddress(address: string): ListenOptions {
  if (address.startsWith('unix:') && address.length > 5) return { path: address.slice(5) };
  const m = /^(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^\s:[\]/]+)):([0-9]{1,5})$/.exec(address);
  const port = Number(m?.[3] ?? NaN);
  if (m === null || !(port <= 65535))
    throw Object.assign(new Error(`not an address to listen on: ${address}`), { code: 'SMTP_BAD_ADDRESS' });
  const host = m[1] ?? m[2]!;
  return { host, port, ipv6Only: host.includes(':') };
}

/** The address a server got, in the same notation. */
export function formatAddress(bound: AddressInfo | string | null): string {
  if (bound === null) return '';
  if (typeof bound === 'string') return `unix:${bound}`;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}
