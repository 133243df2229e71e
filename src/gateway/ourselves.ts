/**
 * Who we are, for delivery by MX: mail must never be sent to a host that turns out to be this gateway (RFC 5321 5.1).
 *
 * Our name is that of the configuration, our addresses are those we listen on, whatever the port. An address that stands for all
 * (0.0.0.0, ::) means every address the machine has when the question is asked. Addresses outside, which a translating router
 * gives us, are not known here: there the name must tell.
 */
import { networkInterfaces } from 'node:os';
import type { Config } from '#gateway/config';

/** See above; addresses in canonical form. */
export interface Ourselves {
  readonly hostname: string;
  readonly isOwn: (address: string) => boolean;
}

/** Of a configuration. `addressesOfMachine` lists what the machine has now. */
export function ourselvesOf(
  { hostname, listeners }: Pick<Config, 'hostname' | 'listeners'>,
  addressesOfMachine: () => readonly MachineAddress[] = machineAddresses,
): Ourselves {
  const binds = new Set(listeners.flatMap((l) => l.bind).flatMap((b) => (b.kind === 'tcp' ? [b.host] : [])));
  const all4 = binds.has('0.0.0.0');
  const all6 = binds.has('::');
  return {
    hostname,
    isOwn(address) {
      if (binds.has(address)) return true;
      const all = address.includes(':') ? all6 : all4;
      return all && addressesOfMachine().some((a) => a.address === address);
    },
  };
}

/** One address of a network interface. */
export interface MachineAddress {
  readonly address: string;
}

function machineAddresses(): readonly MachineAddress[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
}
