/**
 * Who may send to where: a client in the listed networks to anyone, everybody else to the listed domains only.
 *
 * Promises that nothing else relays (P13): addresses that a next hop might read as a route (`%`, `!`, a quoted `@`) are
 * refused from strangers, as is a recipient without a domain but postmaster (RFC 5321 4.5.1).
 */
import { BlockList, isIP } from 'node:net';
import { asciiLower, domainOf, localPartOf, status, type Origin, type Path, type Status } from '#message';

/** The rule of one listener. */
export interface RelayPolicy {
  /** null = this recipient is welcome; else the refusal. */
  refusal(origin: Origin, recipient: Path): Status | null;
}

const DENIED = status(554, '5.7.1', 'Relay access denied');
const ROUTED = status(550, '5.7.1', 'Addresses with a route in them are not relayed');
const BARE = status(550, '5.1.3', 'Recipient address needs a domain');

/** A network in prefix notation, taken apart. */
export interface RelayNetwork {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

/** Compiles a policy. `domains`: lower-case byte strings, exact names. */
export function relayPolicy(networks: readonly RelayNetwork[], domains: readonly string[]): RelayPolicy {
  const trusted = new BlockList();
  for (const { family, address, bits } of networks)
    trusted.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  const own = new Set(domains);
  return {
    refusal(origin, recipient) {
      const { address } = recipient;
      const domain = asciiLower(domainOf(address));
      if (domain === '') return asciiLower(address) === 'postmaster' ? null : BARE;
      if (origin.user !== '' || isTrusted(trusted, origin.remoteAddress)) return null;
      if (!own.has(domain)) return DENIED;
      return /[%!@]/.test(localPartOf(address)) ? ROUTED : null;
    },
  };
}

/** A client on a unix socket is on this machine, and its folder's mode decides who that is. */
function isTrusted(trusted: BlockList, address: string): boolean {
  const version = isIP(address);
  return version === 0 ? address === '' : trusted.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
