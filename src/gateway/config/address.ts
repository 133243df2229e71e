/**
 * Addresses as the configuration writes them: where to listen, where to connect, who may relay.
 *
 * Parsers return the value or a Problem with the remedy; they never look a name up. IPv4-mapped IPv6 is IPv4 everywhere.
 */
import ipaddr from 'ipaddr.js';
import { Problem, shown } from './diagnostics.ts';

/** Where a listener listens. `host` is an IP address in canonical text; port 0 lets the system choose. */
export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** A next hop: IP address or host name, and port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A network, prefix notation taken apart; host bits are zero. */
export interface Network {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

const BIND_REMEDY = 'write an address and port such as 0.0.0.0:25 or [::]:25, or unix:/path';
const HOP_REMEDY = 'write a host and port such as 10.0.0.5:25, mail.example.org:25 or [2001:db8::1]:25';

/** `0.0.0.0:25`, `[::]:25`, `localhost:25` (127.0.0.1), `unix:/path` (as written). */
export function parseBind(text: string): BindAddress | Problem {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    if (path && !path.includes('\0')) return { kind: 'unix', path };
    return new Problem(`${shown(text)} names no path`, BIND_REMEDY);
  }
  const split = splitPort(text);
  if (!split) return new Problem(`${shown(text)} is no address to listen on`, BIND_REMEDY);
  const host = split.host === 'localhost' ? '127.0.0.1' : canonicalAddress(split.host);
  if (host === null) return new Problem(`${shown(split.host)} is not an IP address`, BIND_REMEDY);
  return { kind: 'tcp', host, port: split.port };
}

/** A next hop; `defaultPort` when none is written. */
export function parseHostPort(text: string, defaultPort: number): HostPort | Problem {
  const bare = canonicalAddress(text) ?? (isHostName(text) ? text.toLowerCase() : null);
  if (bare !== null) return { host: bare, port: defaultPort };
  const split = splitPort(text);
  const host =
    split && (canonicalAddress(split.host) ?? (isHostName(split.host) ? split.host.toLowerCase() : null));
  if (!split || !host || split.port === 0)
    return new Problem(`${shown(text)} is no host to connect to`, HOP_REMEDY);
  return { host, port: split.port };
}

/** `127.0.0.0/8`, `::1`, `2001:db8::/32`; a bare address is a network of one. */
export function parseNetwork(text: string): Network | Problem {
  const bad = (): Problem =>
    new Problem(
      `${shown(text)} is not a network`,
      'write an address or a prefix such as 192.0.2.0/24 or 2001:db8::/32',
    );
  const m = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text.trim());
  if (!m || !isAddress(m[1]!)) return bad();
  const address = ipaddr.parse(m[1]!);
  const widest = address.kind() === 'ipv4' ? 32 : 128;
  let bits = m[2] === undefined ? widest : Number(m[2]);
  if (bits > widest) return bad();
  let bytes = address.toByteArray();
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96)
    [bytes, bits] = [bytes.slice(12), bits - 96];
  const base = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
  return { family: bytes.length === 4 ? 4 : 6, address: ipaddr.fromByteArray(base).toString(), bits };
}

/** Canonical text of an IP address literal, IPv4-mapped IPv6 as IPv4; null for anything else. */
export function canonicalAddress(text: string): string | null {
  return isAddress(text) ? ipaddr.process(text).toString() : null;
}

/** Letters, digits, hyphens and underscores in labels of 1 to 63, 253 in all. An IPv4-like name is an address, not a name. */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?$/.test(text) &&
    !/^[\d.]+$/.test(text)
  );
}

/** Four-part decimal IPv4 or IPv6 without zone: no octal, no short forms. */
function isAddress(text: string): boolean {
  return (
    ipaddr.IPv4.isValidFourPartDecimal(text) ||
    (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text))
  );
}

function splitPort(text: string): HostPort | null {
  const m = /^(?:\[([^\]]{1,64})\]|([^:[\]]{1,253})):(\d{1,5})$/.exec(text);
  if (!m || Number(m[3]) > 65_535) return null;
  if (m[1] !== undefined && !m[1].includes(':')) return null;
  return { host: m[1] ?? m[2]!, port: Number(m[3]) };
}
