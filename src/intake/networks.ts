/** Networks of the configuration, and whether an address is in one of them. Never throws. */
import { BlockList, isIP } from 'node:net';

/** A network in prefix notation, taken apart. */
export interface Network {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

/** Whether an address in canonical text is in one of the networks; '' (a UNIX socket) never is. */
export function among(networks: readonly Network[]): (address: string) => boolean {
  const listed = new BlockList();
  for (const { family, address, bits } of networks)
    listed.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  return (address) => {
    const version = isIP(address);
    return version !== 0 && listed.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}
