/** Whom a client counts as where clients are counted: an IPv4 address by itself, an IPv6 address as its /64. Never throws. */
import ipaddr from 'ipaddr.js';

/** The address, or the first four groups of an IPv6 address: whoever has one of a /64 has all of it. '' for a UNIX socket. */
export function clientNetwork(address: string): string {
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(':');
}
