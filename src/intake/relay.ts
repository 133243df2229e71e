/**
 * Who may send to where: a client in the listed networks to anyone, everybody else to the listed domains only.
 *
 * Promises that nothing else relays (P13): addresses that a next hop might read as a route (`%`, `!`, a quoted `@`) are
 * refused from strangers, as is a recipient without a domain but postmaster (RFC 5321 4.5.1).
 */
import { asciiLower, domainOf, localPartOf, status, type Origin, type Path, type Status } from '#message';
import { among, type Network } from './networks.ts';

/** The rule of one listener. */
export interface RelayPolicy {
  /** The client may send to anyone. Does not change while it is connected, but by AUTH. */
  trusts(origin: Origin): boolean;
  /** null = this recipient is welcome from a client of that standing; else the refusal. */
  refusal(trusted: boolean, recipient: Path): Status | null;
}

const DENIED = status(554, '5.7.1', 'Relay access denied');
const ROUTED = status(550, '5.7.1', 'Addresses with a route in them are not relayed');
const BARE = status(550, '5.1.3', 'Recipient address needs a domain');

/** Compiles a policy. `domains`: lower-case byte strings, exact names. */
export function relayPolicy(networks: readonly Network[], domains: readonly string[]): RelayPolicy {
  const isListed = among(networks);
  const own = new Set(domains);
  return {
    trusts: (origin) =>
      origin.user !== '' || (!origin.undeclared && (isLocal(origin) || isListed(origin.remoteAddress))),
    refusal(trusted, recipient) {
      const { address } = recipient;
      const domain = asciiLower(domainOf(address));
      if (domain === '') return asciiLower(address) === 'postmaster' ? null : BARE;
      if (trusted) return null;
      if (!own.has(domain)) return DENIED;
      return /[%!@]/.test(localPartOf(address)) ? ROUTED : null;
    },
  };
}

/** A client on a unix socket is on this machine, and its folder's mode decides who that is. */
const isLocal = ({ remoteAddress }: Origin): boolean => remoteAddress === '';
